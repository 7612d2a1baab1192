#include "services/cache/planning.h"

#include <algorithm>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libs/async/on_pool.h"
#include "services/cache/limits.h"
#include "services/cache/peer_source.h"

namespace tentacle::cache {

namespace {

namespace asio = boost::asio;

}  // namespace

Planning::Planning(runtime::Host& host,
                   Metrics& metrics,
                   ImageLibrary& library,
                   ImageHttp& images,
                   bool loopback_allowed)
    : line(host, metrics),
      prepulls(host, metrics, library, line),
      links(host, library.backend_clock()),
      neighbours(std::make_shared<Neighbours>(
          host.clock, library.backend_clock(), host.log, loopback_allowed)),
      host_(host),
      metrics_(metrics),
      images_(images),
      peers_(library, images, line, metrics, neighbours),
      offer_(host),
      greet_(host.home),
      asking_(limits::kPeerThreads) {
  // pull threads -> line
  library.LimitLine(&line.limiter());
  library.CountFetched(
      [this](ChunkOrigin from, std::uint64_t bytes) { line.Fetched(from, bytes); });
  library.OnCached([this] { prepulls.Wake(); });
  // peers -> pull threads
  library.AddSources([this](const v1::Image& image, const Chunked& chunked) {
    ChunkSources sources;
    sources.push_back(std::make_unique<PeerSource>(
        PeerSource::Parts{neighbours, asking_, line.limiter()}, image, chunked));
    return sources;
  });
}

Planning::~Planning() {
  asking_.stop();
  asking_.join();
}

absl::Status Planning::Open() {
  TellOwn();
  if (absl::Status opened = line.Open(); !opened.ok()) return opened;
  return prepulls.Open();
}

void Planning::TellOwn() {
  neighbours->SetOwn({host_.config.current().node().id(), host_.paths.KeyFile()});
}

bool Planning::SharesWithPeers() const {
  const auto& config = host_.config.current();
  return config.cache().enabled() && config.cache().peers_enabled() &&
         config.uplink().mode() == "full";
}

void Planning::Configure() {
  line.Configure();
  prepulls.Configure();
  offer_.Tell();
  if (!SharesWithPeers()) {
    neighbours->SwitchOff();
  } else if (neighbours->Views().empty()) {
    neighbours->Replace(introduced_);
  }
  greet_.cancel();
}

void Planning::Start() {
  auto keep_line = line.Run();
  asio::co_spawn(host_.home, std::move(keep_line), asio::detached);
  auto pull = prepulls.Run();
  asio::co_spawn(host_.home, std::move(pull), asio::detached);
  auto greet = GreetPeers();
  asio::co_spawn(host_.home, std::move(greet), asio::detached);
}

void Planning::ReplacePeers(const v1::ReplacePeersRequest& table) {
  introduced_ = table;
  host_.log.Info("cache.peers_replaced", {{"site", table.site()}, {"peers", table.peers_size()}});
  if (!SharesWithPeers()) return;
  neighbours->Replace(table);
  greet_.cancel();
}

asio::awaitable<void> Planning::GreetPeers() {
  for (;;) {
    TellOwn();
    auto greet = [peers = neighbours] {
      peers->Greet();
      return true;
    };
    co_await async::OnPool(asking_, greet);
    const auto views = neighbours->Views();
    const auto usable = std::count_if(views.begin(), views.end(),
                                      [](const v1::PeerView& view) { return view.usable(); });
    metrics_.PeersUsable(static_cast<std::size_t>(usable));
    offer_.Tell();  // Our addresses may have changed.
    greet_.expires_after(absl::ToChronoNanoseconds(limits::kPeerGreetInterval));
    co_await greet_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

asio::awaitable<net::HttpReply> Planning::Handle(net::HttpRequest request) {
  if (PeerHttp::IsFor(request)) co_return co_await peers_.Handle(std::move(request));
  net::HttpReply reply = co_await images_.Handle(std::move(request));
  reply.on_sent = [this](std::uint64_t bytes) { line.Served(bytes); };
  co_return reply;
}

}  // namespace tentacle::cache
