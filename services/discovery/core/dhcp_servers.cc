#include "services/discovery/core/dhcp_servers.h"

#include <algorithm>
#include <array>
#include <utility>

#include "services/discovery/limits.h"

namespace tentacle::discovery {

namespace {

constexpr std::array<std::string_view, 3> kVerdictNames = {"listed", "learned", "rogue"};

bool Contains(const std::vector<std::uint32_t>& list, std::uint32_t address) {
  return std::find(list.begin(), list.end(), address) != list.end();
}

}  // namespace

std::string_view ServerVerdictName(ServerVerdict verdict) {
  return kVerdictNames[static_cast<std::size_t>(verdict)];
}

std::optional<ServerVerdict> ServerVerdictFromName(std::string_view name) {
  for (std::size_t i = 0; i < kVerdictNames.size(); ++i) {
    if (kVerdictNames[i] == name) return static_cast<ServerVerdict>(i);
  }
  return std::nullopt;
}

void DhcpServers::Restore(std::vector<DhcpServer> servers) {
  if (servers.size() > limits::kMaxDhcpServers) servers.resize(limits::kMaxDhcpServers);
  servers_ = std::move(servers);
}

std::optional<RogueAlert> DhcpServers::Observe(const DhcpSighting& sighting,
                                               const std::vector<std::uint32_t>& listed,
                                               absl::Time now) {
  if (sighting.server == 0) return std::nullopt;
  const std::size_t before = servers_.size();
  DhcpServer& server = FindOrAdd(sighting, now);
  const auto reasons = Suspicions(server, sighting, listed);

  if (sighting.offer) ++server.offers;
  if (sighting.ack) ++server.acks;
  if (sighting.boots()) server.boots = true;
  if (server.mac == wire::MacAddress{}) server.mac = sighting.server_mac;
  server.last_seen = std::max(server.first_seen, now);
  const bool is_listed = Contains(listed, server.address);
  ServerVerdict verdict = server.verdict;
  if (is_listed) verdict = ServerVerdict::kListed;
  // A verdict of the configuration ends with it.
  if (!is_listed && verdict == ServerVerdict::kListed) verdict = ServerVerdict::kLearned;
  if (!reasons.empty()) verdict = ServerVerdict::kRogue;
  if (verdict != server.verdict || servers_.size() != before) ++revision_;
  server.verdict = verdict;

  if (reasons.empty() || now - server.last_alert < limits::kRogueAlertEvery) return std::nullopt;
  if (!MayAlert(now)) {
    ++suppressed_;
    return std::nullopt;
  }
  server.last_alert = now;
  ++revision_;
  return RogueAlert{server, reasons, sighting, std::exchange(suppressed_, 0)};
}

DhcpServer& DhcpServers::FindOrAdd(const DhcpSighting& sighting, absl::Time now) {
  const auto same = [&sighting](const DhcpServer& s) { return s.address == sighting.server; };
  const auto found = std::find_if(servers_.begin(), servers_.end(), same);
  if (found != servers_.end()) return *found;
  if (servers_.size() == limits::kMaxDhcpServers) {
    // What an attacker made up goes before what was learned.
    const auto worse = [](const DhcpServer& a, const DhcpServer& b) {
      return std::pair(a.verdict != ServerVerdict::kRogue, a.last_seen) <
             std::pair(b.verdict != ServerVerdict::kRogue, b.last_seen);
    };
    servers_.erase(std::min_element(servers_.begin(), servers_.end(), worse));
  }
  DhcpServer server;
  server.address = sighting.server;
  server.mac = sighting.server_mac;
  server.interface = sighting.interface;
  server.vlan = sighting.vlan;
  server.first_seen = server.last_seen = now;
  server.learned = IsLearning(now);
  server.verdict = server.learned ? ServerVerdict::kLearned : ServerVerdict::kRogue;
  servers_.push_back(std::move(server));
  return servers_.back();
}

bool DhcpServers::IsLearning(absl::Time now) const {
  const auto learned = [](const DhcpServer& server) { return server.learned; };
  if (std::count_if(servers_.begin(), servers_.end(), learned) >= limits::kMaxLearnedServers)
    return false;
  // The first of all is learned however late it comes. A rogue one does not open the time to learn.
  absl::Time first = absl::InfiniteFuture();
  for (const DhcpServer& server : servers_) {
    if (server.verdict != ServerVerdict::kRogue) first = std::min(first, server.first_seen);
  }
  return first == absl::InfiniteFuture() || now - first <= limits::kDhcpLearning;
}

std::vector<std::string_view> DhcpServers::Suspicions(
    const DhcpServer& server,
    const DhcpSighting& sighting,
    const std::vector<std::uint32_t>& listed) const {
  std::vector<std::string_view> reasons;
  const bool is_listed = Contains(listed, server.address);
  const bool known_mac =
      server.mac != wire::MacAddress{} && sighting.server_mac != wire::MacAddress{};
  if (known_mac && sighting.server_mac != server.mac) reasons.push_back("other_mac");
  if (is_listed) return reasons;
  if (!listed.empty()) reasons.push_back("not_listed");
  if (sighting.boots()) reasons.push_back("offers_boot");
  if (!sighting.in_segment) reasons.push_back("other_network");
  if (listed.empty() && !server.learned) reasons.push_back("not_learned");
  return reasons;
}

bool DhcpServers::MayAlert(absl::Time now) {
  std::erase_if(alerts_, [now](absl::Time at) { return now - at >= absl::Hours(1); });
  if (alerts_.size() >= limits::kMaxRogueAlertsPerHour) return false;
  alerts_.push_back(now);
  return true;
}

}  // namespace tentacle::discovery
