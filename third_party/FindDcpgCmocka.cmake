# SPDX-License-Identifier: MIT
# cmocka -> cmocka::cmocka: unit tests.
include(DcpgRequire)
dcpg_find_library(DcpgCmocka cmocka::cmocka cmocka.h cmocka)
