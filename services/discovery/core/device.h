// What is known about one network card on the segment.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/time/time.h>

#include "libs/wire/mac_address.h"
#include "services/discovery/core/presence.h"

namespace tentacle::discovery {

// Whether one device can have it: not zero, not a group's.
bool IsDeviceMac(const wire::MacAddress& mac);

// The locally administered bit (IEEE 802 section 8.2.2): made up by its owner, as phones do anew
// for each network.
bool IsRandomMac(const wire::MacAddress& mac);

// What told of something. The order is the rank of a name: what a host said to its DHCP server is
// the name it has there, NetBIOS cuts at 15 letters.
enum class Source { kArp, kDhcp, kMdns, kLldp, kCdp, kNetbios };
std::string_view SourceName(Source source);
std::optional<Source> SourceFromName(std::string_view name);

// Somebody with this MAC was heard on an interface. Texts have been made fit for showing.
struct Observation {
  wire::MacAddress mac;
  std::uint32_t address = 0;  // Host order; 0: it did not say, or has none yet.
  std::string interface {};
  std::uint16_t vlan = 0;  // Of the frame's tag; 0: none.
  Source source = Source::kArp;
  std::string name{};
  // Of a DHCP client: option 55 as "1,3,6", option 60, and option 61 in hex when it is no MAC.
  std::string fingerprint{};
  std::string vendor_class{};
  std::string client_id{};
};

struct AddressUse {
  std::uint32_t address = 0;
  absl::Time first_seen;
  absl::Time last_seen;

  bool operator==(const AddressUse&) const = default;
};

struct NameEvidence {
  Source source = Source::kArp;
  std::string name;
  absl::Time seen;

  bool operator==(const NameEvidence&) const = default;
};

struct Lease {
  std::uint32_t address = 0;
  std::uint32_t server = 0;
  absl::Duration duration;  // Zero: not heard, because the answer went to the client alone.
  absl::Time since;
  // The server's word; else the client's, that it takes what it was offered.
  bool confirmed = false;

  bool operator==(const Lease&) const = default;
};

struct OpenPort {
  std::uint16_t port = 0;
  std::string service;
  std::string banner;

  bool operator==(const OpenPort&) const = default;
};

// How waking went, per method ("udp", "raw", "secureon").
struct WakeRecord {
  std::string method;
  std::uint32_t tried = 0;
  std::uint32_t woke = 0;

  bool operator==(const WakeRecord&) const = default;
};

struct Device {
  wire::MacAddress mac;
  std::uint32_t address = 0;  // The one it used last; 0: none was heard. Host order.
  std::string hostname;       // The best of `names`.
  std::string vendor;
  std::string interface;  // Where it was heard last.
  absl::Time first_seen;
  absl::Time last_seen;
  std::uint16_t vlan = 0;
  std::vector<AddressUse> addresses;  // limits::kMaxAddressesPerDevice, the latest first.
  std::vector<NameEvidence> names;    // One a source.
  std::string fingerprint;
  std::string vendor_class;
  std::string client_id;
  std::optional<Lease> lease;
  std::vector<OpenPort> ports;
  std::vector<WakeRecord> wakes;
  Presence presence;
  // Came in a flood of made-up addresses, or took an address that was another's.
  bool suspect = false;
  // The card that stands for the device that this one belongs to; zero: itself.
  wire::MacAddress folded_into;

  bool operator==(const Device&) const = default;
};

// The name that counts: by rank of its source, unless it is older than kNameAge and another is not.
std::string BestName(const std::vector<NameEvidence>& names, absl::Time now);

// `found` with the greetings of `before` where a port was open then as well.
std::vector<OpenPort> WithGreetings(std::vector<OpenPort> found,
                                    const std::vector<OpenPort>& before);

// What the DHCP fingerprint says of the system: "Windows", "Android", ... or nothing.
std::string_view SystemHint(const Device& device);

}  // namespace tentacle::discovery
