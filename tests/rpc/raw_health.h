// grpc.health.v1 without its generated code: a message of no fields, and one whose field 1 says it.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

namespace tentacle::testing {

// One unary call with any bytes; blocking.
inline grpc::Status RawCall(const std::shared_ptr<grpc::Channel>& channel,
                            const std::string& method,
                            const std::string& message,
                            std::chrono::milliseconds deadline,
                            std::string& answer) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + deadline);
  grpc::CompletionQueue queue;
  const grpc::Slice slice(message);
  const grpc::ByteBuffer request(&slice, 1);
  const auto call = stub.PrepareUnaryCall(&context, method, request, &queue);
  call->StartCall();
  grpc::ByteBuffer response;
  grpc::Status status;
  call->Finish(&response, &status, &status);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  grpc::Slice whole;
  if (status.ok() && response.DumpToSingleSlice(&whole).ok())
    answer.assign(reinterpret_cast<const char*>(whole.begin()), whole.size());
  return status;
}

// OK only when the answer is SERVING.
inline grpc::Status CheckHealth(const std::shared_ptr<grpc::Channel>& channel,
                                std::chrono::milliseconds deadline) {
  std::string answer;
  const grpc::Status status =
      RawCall(channel, "/grpc.health.v1.Health/Check", "", deadline, answer);
  if (status.ok() && answer != std::string("\x08\x01", 2))
    return {grpc::StatusCode::INTERNAL, "not SERVING"};
  return status;
}

}  // namespace tentacle::testing
