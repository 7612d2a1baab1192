#include "cli/probe.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>

#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/client_unary_call.h>
#include <grpcpp/support/byte_buffer.h>

#include "cli/commands.h"
#include "libs/rpc/call.h"

namespace tentacle::cli {

namespace {

constexpr int kExitUsage = 64;
constexpr int kExitUnavailable = 69;
constexpr auto kTimeout = std::chrono::seconds(3);
// grpc.health.v1.HealthCheckResponse {status: SERVING}: field 1, varint, value 1.
constexpr std::string_view kServing("\x08\x01", 2);

// Health's messages are not in Debian's headers; its request is empty and its answer two bytes.
grpc::Status Check(const std::string& socket, std::string* answer) {
  const auto channel = rpc::Dial(socket);
  const grpc::internal::RpcMethod method("/grpc.health.v1.Health/Check",
                                         grpc::internal::RpcMethod::NORMAL_RPC);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kTimeout);
  const grpc::Slice empty;
  const grpc::ByteBuffer request(&empty, 1);
  grpc::ByteBuffer response;
  grpc::Status status = grpc::internal::BlockingUnaryCall<grpc::ByteBuffer, grpc::ByteBuffer,
                                                          grpc::ByteBuffer, grpc::ByteBuffer>(
      channel.get(), method, &context, request, &response);
  grpc::Slice slice;
  if (status.ok() && response.TrySingleSlice(&slice).ok()) {
    answer->assign(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return status;
}

}  // namespace

int Probe(const std::vector<std::string>& args) {
  std::string service;
  CLI::App app{
      "Ask one service for its health over its socket; for health checks of containers and units"};
  app.name("octofleet-tentacle probe");
  app.add_option("service", service, "uplink, pxe, cache, discovery or agent")->required();
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : kExitUsage;
  }
  std::string answer;
  const grpc::Status status = Check(DefaultPaths().Socket(service), &answer);
  if (status.ok() && answer == kServing) {
    std::cout << fmt::format("{}: serving\n", service);
    return 0;
  }
  std::cerr << fmt::format("{}: {}\n", service, status.ok() ? "not ready" : status.error_message());
  return kExitUnavailable;
}

}  // namespace tentacle::cli
