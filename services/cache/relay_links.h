// Relay mode: no image is kept here; a machine gets an address of the backend that is good for a
// while. Home thread only.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <boost/asio/awaitable.hpp>

#include "libs/runtime/host.h"
#include "services/cache/backend_clock.h"

namespace tentacle::cache {

class RelayLinks {
 public:
  RelayLinks(runtime::Host& host, std::shared_ptr<BackendClock> clock)
      : host_(host), clock_(std::move(clock)) {}

  bool IsRelay() const { return host_.config.current().uplink().mode() == "relay"; }

  // An absolute URL of the image's bytes at the backend. NotFound, Unavailable, FailedPrecondition:
  // the backend is reached over TLS, which the machine that installs itself does not speak, and it
  // names no other address.
  boost::asio::awaitable<absl::StatusOr<std::string>> LinkOf(std::string image_id);

 private:
  struct Link {
    std::string url;
    absl::Time expires;
  };

  runtime::Host& host_;
  const std::shared_ptr<BackendClock> clock_;  // Links expire by it.
  std::map<std::string, Link> links_;
};

}  // namespace tentacle::cache
