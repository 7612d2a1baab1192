#include "libs/rpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/server_posix.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <string>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

namespace tentacle::rpc {

namespace {

namespace asio = boost::asio;
using asio::local::stream_protocol;

constexpr int kMaxMessageBytes = 4 << 20;
constexpr std::size_t kMaxMemoryBytes = 64 << 20;
constexpr auto kShutdownGrace = std::chrono::seconds(1);

// Supplementary groups are not in SO_PEERCRED; SO_PEERGROUPS has them (Linux 4.13).
bool InGroup(int fd, const std::vector<unsigned>& allowed, unsigned primary) {
  if (std::find(allowed.begin(), allowed.end(), primary) != allowed.end()) return true;
  std::vector<gid_t> groups(64);
  auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) return false;
  groups.resize(size / sizeof(gid_t));
  return std::any_of(groups.begin(), groups.end(), [&](gid_t group) {
    return std::find(allowed.begin(), allowed.end(), group) != allowed.end();
  });
}

bool IsAllowed(int fd, const PeerPolicy& policy) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == 0 || peer.uid == ::geteuid() || InGroup(fd, policy.group_ids, peer.gid);
}

// A socket file on which nobody answers is left over from a killed process.
absl::Status RemoveStaleSocket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return absl::InvalidArgumentError(fmt::format("{}: longer than a socket path can be", path));
  }
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool answered = ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(probe);
  if (answered) return absl::AlreadyExistsError(fmt::format("{}: the service is running already", path));
  ::unlink(path.c_str());
  return absl::OkStatus();
}

}  // namespace

namespace {

// The listening socket. Shared with the coroutine that accepts, which may end after the server is gone.
struct Listener {
  Listener(asio::any_io_executor home_in, PeerPolicy policy_in)
      : acceptor(std::move(home_in)), policy(std::move(policy_in)) {}

  stream_protocol::acceptor acceptor;  // Home thread only.
  PeerPolicy policy;
  std::uint64_t refused = 0;
  // Shutdown comes from another thread: what was just accepted must not reach a server that is going.
  std::mutex mutex;
  grpc::Server* server = nullptr;  // Null once it is being shut down.
};

asio::awaitable<void> Accept(std::shared_ptr<Listener> listener) {
  for (;;) {
    auto [error, socket] = co_await listener->acceptor.async_accept(asio::as_tuple(asio::use_awaitable));
    if (error == asio::error::operation_aborted || error == asio::error::bad_descriptor) co_return;
    if (error) continue;
    if (!IsAllowed(socket.native_handle(), listener->policy)) {
      ++listener->refused;
      continue;
    }
    const std::lock_guard lock(listener->mutex);
    if (listener->server == nullptr) co_return;
    // gRPC wants the descriptor non-blocking and owns it from here.
    socket.native_non_blocking(true);
    grpc::AddInsecureChannelFromFd(listener->server, socket.release());
  }
}

}  // namespace

struct Server::State {
  State(asio::any_io_executor home_in, PeerPolicy policy)
      : home(home_in), listener(std::make_shared<Listener>(home_in, std::move(policy))) {}

  asio::any_io_executor home;
  std::shared_ptr<Listener> listener;
  grpc::ServerBuilder builder;
  std::unique_ptr<grpc::ServerCompletionQueue> queue;
  std::unique_ptr<grpc::Server> server;
  std::string path;
};

Server::Server(asio::any_io_executor home, PeerPolicy policy)
    : state_(std::make_unique<State>(std::move(home), std::move(policy))) {
  static const bool initialized = [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    return true;
  }();
  static_cast<void>(initialized);
  grpc::ResourceQuota quota("tentacle");
  quota.Resize(kMaxMemoryBytes);
  state_->builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  state_->builder.SetResourceQuota(quota);
}

Server::~Server() { Shutdown(); }

void Server::Register(grpc::Service& service) { state_->builder.RegisterService(&service); }

absl::Status Server::Start(const std::string& socket_path) {
  if (absl::Status status = RemoveStaleSocket(socket_path); !status.ok()) return status;
  state_->queue = state_->builder.AddCompletionQueue();  // A server without any port needs one to be built.
  state_->server = state_->builder.BuildAndStart();
  if (state_->server == nullptr) return absl::InternalError("gRPC built no server");

  boost::system::error_code error;
  stream_protocol::acceptor& acceptor = state_->listener->acceptor;
  acceptor.open(stream_protocol(), error);
  // Never open to others for a moment: under the umask only until chmod says 0660.
  const mode_t before = ::umask(0177);
  if (!error) acceptor.bind(stream_protocol::endpoint(socket_path), error);
  ::umask(before);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (!error && ::chmod(socket_path.c_str(), 0660) != 0) error.assign(errno, boost::system::system_category());
  if (error) return absl::UnavailableError(fmt::format("{}: {}", socket_path, error.message()));
  state_->path = socket_path;
  state_->listener->server = state_->server.get();
  auto accept = Accept(state_->listener);
  asio::co_spawn(state_->home, std::move(accept), asio::detached);
  return absl::OkStatus();
}

void Server::SetServing(bool ready) {
  if (state_->server == nullptr) return;
  state_->server->GetHealthCheckService()->SetServingStatus(ready);
}

void Server::Shutdown() {
  const auto listener = state_->listener;
  {
    const std::lock_guard lock(listener->mutex);
    listener->server = nullptr;
  }
  auto close = [listener] {
    boost::system::error_code ignored;
    listener->acceptor.close(ignored);
  };
  asio::post(state_->home, std::move(close));
  if (state_->server == nullptr) return;
  state_->server->Shutdown(std::chrono::system_clock::now() + kShutdownGrace);
  state_->queue->Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (state_->queue->Next(&tag, &ok)) {
  }
  state_->server.reset();
  ::unlink(state_->path.c_str());
}

std::uint64_t Server::refused_peers() const { return state_->listener->refused; }

}  // namespace tentacle::rpc
