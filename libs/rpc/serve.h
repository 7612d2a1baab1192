// gRPC thread in, home thread does the work, gRPC thread out: the one place where the two meet.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <grpcpp/grpcpp.h>

namespace tentacle::rpc {

inline grpc::Status ToGrpc(const absl::Status& status) {
  return {static_cast<grpc::StatusCode>(status.code()), std::string(status.message())};
}

inline absl::Status FromGrpc(const grpc::Status& status) {
  return {static_cast<absl::StatusCode>(status.error_code()), status.error_message()};
}

template <class Req, class Res>
using UnaryHandler = std::function<boost::asio::awaitable<absl::StatusOr<Res>>(const Req&)>;

namespace internal {

template <class Req, class Res>
boost::asio::awaitable<void> RunUnary(grpc::ServerUnaryReactor* reactor,
                                      const Req* request,
                                      Res* response,
                                      UnaryHandler<Req, Res> handler) {
  absl::StatusOr<Res> result = absl::InternalError("handler did not run");
  try {
    result = co_await handler(*request);
  } catch (const std::exception& e) {  // A bug, reported as one.
    result = absl::InternalError(e.what());
  }
  if (result.ok()) *response = *std::move(result);
  reactor->Finish(ToGrpc(result.status()));
}

}  // namespace internal

// The body of every RPC method: runs `handler` on the home thread and finishes the call with its
// result.
template <class Req, class Res>
grpc::ServerUnaryReactor* Serve(boost::asio::any_io_executor home,
                                grpc::CallbackServerContext* context,
                                const Req* request,
                                Res* response,
                                UnaryHandler<Req, Res> handler) {
  auto* reactor = context->DefaultReactor();
  boost::asio::co_spawn(
      home, internal::RunUnary<Req, Res>(reactor, request, response, std::move(handler)),
      boost::asio::detached);
  return reactor;
}

}  // namespace tentacle::rpc
