// Wakes machines: magic packets by UDP broadcast and as raw frames, on every watched interface.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "libs/net/datagram_socket.h"
#include "libs/runtime/log.h"
#include "libs/wire/mac_address.h"
#include "services/discovery/metrics.h"
#include "services/discovery/segment_links.h"

namespace tentacle::discovery {

// Home thread only.
class WakeSender {
 public:
  WakeSender(boost::asio::any_io_executor home,
             SegmentLinks& links,
             Metrics& metrics,
             runtime::Log log);

  struct Sent {
    std::uint32_t packets = 0;
    std::vector<std::string>
        methods;  // "udp", "raw", and "secureon" when a password went with them.
  };

  // Sends limits::kWakeRepeats rounds and says what went out. Sending needs no
  // capability; where a link is open a raw frame goes out as well, because some cards look at
  // nothing else. FailedPrecondition without a watched interface, Unavailable when nothing could be
  // sent.
  static boost::asio::awaitable<absl::StatusOr<Sent>> Wake(std::shared_ptr<WakeSender> self,
                                                           wire::MacAddress mac,
                                                           wire::Buffer password);

 private:
  void SendRound(net::DatagramSocket& socket, const wire::Buffer& payload, Sent* sent);
  bool Count(std::string_view method, const absl::Status& status);

  boost::asio::any_io_executor home_;
  SegmentLinks& links_;
  Metrics& metrics_;
  runtime::Log log_;
};

}  // namespace tentacle::discovery
