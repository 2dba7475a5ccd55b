# SPDX-License-Identifier: MIT
# The libraries that dcpg stands on, and what to do where one is missing.
include(DcpgRequire)
# Debian names the tools of several MPIs by a suffix (mpicc.mpich): those of the MPI whose compiler is named
# belong together.
if(MPI_C_COMPILER MATCHES "(\\.[a-z][a-z0-9]*)$")
  set(suffix "${CMAKE_MATCH_1}")
  find_program(MPIEXEC_EXECUTABLE "mpiexec${suffix}")
  find_program(HDF5_C_COMPILER_EXECUTABLE "h5pcc${suffix}")
endif()
dcpg_require(MPI COMPONENTS C MODULE openmpi)
dcpg_require(OpenMP COMPONENTS C MODULE gcc)
dcpg_require(DcpgHDF5 NAME "parallel HDF5" MODULE hdf5-parallel)
include(DcpgOneMPI)
dcpg_require(DcpgBLIS NAME "BLIS (OpenMP build)" MODULE blis)
dcpg_require(DcpgHtslib NAME htslib MODULE htslib)
dcpg_require(DcpgJansson NAME jansson MODULE jansson)
dcpg_require(ZLIB NAME zlib MODULE zlib)
find_package(DcpgBigWig QUIET) # optional: without it bigWig files are refused
if(DcpgBigWig_FOUND)
  set(bigwig BigWig::BigWig)
endif()
find_package(DcpgArchive QUIET) # optional: without it npz files are refused
if(DcpgArchive_FOUND)
  set(libarchive Archive::Archive)
endif()
find_package(DcpgProtobufC QUIET) # optional
if(NOT DcpgProtobufC_FOUND)
  message(STATUS "protobuf-c or protoc-c is missing: built without event files for TensorBoard")
endif()
set(third_party ${bigwig} ${libarchive}
  MPI::MPI_C HDF5::HDF5 BLIS::BLIS htslib::htslib jansson::jansson ZLIB::ZLIB
  OpenMP::OpenMP_C
  ${CMAKE_DL_LIBS} m)
if(DcpgProtobufC_FOUND)
  list(APPEND third_party protobuf-c::protobuf-c)
endif()
