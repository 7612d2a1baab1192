#include "libs/rpc/server.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/server_posix.h>

#include "libs/rpc/denial.h"
#include "libs/rpc/limits.h"
#include "libs/rpc/socket_file.h"

namespace tentacle::rpc {

namespace {

namespace asio = boost::asio;
using asio::local::stream_protocol;

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

// Who is on the other end; the kernel's word, as of the connect(2).
absl::StatusOr<ucred> PeerOf(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return absl::ErrnoToStatus(errno, "SO_PEERCRED");
  }
  return peer;
}

absl::Status CheckPeer(int fd, const PeerPolicy& policy) {
  const auto peer = PeerOf(fd);
  if (!peer.ok()) return peer.status();
  if (peer->uid == 0 || peer->uid == ::geteuid()) return absl::OkStatus();
  if (InGroup(fd, policy.group_ids, peer->gid)) return absl::OkStatus();
  return absl::PermissionDeniedError(fmt::format(
      "user {} is neither root nor in the group of the tentacle's services", peer->uid));
}

}  // namespace

namespace {

// The listening socket. Shared with the coroutine that accepts, which may end after the server is
// gone.
struct Listener {
  Listener(asio::any_io_executor home_in, PeerPolicy policy_in)
      : acceptor(std::move(home_in)), policy(std::move(policy_in)) {}

  stream_protocol::acceptor acceptor;  // Home thread only.
  PeerPolicy policy;
  std::uint64_t refused = 0;
  int denials = 0;  // Refused neighbours that are being told.
  // Shutdown comes from another thread: what was just accepted must not reach a server that is
  // going.
  std::mutex mutex;
  grpc::Server* server = nullptr;  // Null once it is being shut down.
};

asio::awaitable<void> Refuse(std::shared_ptr<Listener> listener,
                             stream_protocol::socket socket,
                             std::string reason) {
  ++listener->denials;
  co_await Deny(std::move(socket), std::move(reason));
  --listener->denials;
}

asio::awaitable<void> Accept(std::shared_ptr<Listener> listener) {
  const auto home = co_await asio::this_coro::executor;
  asio::steady_timer pause(home);
  for (;;) {
    auto [error, socket] =
        co_await listener->acceptor.async_accept(asio::as_tuple(asio::use_awaitable));
    if (!listener->acceptor.is_open()) co_return;
    if (error) {
      // No descriptor is left: the connection waits in the queue, and asking at once would spin.
      pause.expires_after(limits::kAcceptPause);
      const auto [woken] = co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
      if (woken) co_return;
      continue;
    }
    if (const absl::Status peer = CheckPeer(socket.native_handle(), listener->policy); !peer.ok()) {
      ++listener->refused;
      if (listener->denials >= limits::kMaxDenials) continue;
      auto refuse = Refuse(listener, std::move(socket), std::string(peer.message()));
      asio::co_spawn(home, std::move(refuse), asio::detached);
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
  std::optional<SocketLock> lock;  // While `path` is ours.
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
  quota.Resize(limits::kMaxMemoryBytes);
  state_->builder.SetMaxReceiveMessageSize(limits::kMaxMessageBytes);
  state_->builder.SetResourceQuota(quota);
  state_->builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                                     limits::kMaxConcurrentStreams);
  state_->builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, limits::kMaxHeaderBytes);
}

Server::~Server() {
  Shutdown();
}

void Server::Register(grpc::Service& service) {
  state_->builder.RegisterService(&service);
}

absl::Status Server::Start(const std::string& socket_path) {
  auto lock = SocketLock::Take(socket_path);
  if (!lock.ok()) return lock.status();
  if (absl::Status status = RemoveStaleSocket(socket_path); !status.ok()) return status;
  state_->queue =
      state_->builder.AddCompletionQueue();  // A server without any port needs one to be built.
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
  if (!error && ::chmod(socket_path.c_str(), 0660) != 0)
    error.assign(errno, boost::system::system_category());
  if (error) return absl::UnavailableError(fmt::format("{}: {}", socket_path, error.message()));
  state_->path = socket_path;
  state_->lock = *std::move(lock);
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
  state_->server->Shutdown(std::chrono::system_clock::now() + limits::kShutdownGrace);
  state_->queue->Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (state_->queue->Next(&tag, &ok)) {
  }
  state_->server.reset();
  // Only what Start() bound: a path that another process holds is not ours to take away.
  if (!state_->path.empty()) ::unlink(state_->path.c_str());
  state_->lock.reset();
}

std::uint64_t Server::refused_peers() const {
  return state_->listener->refused;
}

}  // namespace tentacle::rpc
