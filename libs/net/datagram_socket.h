// An IPv4 UDP socket that knows on which interface and address a datagram came in, and can answer from
// there (IP_PKTINFO).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace tentacle::net {

struct Ipv4Address {
  std::uint32_t value = 0;  // Host order.
  auto operator<=>(const Ipv4Address&) const = default;
};

struct Ipv4Endpoint {
  std::uint32_t address = 0;  // Host order.
  std::uint16_t port = 0;
  auto operator<=>(const Ipv4Endpoint&) const = default;
};

struct Datagram {
  std::vector<std::uint8_t> bytes;
  Ipv4Endpoint from;
  std::uint32_t to_address = 0;   // Destination of the packet: may be a broadcast. Host order.
  int interface_index = 0;
};

struct DatagramOptions {
  std::uint16_t port = 0;
  std::uint32_t address = 0;          // 0: any.
  bool broadcast = false;             // Allow sending to broadcast addresses.
  bool reuse_address = false;         // Another DHCP program may hold the port on another address.
  std::string bind_to_device;         // SO_BINDTODEVICE; empty: every interface.
};

class DatagramSocket {
 public:
  // Unavailable when the port is taken, PermissionDenied without CAP_NET_BIND_SERVICE.
  static absl::StatusOr<std::unique_ptr<DatagramSocket>> Open(boost::asio::any_io_executor home,
                                                              const DatagramOptions& options);
  virtual ~DatagramSocket() = default;
  virtual boost::asio::awaitable<absl::StatusOr<Datagram>> Receive() = 0;
  // Never waits: a full socket buffer is ResourceExhausted. `interface_index` 0 and `from_address` 0 let
  // the kernel choose.
  virtual absl::Status Send(std::span<const std::uint8_t> bytes, Ipv4Endpoint to, int interface_index,
                            std::uint32_t from_address) = 0;
  virtual std::uint16_t port() const = 0;
  virtual void Close() = 0;
};

}  // namespace tentacle::net
