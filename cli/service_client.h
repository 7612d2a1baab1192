// Blocking calls to one service of this host, as the operator's verbs make them.
#pragma once

#include <chrono>
#include <memory>
#include <string_view>

#include <grpcpp/grpcpp.h>

#include "cli/commands.h"
#include "libs/rpc/call.h"

namespace tentacle::cli {

// `Service` is the class that gRPC has generated. For one thread.
template <class Service>
class ServiceClient {
 public:
  using Face = typename Service::StubInterface;

  // `name` is the service whose socket is asked: "cache".
  explicit ServiceClient(std::string_view name)
      : stub_(Service::NewStub(rpc::Dial(DefaultPaths().Socket(name)))) {}

  // UNAVAILABLE when the service does not answer, DEADLINE_EXCEEDED after ten seconds: it may have
  // to ask the backend first.
  template <class Request, class Response>
  grpc::Status Ask(grpc::Status (Face::*method)(grpc::ClientContext*, const Request&, Response*),
                   const Request& request,
                   Response* response) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    Face* face = stub_.get();
    return (face->*method)(&context, request, response);
  }

 private:
  std::unique_ptr<typename Service::Stub> stub_;
};

}  // namespace tentacle::cli
