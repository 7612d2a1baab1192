// How much the line from the backend carries: a small download, rarely, and never while an image is
// on its way. Home thread only; made for one session.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <boost/asio/awaitable.hpp>

#include "libs/net/http_client.h"
#include "libs/runtime/clock.h"
#include "services/uplink/metrics.h"
#include "services/uplink/peers.h"

namespace tentacle::uplink {

class ThroughputProbe {
 public:
  // Asks the backend for a path, as this tentacle.
  using Get =
      std::function<boost::asio::awaitable<absl::StatusOr<net::ClientReply>>(std::string path)>;

  ThroughputProbe(Get get, Peers& peers, Metrics& metrics, const runtime::Clock& clock);

  // Measures if it is time and nothing is in the way.
  boost::asio::awaitable<void> MeasureIfDue();

  // Of the last measurement; nothing: none yet, or the backend has no such route.
  std::optional<double> megabits_per_second() const { return megabits_per_second_; }

 private:
  // Nothing: the download failed.
  boost::asio::awaitable<std::optional<absl::Duration>> Download(std::size_t bytes);
  boost::asio::awaitable<bool> ImageIsMoving();

  Get get_;
  Peers& peers_;
  Metrics& metrics_;
  const runtime::Clock& clock_;
  absl::Time due_;
  bool unknown_there_ = false;
  std::optional<double> megabits_per_second_;
};

}  // namespace tentacle::uplink
