# SPDX-License-Identifier: MIT
# BLIS, its OpenMP build -> BLIS::BLIS. BLIS has no pkg-config file;
# Debian keeps each build in a folder of its own.
# Only blis.h is used: cblas.h belongs to whichever BLAS the system has chosen.
include(DcpgRequire)
dcpg_find_library(DcpgBLIS BLIS::BLIS blis.h "blis;blis-mt" blis-openmp blis)
