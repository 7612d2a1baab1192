// Which TCP ports of the devices are open: connects and hangs up, within a budget for each host and
// for the segment.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include "libs/wire/mac_address.h"
#include "services/discovery/core/device.h"
#include "services/discovery/metrics.h"

namespace tentacle::discovery {

struct PortTarget {
  wire::MacAddress mac;
  std::uint32_t address = 0;  // Host order.
  std::uint32_t from = 0;     // This host's own in that network: nothing goes through a router.
};

// Home thread only; a scan has threads of its own. A running scan keeps it alive.
class PortScanner : public std::enable_shared_from_this<PortScanner> {
 public:
  using SelfPtr = std::shared_ptr<PortScanner>;
  using Found = std::map<wire::MacAddress, std::vector<OpenPort>>;
  using Known = std::function<void(const Found&)>;

  PortScanner(boost::asio::any_io_executor home, Metrics& metrics);

  // Every port of every target, each once; a target without an open port has an empty list.
  // `known` is told what is open as soon as that is known; what the open ones greet with comes
  // later, in the result. Unavailable while another scan runs.
  static boost::asio::awaitable<absl::StatusOr<Found>> Scan(SelfPtr self,
                                                            std::vector<PortTarget> targets,
                                                            std::vector<std::uint16_t> ports,
                                                            Known known);

 private:
  struct Work;
  using WorkPtr = std::shared_ptr<Work>;
  class Lane;

  static boost::asio::awaitable<void> RunLane(SelfPtr self,
                                              WorkPtr work,
                                              boost::asio::thread_pool& threads);

  boost::asio::any_io_executor home_;
  Metrics& metrics_;
  bool running_ = false;
};

}  // namespace tentacle::discovery
