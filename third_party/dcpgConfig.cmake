# SPDX-License-Identifier: MIT
# find_package(dcpg) -> dcpg::dcpg (shared), and dcpg::dcpg_static where everything it is made of is found;
# find_package(dcpg COMPONENTS static) insists on the latter.
include("${CMAKE_CURRENT_LIST_DIR}/dcpgTargets.cmake")

list(PREPEND CMAKE_MODULE_PATH "${CMAKE_CURRENT_LIST_DIR}")
set(dcpg_missing "")
set(dcpg_optional "")
foreach(name BigWig Archive)
  file(STRINGS "${CMAKE_CURRENT_LIST_DIR}/dcpgStaticTargets.cmake" dcpg_used REGEX "${name}::${name}"
    LIMIT_COUNT 1)
  if(dcpg_used)
    list(APPEND dcpg_optional Dcpg${name}) # this libdcpg was built with it
  endif()
endforeach()
foreach(package MPI OpenMP DcpgHDF5 DcpgBLIS DcpgHtslib DcpgJansson ZLIB ${dcpg_optional})
  find_package(${package} QUIET)
  if(NOT ${package}_FOUND)
    string(APPEND dcpg_missing " ${package}")
  endif()
endforeach()
find_package(DcpgProtobufC QUIET) # which the library may have been built with
list(POP_FRONT CMAKE_MODULE_PATH)

if(NOT dcpg_missing)
  include("${CMAKE_CURRENT_LIST_DIR}/dcpgStaticTargets.cmake")
elseif("static" IN_LIST dcpg_FIND_COMPONENTS)
  set(dcpg_FOUND FALSE)
  set(dcpg_NOT_FOUND_MESSAGE "the static library also needs:${dcpg_missing}")
endif()
unset(dcpg_missing)
unset(dcpg_optional)
unset(dcpg_used)
