// An IPv4 UDP socket that knows on which interface and address a datagram came in, and can answer
// from there (IP_PKTINFO).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>
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
  std::uint32_t to_address = 0;  // Destination of the packet: may be a broadcast. Host order.
  int interface_index = 0;
};

// What is to go out. More than `segment_bytes` (if that is not 0) goes as several datagrams, cut
// there.
struct Departure {
  std::span<const std::uint8_t> bytes;
  Ipv4Endpoint to;
  int interface_index = 0;         // 0: the kernel chooses.
  std::uint32_t from_address = 0;  // 0: the kernel chooses.
  std::size_t segment_bytes = 0;
  absl::Status status;  // Filled in by SendMany.
};

struct DatagramOptions {
  std::uint16_t port = 0;
  std::uint32_t address = 0;     // 0: any.
  bool broadcast = false;        // Allow sending to broadcast addresses.
  bool reuse_address = false;    // Another DHCP program may hold the port on another address.
  std::string bind_to_device;    // SO_BINDTODEVICE; empty: every interface.
  int receive_buffer_bytes = 0;  // 0: the kernel's default; its limit holds without CAP_NET_ADMIN.
};

inline constexpr std::size_t kMaxManyBytes = 2048;
inline constexpr std::size_t kMaxMany = 64;

class DatagramSocket {
 public:
  // Unavailable when the port is taken, PermissionDenied without CAP_NET_BIND_SERVICE.
  static absl::StatusOr<std::unique_ptr<DatagramSocket>> Open(boost::asio::any_io_executor home,
                                                              const DatagramOptions& options);
  virtual ~DatagramSocket() = default;
  virtual boost::asio::awaitable<absl::StatusOr<Datagram>> Receive() = 0;
  // Never waits: a full socket buffer is ResourceExhausted. `interface_index` 0 and `from_address`
  // 0 let the kernel choose.
  virtual absl::Status Send(std::span<const std::uint8_t> bytes,
                            Ipv4Endpoint to,
                            int interface_index,
                            std::uint32_t from_address) = 0;
  // Waits until something has come and takes up to `max` of what is there; then others have their
  // turn. `spin`: asks the kernel again and again for so long before it sleeps, for a peer that
  // answers at once. A datagram of more than kMaxManyBytes comes empty.
  virtual boost::asio::awaitable<absl::StatusOr<std::vector<Datagram>>> ReceiveMany(
      std::size_t max, absl::Duration spin);
  // As Send, in as few calls of the kernel as it takes.
  virtual void SendMany(std::span<Departure> departures);
  virtual std::uint16_t port() const = 0;
  virtual void Close() = 0;
};

}  // namespace tentacle::net
