// Wiring: backend -> library -> {clients over HTTP, pxe and uplink over gRPC}; events -> uplink.
#include "services/cache/cache.h"

#include <fmt/format.h>
#include <grpcpp/impl/service_type.h>

#include "libs/net/http_server.h"
#include "libs/rpc/server.h"
#include "services/cache/cache_service.h"
#include "services/cache/image_http.h"
#include "services/cache/image_library.h"
#include "services/cache/limits.h"

namespace tentacle::cache {

namespace {

namespace asio = boost::asio;

asio::awaitable<absl::Status> Run(runtime::Host& host) {
  Metrics metrics(host.registry);

  // disk and backend -> library
  ImageLibrary library(host, metrics);
  absl::Status opened = library.Open();
  host.health.Set("images", opened.ok(), std::string(opened.message()));
  if (!opened.ok()) co_return opened;

  // pxe, uplink -> library
  const auto service = MakeCacheService(host.home, library, host.config);
  host.rpc.Register(*service);

  // clients -> library
  ImageHttp routes(library, metrics, host.blocking);
  net::HttpLimits http_limits;
  http_limits.connections = limits::kHttpConnections;
  net::HttpObserver observer;
  observer.on_drop = [&metrics](std::string_view reason) { metrics.HttpDropped(reason); };
  net::HttpServer http(
      host.home, [&routes](const net::HttpRequest& request) { return routes.Handle(request); }, http_limits, observer);
  absl::Status bound = http.Listen(fmt::format("0.0.0.0:{}", host.config.current().cache().http_port()));
  auto tell = [&host, &library, bound] {
    host.health.Set("image_http", bound.ok(), bound.ok() ? library.IdleReason() : std::string(bound.message()));
  };
  tell();
  if (!bound.ok()) co_return bound;
  host.config.OnChange([tell](const config::v1::TentacleConfig&) { tell(); });
  co_return co_await http.Run();
}

std::string AdminListen(const config::v1::TentacleConfig& config) { return config.cache().admin_listen(); }

}  // namespace

const runtime::ServiceSpec kService{
    .name = "cache", .about = "Keep images near", .run = &Run, .admin_listen = &AdminListen};

}  // namespace tentacle::cache
