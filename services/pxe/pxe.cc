// Wiring: uplink -> desk <-> {67, 4011, 69, HTTP} -> events -> uplink; desk -> cache.
#include "services/pxe/pxe.h"

#include <fmt/format.h>

#include <filesystem>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <grpcpp/impl/service_type.h>

#include "libs/identity/identity.h"
#include "libs/net/http_server.h"
#include "libs/rpc/server.h"
#include "services/pxe/boot_desk.h"
#include "services/pxe/boot_folder.h"
#include "services/pxe/boot_http.h"
#include "services/pxe/dhcp_listener.h"
#include "services/pxe/limits.h"
#include "services/pxe/pxe_service.h"
#include "services/pxe/tftp_listener.h"

namespace tentacle::pxe {

namespace {

namespace asio = boost::asio;
using asio::experimental::awaitable_operators::operator||;

constexpr char kSecretKey[] = "secret/tokens";
constexpr std::size_t kSecretBytes = 32;

// The secret behind all tokens: made once, so that a restart does not void what a ramdisk holds.
absl::StatusOr<std::string> LoadSecret(store::Store& store) {
  auto kept = store.Get(kSecretKey);
  if (!kept.ok()) return kept.status();
  if (kept->has_value()) return **kept;
  std::string secret = identity::RandomHex(kSecretBytes);
  if (absl::Status status = store.Apply({{kSecretKey, secret}}); !status.ok()) return status;
  return secret;
}

bool IsEnabled(const config::v1::TentacleConfig& config) {
  return config.pxe().enabled() && config.uplink().mode() != "passive";
}

std::string BootDir(const config::v1::TentacleConfig& config, const runtime::Paths& paths) {
  const std::string& set = config.pxe().boot_dir();
  return set.empty() ? paths.state_dir + "/cache/boot" : set;
}

std::string MissingBootFiles(const BootFolder& folder) {
  std::string missing;
  for (const char* file : {kBiosLoader, kUefiX64Loader, "ramdisk/vmlinuz", "ramdisk/initrd.img"}) {
    if (!folder.Has(file)) missing += fmt::format("{}{}", missing.empty() ? "" : ", ", file);
  }
  return missing;
}

// Everything that the service holds. Kept for the life of the process: transfers, requests and
// writes that are under way when it is told to stop still find it.
class Pxe {
 public:
  Pxe(runtime::Host& host, std::string secret)
      : host_(host),
        config_(host.config.current().pxe()),
        boot_dir_(BootDir(host.config.current(), host.paths)),
        folder_(boot_dir_),
        http_port_(static_cast<std::uint16_t>(config_.http_port())),
        metrics_(host.registry),
        files_(host.paths.state_dir + "/tasks"),
        archive_(host.store),
        cache_(DialCache(host.paths.Socket("cache"))),
        desk_({host.home, host.blocking, host.clock, host.log, host.events, metrics_, *cache_,
               files_, archive_, folder_, std::move(secret)}),
        rpc_(MakePxeService(host.home, desk_)),
        routes_(desk_, metrics_, boot_dir_, http_port_, MacOf()),
        http_(host.home, MakeRoutes(), MakeLimits(), MakeObserver()),
        addresses_({config_.interfaces().begin(), config_.interfaces().end()}),
        attempts_(host.clock, host.log, host.events, metrics_),
        neighbours_(host.clock),
        shelf_(boot_dir_),
        boot_files_timer_(host.home) {}

  // uplink -> desk; what was there before a restart -> desk; machines -> {67, 4011, 69, HTTP}.
  // Everything is bound before anything is served.
  absl::Status Open() {
    host_.rpc.Register(*rpc_);
    Configure(host_.config.current());
    absl::Status status = desk_.Restore();
    if (status.ok()) status = OpenDhcp(DhcpPort::kDhcp, "dhcp_socket", config_.dhcp_port(), &dhcp_);
    if (status.ok()) {
      status = OpenDhcp(DhcpPort::kBootServer, "boot_server_socket", config_.boot_server_port(),
                        &boot_server_);
    }
    if (status.ok()) status = OpenTftp();
    if (status.ok()) {
      status = http_.Listen(fmt::format("0.0.0.0:{}", http_port_));
      host_.health.Set("http_socket", status.ok(), std::string(status.message()));
    }
    return status;
  }

  // Until it is cancelled or a socket breaks.
  asio::awaitable<absl::Status> Serve() {
    const auto ended =
        co_await (dhcp_->Run() || boot_server_->Run() || tftp_->Run() || http_.Run() ||
                  desk_.PullImages() || desk_.WatchDeadlines() || WatchBootFiles());
    absl::Status reason = absl::CancelledError("stopped");
    const auto take = [&reason](const auto& one) {
      if constexpr (std::is_same_v<std::decay_t<decltype(one)>, absl::Status>) reason = one;
    };
    std::visit(take, ended);
    co_return reason;
  }

  void Configure(const config::v1::TentacleConfig& config) {
    desk_.SetEnabled(IsEnabled(config));
    // Rows that cannot be read were refused with the configuration.
    const absl::Status quirks =
        quirks_.Configure({config.pxe().quirks().begin(), config.pxe().quirks().end()});
    if (!quirks.ok())
      host_.log.Error("pxe.quirks_refused", {{"reason", std::string(quirks.message())}});
    CheckBootFiles();
  }

 private:
  net::HttpHandler MakeRoutes() {
    return [this](const net::HttpRequest& request) { return routes_.Handle(request); };
  }

  static net::HttpLimits MakeLimits() {
    net::HttpLimits http_limits;
    http_limits.connections = limits::kHttpConnections;
    http_limits.connections_per_address = limits::kHttpConnectionsPerAddress;
    http_limits.body_bytes = limits::kMaxCallbackBytes;
    return http_limits;
  }

  net::HttpObserver MakeObserver() {
    net::HttpObserver observer;
    observer.on_drop = [this](std::string_view reason) { metrics_.HttpDropped(reason); };
    return observer;
  }

  absl::StatusOr<std::unique_ptr<net::DatagramSocket>> OpenUdp(const char* condition,
                                                               std::uint32_t port,
                                                               bool shared) {
    net::DatagramOptions options;
    options.port = static_cast<std::uint16_t>(port);
    options.broadcast = true;
    options.reuse_address = shared;
    options.receive_buffer_bytes = limits::kReceiveBufferBytes;
    auto socket = net::DatagramSocket::Open(host_.home, options);
    host_.health.Set(condition, socket.ok(),
                     socket.ok() ? "" : std::string(socket.status().message()));
    return socket;
  }

  absl::Status OpenDhcp(DhcpPort port,
                        const char* condition,
                        std::uint32_t number,
                        std::unique_ptr<DhcpListener>* listener) {
    // A DHCP server on this host may hold port 67 too; broadcasts reach both.
    auto socket = OpenUdp(condition, number, port == DhcpPort::kDhcp);
    if (!socket.ok()) return socket.status();
    DhcpListener::Parts parts{host_.home,  addresses_, desk_,       attempts_,
                              quirks_,     memory_,    HasLoader(), BootUrls{http_port_},
                              host_.clock, host_.log,  metrics_};
    *listener = std::make_unique<DhcpListener>(port, *std::move(socket), std::move(parts));
    return absl::OkStatus();
  }

  absl::Status OpenTftp() {
    auto socket = OpenUdp("tftp_socket", config_.tftp_port(), false);
    if (!socket.ok()) return socket.status();
    TftpListener::Parts parts{host_.home,
                              host_.blocking,
                              host_.clock,
                              host_.log,
                              metrics_,
                              desk_,
                              addresses_,
                              memory_,
                              MacOf(),
                              shelf_,
                              config_.max_tftp_sessions(),
                              http_port_};
    tftp_ = std::make_unique<TftpListener>(std::move(parts), *std::move(socket));
    return absl::OkStatus();
  }

  // Asked for every DISCOVER, so what was seen counts until the folder is looked at again.
  std::function<bool(const std::string&)> HasLoader() {
    return [this](const std::string& loader) {
      const auto [at, is_new] = loaders_.try_emplace(loader, false);
      if (is_new) at->second = folder_.Has(loader);
      return at->second;
    };
  }

  // By what a machine said in DHCP; else by the kernel's neighbours.
  MacOfAddress MacOf() {
    return [this](const std::string& address) {
      const auto known = memory_.MacAt(ParseDottedQuad(address).value_or(0));
      return known ? known : neighbours_.Find(address);
    };
  }

  void CheckBootFiles() {
    loaders_.clear();
    if (!desk_.enabled()) {
      const bool passive = host_.config.current().uplink().mode() == "passive";
      return host_.health.Set(
          "boot_files", true,
          passive ? "idle: not used in mode passive" : "idle: pxe.enabled is false");
    }
    const std::string missing = MissingBootFiles(folder_);
    if (missing != missing_ && !missing.empty()) {
      host_.log.Error("pxe.boot_files_missing", {{"folder", boot_dir_}, {"files", missing}});
    }
    missing_ = missing;
    host_.health.Set("boot_files", missing.empty(),
                     missing.empty() ? "" : fmt::format("missing in {}: {}", boot_dir_, missing));
  }

  // They may be put there while we run.
  asio::awaitable<void> WatchBootFiles() {
    boost::system::error_code error;
    while (!error) {
      CheckBootFiles();
      boot_files_timer_.expires_after(absl::ToChronoNanoseconds(limits::kBootFilesCheck));
      std::tie(error) = co_await boot_files_timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
  }

  runtime::Host& host_;
  // As it was at the start: ports and folders do not change while we run.
  config::v1::PxeConfig config_;
  std::string boot_dir_;
  BootFolder folder_;
  std::uint16_t http_port_;
  Metrics metrics_;
  TaskDir files_;
  BootArchive archive_;
  std::unique_ptr<CachePeer> cache_;
  BootDesk desk_;
  std::unique_ptr<grpc::Service> rpc_;
  BootHttp routes_;
  net::HttpServer http_;
  LocalAddresses addresses_;
  BootAttempts attempts_;
  QuirkTable quirks_;
  ClientMemory memory_;
  NeighbourCache neighbours_;
  BootShelf shelf_;
  std::map<std::string, bool> loaders_;  // Which are in the boot folder.
  std::unique_ptr<DhcpListener> dhcp_;
  std::unique_ptr<DhcpListener> boot_server_;
  std::unique_ptr<TftpListener> tftp_;
  asio::steady_timer boot_files_timer_;
  std::string missing_;
};

asio::awaitable<absl::Status> Run(runtime::Host& host) {
  auto secret = LoadSecret(host.store);
  if (!secret.ok()) co_return secret.status();
  const auto pxe = std::make_shared<Pxe>(host, *std::move(secret));
  // The feed lives as long as the process, and so does what it calls.
  host.config.OnChange(
      [pxe](const config::v1::TentacleConfig& changed) { pxe->Configure(changed); });
  if (absl::Status status = pxe->Open(); !status.ok()) co_return status;
  co_return co_await pxe->Serve();
}

std::string AdminListen(const config::v1::TentacleConfig& config) {
  return config.pxe().admin_listen();
}

// Boot files are read only; of a boot folder elsewhere, the folder above it, so that another one
// can be put in its place.
runtime::Fence FenceOf(const config::v1::TentacleConfig& config, const runtime::Paths& paths) {
  const std::filesystem::path boot = BootDir(config, paths);
  const std::filesystem::path above = boot.parent_path();
  return {.read = {paths.state_dir, above.has_relative_path() ? above : boot},
          .write = {paths.ServiceDir("pxe"), paths.state_dir + "/tasks", paths.run_dir}};
}

}  // namespace

const runtime::ServiceSpec kService{.name = "pxe",
                                    .about = "Answer machines that boot",
                                    .run = &Run,
                                    .admin_listen = &AdminListen,
                                    .fence = &FenceOf};

}  // namespace tentacle::pxe
