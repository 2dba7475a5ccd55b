# SPDX-License-Identifier: MIT
# htslib -> htslib::htslib: FASTA, (b)gzip, MD5.
include(DcpgRequire)
dcpg_find_library(DcpgHtslib htslib::htslib htslib/hts.h hts)
