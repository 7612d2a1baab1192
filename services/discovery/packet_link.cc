#include "services/discovery/packet_link.h"

#include <fmt/format.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <pcap/pcap.h>

#include "libs/text/view.h"
#include "libs/wire/cdp.h"
#include "libs/wire/lldp.h"
#include "services/discovery/limits.h"

namespace tentacle::discovery {

namespace {

namespace asio = boost::asio;

// 224.0.0.251 (RFC 1112 section 6.4).
constexpr wire::MacAddress kMulticastDnsGroup{{0x01, 0x00, 0x5e, 0x00, 0x00, 0xfb}};

struct ClosePcap {
  void operator()(pcap_t* handle) const { ::pcap_close(handle); }
};

using PcapHandle = std::unique_ptr<pcap_t, ClosePcap>;

absl::Status Error(absl::StatusCode code, const std::string& interface, std::string_view what) {
  return {code, text::AbslView(fmt::format("interface {}: {}", interface, what))};
}

class PcapLink final : public PacketLink {
 public:
  PcapLink(asio::any_io_executor home, std::string interface, PcapHandle handle, int fd)
      : interface_(std::move(interface)),
        handle_(std::move(handle)),
        readable_(std::move(home), fd) {}

  // libpcap owns the descriptor and closes it.
  ~PcapLink() override { Close(); }

  asio::awaitable<absl::StatusOr<std::vector<std::uint8_t>>> Receive() override {
    // Others on the home thread have their turn between bursts of frames.
    if (++taken_in_turn_ > limits::kMaxFramesPerTurn) {
      taken_in_turn_ = 0;
      co_await asio::post(asio::use_awaitable);
    }
    for (;;) {
      if (!readable_.is_open()) co_return Error(absl::StatusCode::kCancelled, interface_, "closed");
      pcap_pkthdr* header = nullptr;
      const u_char* bytes = nullptr;
      const int result = ::pcap_next_ex(handle_.get(), &header, &bytes);
      if (result == 1) co_return std::vector<std::uint8_t>(bytes, bytes + header->caplen);
      if (result != 0) {
        co_return Error(absl::StatusCode::kUnavailable, interface_, ::pcap_geterr(handle_.get()));
      }
      taken_in_turn_ = 0;
      const auto [error] = co_await readable_.async_wait(asio::posix::descriptor_base::wait_read,
                                                         asio::as_tuple(asio::use_awaitable));
      if (error) co_return Error(absl::StatusCode::kCancelled, interface_, "closed");
    }
  }

  absl::Status Send(std::span<const std::uint8_t> frame) override {
    if (!readable_.is_open()) return Error(absl::StatusCode::kUnavailable, interface_, "closed");
    if (::pcap_inject(handle_.get(), frame.data(), frame.size()) >= 0) return absl::OkStatus();
    const bool full = errno == ENOBUFS || errno == EAGAIN;
    return Error(full ? absl::StatusCode::kResourceExhausted : absl::StatusCode::kUnavailable,
                 interface_, ::pcap_geterr(handle_.get()));
  }

  std::uint64_t TakeLost() override {
    pcap_stat stats{};
    if (!readable_.is_open() || ::pcap_stats(handle_.get(), &stats) != 0) return 0;
    const std::uint32_t lost = stats.ps_drop - lost_before_;  // Wraps as the counter does.
    lost_before_ = stats.ps_drop;
    return lost;
  }

  void Close() override {
    if (!readable_.is_open()) return;
    // Ends a waiting Receive() as cancelled and leaves the descriptor to libpcap.
    readable_.release();
  }

 private:
  std::string interface_;
  PcapHandle handle_;
  asio::posix::stream_descriptor readable_;
  std::uint32_t lost_before_ = 0;
  int taken_in_turn_ = 0;
};

// What has to be set between creating and activating.
absl::Status Activate(pcap_t* handle, const std::string& interface) {
  ::pcap_set_snaplen(handle, limits::kCaptureBytes);
  // What we listen to is broadcast, for a group or for us: nobody else's frames are needed.
  ::pcap_set_promisc(handle, 0);
  ::pcap_set_buffer_size(handle, limits::kCaptureBufferBytes);
  // A frame is told of when it comes, not when a block of them is full.
  ::pcap_set_immediate_mode(handle, 1);
  const int result = ::pcap_activate(handle);
  if (result >= 0) return absl::OkStatus();
  switch (result) {
    case PCAP_ERROR_PERM_DENIED:
      return Error(absl::StatusCode::kPermissionDenied, interface,
                   "capturing needs CAP_NET_RAW: start discovery with that capability "
                   "(AmbientCapabilities=CAP_NET_RAW, cap_add: NET_RAW) or as root");
    case PCAP_ERROR_NO_SUCH_DEVICE:
      return Error(absl::StatusCode::kNotFound, interface, "there is no such interface");
    default:
      return Error(absl::StatusCode::kUnavailable, interface, ::pcap_statustostr(result));
  }
}

// The card passes on the groups that LLDP, CDP and multicast DNS are sent to; it is not made
// promiscuous.
absl::Status JoinGroups(pcap_t* handle, const std::string& interface) {
  const wire::MacAddress groups[] = {wire::kLldpNearestBridge, wire::kLldpNearestNonTpmr,
                                     wire::kLldpNearestCustomer, wire::kCdpGroup,
                                     kMulticastDnsGroup};
  for (const wire::MacAddress& group : groups) {
    packet_mreq request{};
    request.mr_ifindex = static_cast<int>(::if_nametoindex(interface.c_str()));
    request.mr_type = PACKET_MR_MULTICAST;
    request.mr_alen = static_cast<unsigned short>(group.octets.size());
    std::copy(group.octets.begin(), group.octets.end(), request.mr_address);
    if (::setsockopt(::pcap_fileno(handle), SOL_PACKET, PACKET_ADD_MEMBERSHIP, &request,
                     sizeof request) != 0) {
      return Error(absl::StatusCode::kUnavailable, interface, std::strerror(errno));
    }
  }
  return absl::OkStatus();
}

absl::Status SetFilter(pcap_t* handle, const std::string& interface, const std::string& filter) {
  bpf_program program{};
  int result = ::pcap_compile(handle, &program, filter.c_str(), 1, PCAP_NETMASK_UNKNOWN);
  if (result == 0) {
    result = ::pcap_setfilter(handle, &program);
    ::pcap_freecode(&program);
  }
  if (result == 0) return absl::OkStatus();
  return Error(absl::StatusCode::kInternal, interface, ::pcap_geterr(handle));
}

}  // namespace

absl::StatusOr<std::unique_ptr<PacketLink>> PacketLink::OpenPcap(asio::any_io_executor home,
                                                                 const std::string& interface,
                                                                 const std::string& filter) {
  char error[PCAP_ERRBUF_SIZE] = "";
  PcapHandle handle(::pcap_create(interface.c_str(), error));
  if (handle == nullptr) return Error(absl::StatusCode::kUnavailable, interface, error);
  if (auto status = Activate(handle.get(), interface); !status.ok()) return status;
  if (::pcap_datalink(handle.get()) != DLT_EN10MB) {
    return Error(absl::StatusCode::kFailedPrecondition, interface, "is not an Ethernet");
  }
  if (auto status = SetFilter(handle.get(), interface, filter); !status.ok()) return status;
  if (auto status = JoinGroups(handle.get(), interface); !status.ok()) return status;
  ::pcap_setdirection(handle.get(), PCAP_D_IN);
  if (::pcap_setnonblock(handle.get(), 1, error) != 0) {
    return Error(absl::StatusCode::kInternal, interface, error);
  }
  const int fd = ::pcap_get_selectable_fd(handle.get());
  if (fd < 0) return Error(absl::StatusCode::kInternal, interface, "cannot be waited for");
  return std::make_unique<PcapLink>(std::move(home), interface, std::move(handle), fd);
}

}  // namespace tentacle::discovery
