# SPDX-License-Identifier: MIT
# protobuf-c and its compiler protoc-c -> protobuf-c::protobuf-c, DcpgProtobufC_PROTOC:
# TensorBoard's event files.
include(DcpgRequire)
find_program(DcpgProtobufC_PROTOC NAMES protoc-c)
mark_as_advanced(DcpgProtobufC_PROTOC)
if(DcpgProtobufC_PROTOC)
  dcpg_find_library(DcpgProtobufC protobuf-c::protobuf-c protobuf-c/protobuf-c.h protobuf-c)
else()
  set(DcpgProtobufC_FOUND FALSE)
endif()
