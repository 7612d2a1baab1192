#include "services/uplink/throughput_probe.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "services/uplink/limits.h"

namespace tentacle::uplink {

namespace asio = boost::asio;

ThroughputProbe::ThroughputProbe(Get get,
                                 Peers& peers,
                                 Metrics& metrics,
                                 const runtime::Clock& clock)
    : get_(std::move(get)),
      peers_(peers),
      metrics_(metrics),
      clock_(clock),
      due_(clock.Steady() + limits::kProbeFirst) {}

asio::awaitable<void> ThroughputProbe::MeasureIfDue() {
  if (unknown_there_ || clock_.Steady() < due_) co_return;
  const bool busy = co_await ImageIsMoving();
  if (busy) {
    metrics_.Probe("image_moving");
    co_return;
  }
  due_ = clock_.Steady() + limits::kProbeInterval;
  std::size_t bytes = limits::kProbeBytes;
  auto took = co_await Download(bytes);
  if (took && *took < limits::kProbeTooFast) {
    bytes = limits::kProbeBytesOfAFastLine;
    took = co_await Download(bytes);
  }
  if (!took) co_return;
  const double seconds = std::max(absl::ToDoubleSeconds(*took), 1e-6);
  megabits_per_second_ = static_cast<double>(bytes) * 8 / 1e6 / seconds;
  metrics_.Throughput(*megabits_per_second_ * 1e6 / 8);
}

asio::awaitable<std::optional<absl::Duration>> ThroughputProbe::Download(std::size_t bytes) {
  using std::chrono::steady_clock;
  const auto began = steady_clock::now();
  auto get = get_(fmt::format("/api/v1/tentacles/probe?bytes={}", bytes));
  const auto reply = co_await std::move(get);
  const auto took = absl::FromChrono(steady_clock::now() - began);
  if (!reply.ok()) {
    metrics_.Probe("failed");
    co_return std::nullopt;
  }
  // A backend that speaks only the product specification has no such route.
  unknown_there_ = reply->status == 404;
  if (reply->status != 200 || reply->body.size() != bytes) {
    metrics_.Probe(unknown_there_ ? "unknown_there" : "failed");
    co_return std::nullopt;
  }
  metrics_.Probe("measured");
  co_return took;
}

asio::awaitable<bool> ThroughputProbe::ImageIsMoving() {
  const auto images = co_await peers_.ListImages();
  if (!images.ok()) co_return false;
  co_return std::any_of(images->images().begin(), images->images().end(), [](const auto& image) {
    return image.state() == cache::v1::IMAGE_STATE_PULLING;
  });
}

}  // namespace tentacle::uplink
