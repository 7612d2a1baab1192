// Who gives out addresses and boot information on the segment, and who should not: learns, and
// alerts once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/time/time.h>

#include "libs/wire/mac_address.h"

namespace tentacle::discovery {

// What a DHCP server said, or what a client said of the server that it chose.
struct DhcpSighting {
  std::uint32_t server = 0;     // Option 54, else where the packet came from. Host order.
  wire::MacAddress server_mac;  // Zero: the client spoke of it.
  std::string interface;
  std::uint16_t vlan = 0;
  wire::MacAddress client;
  std::uint32_t address = 0;  // That is offered, given or taken; 0: none, as of a proxy.
  absl::Duration lease;       // Zero: not said.
  bool offer = false;
  bool ack = false;
  bool taken = false;  // The client takes it.
  std::uint32_t next_server = 0;
  std::string boot_file;   // Made fit for showing.
  bool in_segment = true;  // `address` is one of the interface's networks, or there is none.

  // Whether it tells a machine where to boot from: a file, or another host to get it from.
  bool boots() const { return !boot_file.empty() || (next_server != 0 && next_server != server); }
};

enum class ServerVerdict { kListed, kLearned, kRogue };
std::string_view ServerVerdictName(ServerVerdict verdict);  // "listed", ...
std::optional<ServerVerdict> ServerVerdictFromName(std::string_view name);

struct DhcpServer {
  std::uint32_t address = 0;
  wire::MacAddress mac;  // Zero: not heard itself.
  std::string interface;
  std::uint16_t vlan = 0;
  ServerVerdict verdict = ServerVerdict::kLearned;
  std::uint64_t offers = 0;
  std::uint64_t acks = 0;
  bool boots = false;
  bool learned = false;  // Came while learning.
  absl::Time first_seen;
  absl::Time last_seen;
  absl::Time last_alert = absl::InfinitePast();

  bool operator==(const DhcpServer&) const = default;
};

struct RogueAlert {
  DhcpServer server;
  // "offers_boot", "not_listed", "not_learned", "other_network", "other_mac".
  std::vector<std::string_view> reasons;
  DhcpSighting sighting;
  // Alerts that were due since the last one and were not given, because there were too many.
  std::uint64_t suppressed = 0;
};

// Holds at most limits::kMaxDhcpServers. Not thread safe.
class DhcpServers {
 public:
  void Restore(std::vector<DhcpServer> servers);

  // `listed`: servers that the configuration names; empty: whoever is heard within
  // limits::kDhcpLearning of the first one is the segment's own. An alert comes at once, then once
  // an hour for as long as the server speaks.
  std::optional<RogueAlert> Observe(const DhcpSighting& sighting,
                                    const std::vector<std::uint32_t>& listed,
                                    absl::Time now);

  const std::vector<DhcpServer>& servers() const { return servers_; }

  // Grows with every change that is worth keeping: a server, a verdict, an alert.
  std::uint64_t revision() const { return revision_; }

 private:
  DhcpServer& FindOrAdd(const DhcpSighting& sighting, absl::Time now);
  bool IsLearning(absl::Time now) const;
  std::vector<std::string_view> Suspicions(const DhcpServer& server,
                                           const DhcpSighting& sighting,
                                           const std::vector<std::uint32_t>& listed) const;
  bool MayAlert(absl::Time now);

  std::vector<DhcpServer> servers_;
  std::vector<absl::Time> alerts_;  // Of the last hour.
  std::uint64_t suppressed_ = 0;
  std::uint64_t revision_ = 0;
};

}  // namespace tentacle::discovery
