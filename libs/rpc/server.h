// The gRPC server of a service: a Unix socket of mode 0660, peers checked by SO_PEERCRED (gRPC
// itself never does), health and reflection.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <boost/asio/any_io_executor.hpp>

namespace grpc {
class Service;
}

namespace tentacle::rpc {

struct PeerPolicy {
  // Besides root and our own user: members of these groups.
  std::vector<unsigned> group_ids;
};

class Server {
 public:
  Server(boost::asio::any_io_executor home, PeerPolicy policy);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Before Start(). The service must outlive the server.
  void Register(grpc::Service& service);
  // Replaces a stale socket, that is one whose connections are refused. AlreadyExists when it is a
  // living process's, or no socket at all: it is never taken away.
  absl::Status Start(const std::string& socket_path);
  void SetServing(bool ready);  // grpc.health.v1, for "" and each service.
  void Shutdown();
  std::uint64_t refused_peers() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tentacle::rpc
