// One Ethernet interface, held open for whole frames.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace tentacle::discovery {

// Home thread only. Holds a kernel ring buffer of limits::kCaptureBufferBytes.
class PacketLink {
 public:
  // `filter` is a capture filter in libpcap's words; our own frames are never captured.
  // PermissionDenied without CAP_NET_RAW, NotFound without the interface, FailedPrecondition when
  // it is not an Ethernet.
  static absl::StatusOr<std::unique_ptr<PacketLink>> OpenPcap(boost::asio::any_io_executor home,
                                                              const std::string& interface,
                                                              const std::string& filter);
  virtual ~PacketLink() = default;

  // The next frame, cut to limits::kCaptureBytes. Cancelled after Close(); any other error means
  // that the link is of no use any more. One at a time.
  virtual boost::asio::awaitable<absl::StatusOr<std::vector<std::uint8_t>>> Receive() = 0;
  // Never waits: a full queue is ResourceExhausted.
  virtual absl::Status Send(std::span<const std::uint8_t> frame) = 0;
  // Frames the kernel had no room for since the last call.
  virtual std::uint64_t TakeLost() = 0;
  virtual void Close() = 0;
};

}  // namespace tentacle::discovery
