# tentacle_proto(): proto/tentacle/**.proto -> one library tentacle::proto, with mock stubs for tests.
function(tentacle_proto)
  set(out ${CMAKE_BINARY_DIR}/proto_gen)
  file(MAKE_DIRECTORY ${out})
  find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)
  set(generated)
  foreach(proto ${ARGN})
    string(REGEX REPLACE "\\.proto$" "" stem ${proto})
    set(files ${out}/${stem}.pb.cc ${out}/${stem}.pb.h)
    set(grpc_args)
    if(stem MATCHES "_service$")
      list(APPEND files ${out}/${stem}.grpc.pb.cc ${out}/${stem}.grpc.pb.h)
      set(grpc_args --grpc_out=generate_mock_code=true:${out} --plugin=protoc-gen-grpc=${GRPC_CPP_PLUGIN})
      list(APPEND grpc_sources ${out}/${stem}.grpc.pb.cc)
    endif()
    add_custom_command(
      OUTPUT ${files}
      COMMAND protobuf::protoc --proto_path=${CMAKE_SOURCE_DIR}/proto --cpp_out=${out} ${grpc_args} ${proto}
      DEPENDS ${CMAKE_SOURCE_DIR}/proto/${proto}
      VERBATIM)
    list(APPEND message_sources ${out}/${stem}.pb.cc)
    list(APPEND generated ${files})
  endforeach()

  # Messages alone, for the pure cores: no gRPC header is within reach of what links only this.
  add_library(tentacle_proto STATIC ${message_sources})
  target_include_directories(tentacle_proto SYSTEM PUBLIC ${out})
  target_link_libraries(tentacle_proto PUBLIC protobuf::libprotobuf)
  add_library(tentacle::proto ALIAS tentacle_proto)

  add_library(tentacle_proto_grpc STATIC ${grpc_sources})
  target_link_libraries(tentacle_proto_grpc PUBLIC tentacle_proto gRPC::grpc++)
  add_library(tentacle::proto_grpc ALIAS tentacle_proto_grpc)
  add_dependencies(tentacle_proto_grpc tentacle_proto)
endfunction()
