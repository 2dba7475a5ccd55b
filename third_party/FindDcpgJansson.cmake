# SPDX-License-Identifier: MIT
# jansson -> jansson::jansson: JSON.
include(DcpgRequire)
dcpg_find_library(DcpgJansson jansson::jansson jansson.h jansson)
