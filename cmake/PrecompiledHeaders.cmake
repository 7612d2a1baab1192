# The headers that most files include, compiled once: parsing them is two thirds of a file's time. Only with
# TENTACLE_PRECOMPILE (presets dev, release, image); the presets tsan and fuzz are built without, so that a file that
# lacks an include fails there.
set(TENTACLE_COMMON_HEADERS
  <algorithm> <array> <chrono> <deque> <functional> <map> <memory> <optional> <set> <string> <string_view>
  <unordered_map> <utility> <vector>
  <absl/status/statusor.h> <absl/time/time.h>
  <boost/asio/any_io_executor.hpp> <boost/asio/as_tuple.hpp> <boost/asio/awaitable.hpp> <boost/asio/co_spawn.hpp>
  <boost/asio/detached.hpp> <boost/asio/io_context.hpp> <boost/asio/ip/tcp.hpp> <boost/asio/post.hpp>
  <boost/asio/steady_timer.hpp> <boost/asio/thread_pool.hpp> <boost/asio/use_awaitable.hpp>
  <boost/json.hpp> <fmt/format.h>
  <google/protobuf/message.h> <google/protobuf/repeated_field.h>)

# Definitions that change what these headers say must be the same wherever the result is used.
set(TENTACLE_COMMON_LIBRARIES absl::statusor absl::time Boost::json fmt::fmt protobuf::libprotobuf Threads::Threads)

# tentacle_precompile(<target> <holder>): <holder> is tentacle_precompiled for libraries and tentacle_precompiled_test
# for test programs (position-independent executables: another code model, another result).
function(tentacle_precompile target holder)
  if(TENTACLE_PRECOMPILE)
    target_link_libraries(${target} PRIVATE ${TENTACLE_COMMON_LIBRARIES})
    target_precompile_headers(${target} REUSE_FROM ${holder})
  endif()
endfunction()

if(TENTACLE_PRECOMPILE)
  add_compile_options(-pthread)  # gRPC's users have it, and it defines a macro.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-fpch-preprocess)  # ccache needs it to see through them.
  endif()
  file(WRITE ${CMAKE_BINARY_DIR}/precompiled.cc "")
  file(WRITE ${CMAKE_BINARY_DIR}/precompiled_test.cc "int main() { return 0; }\n")
  add_library(tentacle_precompiled STATIC ${CMAKE_BINARY_DIR}/precompiled.cc)
  target_link_libraries(tentacle_precompiled PRIVATE ${TENTACLE_COMMON_LIBRARIES} tentacle_warnings)
  target_precompile_headers(tentacle_precompiled PRIVATE ${TENTACLE_COMMON_HEADERS})
  if(TENTACLE_BUILD_TESTS)
    add_executable(tentacle_precompiled_test ${CMAKE_BINARY_DIR}/precompiled_test.cc)
    target_link_libraries(tentacle_precompiled_test PRIVATE ${TENTACLE_COMMON_LIBRARIES} GTest::gtest GTest::gmock
                          tentacle_warnings)
    target_precompile_headers(tentacle_precompiled_test PRIVATE ${TENTACLE_COMMON_HEADERS} <gmock/gmock.h>
                              <gtest/gtest.h>)
  endif()
endif()
