# SPDX-License-Identifier: MIT
# libarchive -> Archive::Archive: NumPy's npz files. Optional: without it dcpg says that it cannot read
# or write them.
include(DcpgRequire)
dcpg_find_library(DcpgArchive Archive::Archive archive.h archive)
