#include "services/cache/line_desk.h"

#include <algorithm>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "libs/events/event_log.h"
#include "services/cache/limits.h"

namespace tentacle::cache {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr std::string_view kKey = "ledger";

}  // namespace

LineDesk::LineDesk(runtime::Host& host, Metrics& metrics)
    : host_(host), metrics_(metrics), wake_(host.home) {}

absl::Status LineDesk::Open() {
  const auto stored = host_.store.Get(kKey);
  if (!stored.ok()) return stored.status();
  if (!stored->has_value() || !began_.ParseFromString(**stored)) {
    began_.Clear();
    began_.mutable_since()->set_seconds(absl::ToUnixSeconds(host_.clock.Now()));
  }
  limiter_.SetMeasured(began_.throughput_mbit());
  told_ = began_.SerializeAsString();
  Configure();
  return absl::OkStatus();
}

void LineDesk::Configure() {
  const auto& config = host_.config.current().cache();
  // Validated already; a zone that was removed from the system since then leaves no calendar.
  const auto zone = schedule::LoadZone(config.time_zone());
  auto calendar = schedule::BandwidthCalendar::Parse(
      {config.wan_calendar().begin(), config.wan_calendar().end()}, config.wan_limit_mbit(),
      zone.ok() ? *zone : absl::UTCTimeZone());
  if (calendar.ok()) calendar_ = *std::move(calendar);
  Apply();
  wake_.cancel();
}

void LineDesk::Apply() {
  const auto limit = calendar_.LimitMbit(host_.clock.Now());
  if (limit != limiter_.limit_mbit()) {
    limiter_.SetLimit(limit);
    host_.log.Info("cache.limit_changed", {{"mbit", limit.value_or(0)}});
  }
  metrics_.WanLimit(limit.value_or(0));
}

asio::awaitable<void> LineDesk::Run() {
  for (;;) {
    Apply();
    Tell();
    const absl::Time now = host_.clock.Now();
    // Also when nothing is due: the clock may have been set.
    const absl::Duration wait = std::min(calendar_.NextEdge(now) - now, limits::kLedgerInterval);
    wake_.expires_after(absl::ToChronoNanoseconds(std::max(wait, absl::Milliseconds(1))));
    co_await wake_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

void LineDesk::Fetched(ChunkOrigin from, std::uint64_t bytes) {
  switch (from) {
    case ChunkOrigin::kBackend:
      from_backend_ += bytes;
      return;
    case ChunkOrigin::kPeer:
      from_peers_ += bytes;
      return;
    case ChunkOrigin::kLocal:
      from_disk_ += bytes;
      return;
  }
}

v1::Ledger LineDesk::ledger() const {
  v1::Ledger ledger = began_;
  ledger.set_backend_bytes(began_.backend_bytes() + from_backend_);
  ledger.set_peer_bytes(began_.peer_bytes() + from_peers_);
  ledger.set_local_bytes(began_.local_bytes() + from_disk_);
  ledger.set_served_bytes(began_.served_bytes() + served_);
  ledger.set_peer_served_bytes(began_.peer_served_bytes() + peer_served_);
  ledger.set_throughput_mbit(limiter_.measured_mbit());
  return ledger;
}

void LineDesk::Tell() {
  const v1::Ledger now = ledger();
  metrics_.Ledger(now);
  std::string serialized = now.SerializeAsString();
  if (serialized == told_) return;
  told_ = std::move(serialized);
  // Without sync: what a power cut takes back is a minute of counting.
  const absl::Status stored = host_.store.Apply({{std::string(kKey), told_}}, false);
  if (!stored.ok())
    host_.log.Error("cache.ledger_not_stored", {{"reason", std::string(stored.message())}});
  const absl::Time time = host_.clock.Now();
  const json::object body{
      {"since", absl::FormatTime(absl::RFC3339_sec, absl::FromUnixSeconds(now.since().seconds()),
                                 absl::UTCTimeZone())},
      {"time", absl::FormatTime(absl::RFC3339_sec, time, absl::UTCTimeZone())},
      {"backendBytes", now.backend_bytes()},
      {"peerBytes", now.peer_bytes()},
      {"localBytes", now.local_bytes()},
      {"servedBytes", now.served_bytes()},
      {"peerServedBytes", now.peer_served_bytes()},
      {"throughputMbit", now.throughput_mbit()}};
  host_.events.Publish(events::MakeEvent("image.ledger", "ledger", event::v1::PRIORITY_METRIC,
                                         json::serialize(body), time));
}

}  // namespace tentacle::cache
