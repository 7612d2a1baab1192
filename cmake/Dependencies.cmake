# Every library that is not ours, with the Debian 12 version it was tested with. Reasons: docs/libraries.md.
find_package(Threads REQUIRED)
find_package(absl REQUIRED)                                   # 20220623
find_package(Boost 1.81 EXACT REQUIRED COMPONENTS json url)   # 1.81, not 1.74
find_package(OpenSSL 3.0 REQUIRED)                            # 3.0
find_package(Protobuf 3.21 REQUIRED)                          # 3.21
find_package(gRPC CONFIG REQUIRED)                            # 1.51
find_package(RocksDB CONFIG REQUIRED)                         # 7.8, assertions on
find_package(prometheus-cpp CONFIG REQUIRED COMPONENTS core)  # 1.0, core only
find_package(yaml-cpp REQUIRED)                               # 0.7
find_package(pugixml REQUIRED)                                # 1.13
find_package(fmt REQUIRED)                                    # 9.1
find_package(spdlog REQUIRED)                                 # 1.10
find_package(CURL REQUIRED)                                   # 7.88
find_package(PkgConfig REQUIRED)
pkg_check_modules(PCAP REQUIRED IMPORTED_TARGET libpcap)      # 1.10
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)      # 1.5
find_path(CLI11_INCLUDE_DIR CLI/CLI.hpp REQUIRED)             # 2.1
if(TENTACLE_BUILD_BACKEND)
  pkg_check_modules(PQXX REQUIRED IMPORTED_TARGET libpqxx)    # 6.4
endif()
if(TENTACLE_BUILD_TESTS)
  find_package(GTest REQUIRED)                                # 1.12
endif()
add_library(CLI11_headers INTERFACE)
target_include_directories(CLI11_headers SYSTEM INTERFACE ${CLI11_INCLUDE_DIR})
