// The interfaces that are listened on: opens and closes their packet links and hands on what is
// heard.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "libs/runtime/log.h"
#include "services/discovery/core/frame_observer.h"
#include "services/discovery/core/watched_interface.h"
#include "services/discovery/metrics.h"
#include "services/discovery/packet_link.h"

namespace tentacle::discovery {

// Where interfaces and links come from: the kernel, or a test.
struct LinkSource {
  std::function<absl::StatusOr<std::vector<LocalAddress>>()> list_addresses;
  std::function<absl::StatusOr<std::unique_ptr<PacketLink>>(const std::string& interface)> open;
};

// The host's interfaces and libpcap.
LinkSource KernelLinks(boost::asio::any_io_executor home);

// Home thread only. Listening coroutines keep it alive until Close().
class SegmentLinks : public std::enable_shared_from_this<SegmentLinks> {
 public:
  SegmentLinks(boost::asio::any_io_executor home,
               LinkSource source,
               Metrics& metrics,
               runtime::Log log);

  // Called for every frame that told something.
  void OnHeard(std::function<void(const FrameReport&)> callback) { heard_ = std::move(callback); }

  // Opens what should be watched and is not, closes the rest. Cheap when nothing changed: called
  // again and again, because interfaces come and go.
  void Apply(bool enabled,
             const std::vector<std::string>& wanted,
             const std::vector<NetworkRule>& unnumbered = {});
  void Close();

  // Whether sweeps are possible: FailedPrecondition says why not.
  absl::Status Ready() const;

  // What is wrong with the interfaces, in one sentence; empty when nothing is.
  const std::string& problem() const { return problem_; }

  std::vector<Subnet> Subnets() const;  // Of the links that are open.

  // Every interface that should be watched, also those whose link could not be opened.
  const std::vector<WatchedInterface>& watched() const { return watched_; }

  // NotFound when no link is open on that interface.
  absl::Status Send(std::string_view interface, std::span<const std::uint8_t> frame);
  // An ARP question, from the interface's own MAC.
  absl::Status Send(const Probe& probe);

 private:
  struct Open {
    WatchedInterface interface;
    std::unique_ptr<PacketLink> link;
    bool broken = false;
  };

  using SelfPtr = std::shared_ptr<SegmentLinks>;
  using OpenPtr = std::shared_ptr<Open>;

  absl::Status OpenLink(const WatchedInterface& interface);
  void CloseStale();
  void SetProblem(std::string problem);
  static boost::asio::awaitable<void> Listen(SelfPtr self, OpenPtr open);
  void Hear(wire::Bytes frame, const WatchedInterface& on);

  boost::asio::any_io_executor home_;
  LinkSource source_;
  Metrics& metrics_;
  runtime::Log log_;
  std::function<void(const FrameReport&)> heard_;
  bool enabled_ = false;
  std::string problem_;
  std::vector<WatchedInterface> watched_;
  std::map<std::string, OpenPtr, std::less<>> open_;
};

}  // namespace tentacle::discovery
