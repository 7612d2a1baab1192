// Wiring: backend -> library -> {clients over HTTP, pxe and uplink over gRPC}; events -> uplink.
#include "services/cache/cache.h"

#include <fmt/format.h>
#include <malloc.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <grpcpp/impl/service_type.h>

#include "libs/net/http_server.h"
#include "libs/rpc/server.h"
#include "services/cache/cache_service.h"
#include "services/cache/image_http.h"
#include "services/cache/image_library.h"
#include "services/cache/limits.h"
#include "services/cache/planning.h"

namespace tentacle::cache {

namespace {

namespace asio = boost::asio;

// What is larger goes back to the system when it is freed: chunk lists, and what they came in. By
// itself glibc raises this limit to the size of the first that is freed (mallopt(3)).
constexpr int kKeptBytes = 128 * 1024;

// Lives as long as the process: pull threads and gRPC refer to it until the very end.
class Cache {
 public:
  explicit Cache(runtime::Host& host)
      : host_(host),
        metrics_(host.registry),
        library_(host, metrics_),
        scrubber_(host, library_, metrics_),
        routes_(library_, metrics_),
        planning_(host, metrics_, library_, routes_),
        service_(MakeCacheService(host.home, library_, scrubber_, planning_, host.config)),
        http_(host.home, MakeRoutes(), MakeLimits(), MakeObserver()) {
    // pxe, uplink -> library
    host_.rpc.Register(*service_);
  }

  absl::Status Open() {
    // line, peers -> library: before its first pull
    absl::Status opened = planning_.Open();
    // disk and backend -> library
    if (opened.ok()) opened = library_.Open();
    host_.health.Set("images", opened.ok(), std::string(opened.message()));
    if (!opened.ok()) return opened;
    // clients -> library
    bound_ = http_.Listen(fmt::format("0.0.0.0:{}", host_.config.current().cache().http_port()));
    Tell();
    return bound_;
  }

  // Until it is cancelled or the socket breaks. Pulls that still run are broken off, not waited
  // for.
  asio::awaitable<absl::Status> Serve() {
    const StopAtEnd stop{library_, scrubber_, planning_};
    // The disk -> library
    auto scrub = scrubber_.Run();
    asio::co_spawn(host_.home, std::move(scrub), asio::detached);
    planning_.Start();
    co_return co_await http_.Run();
  }

  void Configure() {
    library_.Configure();
    planning_.Configure();
    Tell();
  }

 private:
  struct StopAtEnd {
    ImageLibrary& library;
    Scrubber& scrubber;
    Planning& planning;

    ~StopAtEnd() {
      planning.Stop();
      library.Stop();
      scrubber.Stop();
    }
  };

  net::HttpHandler MakeRoutes() {
    return [this](const net::HttpRequest& request) { return planning_.Handle(request); };
  }

  static net::HttpLimits MakeLimits() {
    net::HttpLimits http_limits;
    http_limits.connections = limits::kHttpConnections;
    http_limits.connections_per_address = limits::kHttpConnectionsPerAddress;
    return http_limits;
  }

  net::HttpObserver MakeObserver() {
    net::HttpObserver observer;
    observer.on_drop = [this](std::string_view reason) { metrics_.HttpDropped(reason); };
    return observer;
  }

  void Tell() {
    const std::string what = bound_.ok() ? library_.IdleReason() : std::string(bound_.message());
    host_.health.Set("image_http", bound_.ok(), what);
  }

  runtime::Host& host_;
  Metrics metrics_;
  ImageLibrary library_;
  Scrubber scrubber_;
  ImageHttp routes_;
  Planning planning_;
  std::unique_ptr<grpc::Service> service_;
  net::HttpServer http_;
  absl::Status bound_;
};

asio::awaitable<absl::Status> Run(runtime::Host& host) {
  ::mallopt(M_MMAP_THRESHOLD, kKeptBytes);
  const auto cache = std::make_shared<Cache>(host);
  // The feed lives as long as the process, and so does what it calls.
  host.config.OnChange([cache](const config::v1::TentacleConfig&) { cache->Configure(); });
  if (absl::Status status = cache->Open(); !status.ok()) co_return status;
  co_return co_await cache->Serve();
}

std::string AdminListen(const config::v1::TentacleConfig& config) {
  return config.cache().admin_listen();
}

}  // namespace

const runtime::ServiceSpec kService{
    .name = "cache", .about = "Keep images near", .run = &Run, .admin_listen = &AdminListen};

}  // namespace tentacle::cache
