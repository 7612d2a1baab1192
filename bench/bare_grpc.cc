// The least that a gRPC service of ours can cost: the same grpc++, one server with the health
// service on a Unix socket, and nothing else. bench/footprint.sh measures ours against it.
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("bare_grpc SOCKET: serves until SIGTERM\n", stderr);
    return 64;
  }
  // Blocked before gRPC starts its threads, which inherit it; sigwait() below takes the signal.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, nullptr);

  grpc::EnableDefaultHealthCheckService(true);
  // Any service will do, as long as it uses the callback API as ours do: this one knows no method.
  grpc::CallbackGenericService service;
  grpc::ServerBuilder builder;
  builder.RegisterCallbackGenericService(&service);
  builder.AddListeningPort("unix:" + std::string(argv[1]), grpc::InsecureServerCredentials());
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (!server) {
    std::fprintf(stderr, "bare_grpc: cannot listen on %s\n", argv[1]);
    return 1;
  }
  int signal = 0;
  sigwait(&signals, &signal);
  server->Shutdown();
  return 0;
}
