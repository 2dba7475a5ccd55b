# SPDX-License-Identifier: MIT
# Installs the program, both libraries, the headers,
# and what CMake and pkg-config need to find them from any prefix.
include(CMakePackageConfigHelpers)
set(cmake_dir "${CMAKE_INSTALL_LIBDIR}/cmake/dcpg")
install(TARGETS dcpg)
install(TARGETS dcpg_shared EXPORT dcpgTargets)
install(TARGETS dcpg_static EXPORT dcpgStaticTargets)
install(EXPORT dcpgTargets NAMESPACE dcpg:: DESTINATION "${cmake_dir}")
install(EXPORT dcpgStaticTargets NAMESPACE dcpg:: DESTINATION "${cmake_dir}")
install(DIRECTORY include/dcpg DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.h")
write_basic_package_version_file(dcpgConfigVersion.cmake COMPATIBILITY SameMinorVersion)
file(GLOB find_modules "${PROJECT_SOURCE_DIR}/third_party/*.cmake")
install(FILES ${find_modules} "${PROJECT_BINARY_DIR}/dcpgConfigVersion.cmake" DESTINATION "${cmake_dir}")

file(RELATIVE_PATH prefix_from_pc "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
set(libs_private ${HDF5_C_LIBRARIES} ${DcpgHtslib_LIBRARY} ${DcpgJansson_LIBRARY} ${DcpgBLIS_LIBRARY}
  ${MPI_C_LIBRARIES} ${ZLIB_LIBRARIES})
if(bigwig)
  list(APPEND libs_private ${DcpgBigWig_LIBRARY})
endif()
if(DcpgProtobufC_FOUND)
  list(APPEND libs_private ${DcpgProtobufC_LIBRARY})
endif()
list(JOIN libs_private " " libs_private)
configure_file(third_party/dcpg.pc.in dcpg.pc @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/dcpg.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
