# SPDX-License-Identifier: MIT
# libBigWig -> BigWig::BigWig: bigWig files. Optional: without it dcpg says that it cannot read them.
include(DcpgRequire)
dcpg_find_library(DcpgBigWig BigWig::BigWig bigWig.h BigWig)
if(DcpgBigWig_FOUND)
  # Local files only: spares curl's headers.
  set_property(TARGET BigWig::BigWig PROPERTY INTERFACE_COMPILE_DEFINITIONS NOCURL)
endif()
