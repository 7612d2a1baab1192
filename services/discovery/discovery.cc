// Wiring: segment <-> {frames, disk, events, gRPC}.
#include "services/discovery/discovery.h"

#include <memory>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/this_coro.hpp>

#include "libs/rpc/server.h"
#include "services/discovery/discovery_service.h"
#include "services/discovery/segment.h"

namespace tentacle::discovery {

namespace {

namespace asio = boost::asio;
using asio::experimental::awaitable_operators::operator||;

asio::awaitable<absl::Status> Run(runtime::Host& host) {
  // disk -> segment <- frames
  auto segment = std::make_shared<Segment>(host, KernelLinks(host.home));
  if (absl::Status status = segment->Open(); !status.ok()) co_return status;

  // uplink -> segment. gRPC and the configuration keep what they call; both live as long as the
  // process.
  auto service = std::make_shared<DiscoveryService>(host.home, segment);
  host.rpc.Register(*service);
  host.config.OnChange([segment, service](const config::v1::TentacleConfig&) { segment->Apply(); });

  // time -> segment
  co_await (Segment::KeepUp(segment) || Segment::ScanOnTime(segment) ||
            Segment::ReportOnTime(segment) || Segment::PingOnTime(segment));

  // segment -> disk, also when asked to stop
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  co_await Segment::Save(segment);
  co_await Segment::SavePings(segment);
  co_return absl::CancelledError("stopped");
}

std::string AdminListen(const config::v1::TentacleConfig& config) {
  return config.discovery().admin_listen();
}

}  // namespace

const runtime::ServiceSpec kService{.name = "discovery",
                                    .about = "Know who is on this segment",
                                    .run = &Run,
                                    .admin_listen = &AdminListen};

}  // namespace tentacle::discovery
