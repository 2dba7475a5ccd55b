# SPDX-License-Identifier: MIT
# HDF5 built with MPI -> HDF5::HDF5. A serial HDF5 counts as missing.
set(HDF5_PREFER_PARALLEL ON)
find_package(HDF5 QUIET COMPONENTS C)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(DcpgHDF5 REQUIRED_VARS HDF5_C_LIBRARIES HDF5_IS_PARALLEL)
