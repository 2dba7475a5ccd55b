# SPDX-License-Identifier: MIT
# How third-party packages are asked for. Targets they give: see the table in README.md.

# dcpg_require(PACKAGE [NAME words for people] MODULE name on clusters [COMPONENTS ...]
#   [OPTION switch that makes it unnecessary])
# A missing package ends configuring with one sentence. A macro,
# because find_package sets variables its caller needs.
macro(dcpg_require package)
  cmake_parse_arguments(required "" "NAME;MODULE;OPTION" "COMPONENTS" ${ARGN})
  find_package(${package} QUIET COMPONENTS ${required_COMPONENTS})
  if(NOT ${package}_FOUND)
    if(NOT required_NAME)
      set(required_NAME ${package})
    endif()
    if(required_OPTION)
      set(required_OPTION ", or configure with -D${required_OPTION}=OFF")
    endif()
    message(FATAL_ERROR "${required_NAME} is missing: run 'bash third_party/install.sh', "
      "or 'module load ${required_MODULE}' on a cluster "
      "(elsewhere: set CMAKE_PREFIX_PATH)${required_OPTION}.")
  endif()
endmacro()

# dcpg_find_library(PACKAGE target header library [folder suffixes...]): header + library -> imported target.
# pkg-config is not needed: modules set CMAKE_PREFIX_PATH, CPATH or LIBRARY_PATH, and all are searched.
macro(dcpg_find_library package target header library)
  find_path(${package}_INCLUDE_DIR ${header} PATHS ENV CPATH ENV C_INCLUDE_PATH PATH_SUFFIXES ${ARGN})
  find_library(${package}_LIBRARY ${library} PATHS ENV LIBRARY_PATH ENV LD_LIBRARY_PATH PATH_SUFFIXES ${ARGN})
  mark_as_advanced(${package}_INCLUDE_DIR ${package}_LIBRARY)
  include(FindPackageHandleStandardArgs)
  find_package_handle_standard_args(${package} REQUIRED_VARS ${package}_LIBRARY ${package}_INCLUDE_DIR)
  if(${package}_FOUND AND NOT TARGET ${target})
    add_library(${target} UNKNOWN IMPORTED)
    set_target_properties(${target} PROPERTIES
      IMPORTED_LOCATION "${${package}_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${${package}_INCLUDE_DIR}")
  endif()
endmacro()
