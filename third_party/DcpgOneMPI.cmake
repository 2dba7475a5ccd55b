# SPDX-License-Identifier: MIT
# HDF5's MPI must be the one found: two in one program crash, or worse. A program linked to both is run; where
# that is not possible, dcpg asks at its start.
if(NOT CMAKE_CROSSCOMPILING AND NOT "${dcpg_one_mpi_checked}"
  STREQUAL "${MPI_C_LIBRARIES} ${HDF5_C_LIBRARIES}")
  unset(dcpg_one_mpi_runs CACHE)
  try_run(dcpg_one_mpi_runs dcpg_one_mpi_compiles "${PROJECT_BINARY_DIR}/one_mpi"
    "${CMAKE_CURRENT_LIST_DIR}/one_mpi.c"
    CMAKE_FLAGS "-DINCLUDE_DIRECTORIES=${PROJECT_SOURCE_DIR}/src;${HDF5_C_INCLUDE_DIRS}"
    COMPILE_DEFINITIONS -D_POSIX_C_SOURCE=200809L
    LINK_OPTIONS -Wl,--no-as-needed
    LINK_LIBRARIES MPI::MPI_C ${HDF5_C_LIBRARIES} ${CMAKE_DL_LIBS}
    RUN_OUTPUT_VARIABLE dcpg_one_mpi_names COMPILE_OUTPUT_VARIABLE dcpg_one_mpi_errors)
  string(STRIP "${dcpg_one_mpi_names}" dcpg_one_mpi_names)
  if(dcpg_one_mpi_names MATCHES " and ")
    message(FATAL_ERROR
      "HDF5 was built with another MPI than the one found, so that there would be two in dcpg: "
      "${dcpg_one_mpi_names}. "
      "Name the compiler of the HDF5 that belongs to ${MPI_C_COMPILER} with "
      "-DHDF5_C_COMPILER_EXECUTABLE=h5pcc (Debian: h5pcc.mpich of libhdf5-mpich-dev, "
      "h5pcc.openmpi of libhdf5-openmpi-dev), "
      "or load its module, and start with an empty build folder.")
  elseif(NOT dcpg_one_mpi_compiles)
    message(WARNING
      "a program that uses MPI and HDF5 cannot be built, which would show whether HDF5 is of this MPI: "
      "${dcpg_one_mpi_errors}")
  endif()
  set(dcpg_one_mpi_checked "${MPI_C_LIBRARIES} ${HDF5_C_LIBRARIES}" CACHE
    INTERNAL "libraries known to be of one MPI")
endif()
