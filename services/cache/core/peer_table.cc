#include "services/cache/core/peer_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include <absl/strings/ascii.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>

namespace tentacle::cache {

namespace {

struct Network {
  std::uint32_t address;
  int prefix;
};

// RFC 6890: this host, loopback, link-local, multicast and beyond.
constexpr std::uint32_t kLoopback = 0x7f000000;
constexpr std::array<Network, 4> kSpecial = {
    {{0x00000000, 8}, {kLoopback, 8}, {0xa9fe0000, 16}, {0xe0000000, 3}}};

std::optional<std::uint32_t> ParseIpv4(std::string_view text) {
  const std::vector<absl::string_view> parts =
      absl::StrSplit(absl::string_view(text.data(), text.size()), '.');
  if (parts.size() != 4) return std::nullopt;
  std::uint32_t address = 0;
  for (const absl::string_view part : parts) {
    std::uint32_t octet = 0;
    // No leading zeros: some read them as octal numbers.
    if (part.empty() || part.size() > 3 || (part.size() > 1 && part[0] == '0')) return std::nullopt;
    for (const char c : part) {
      if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return std::nullopt;
    }
    if (!absl::SimpleAtoi(part, &octet) || octet > 255) return std::nullopt;
    address = address << 8 | octet;
  }
  return address;
}

}  // namespace

bool IsPeerAddress(std::string_view address, bool loopback_allowed) {
  const auto parsed = ParseIpv4(address);
  if (!parsed) return false;
  return std::none_of(kSpecial.begin(), kSpecial.end(), [&](const Network& network) {
    if (network.address == kLoopback && loopback_allowed) return false;
    return *parsed >> (32 - network.prefix) == network.address >> (32 - network.prefix);
  });
}

void PeerTable::Replace(const v1::ReplacePeersRequest& table) {
  std::map<std::string, Record> records;
  for (v1::Peer peer : table.peers()) {
    auto* addresses = peer.mutable_addresses();
    addresses->erase(std::remove_if(addresses->begin(), addresses->end(),
                                    [this](const std::string& address) {
                                      return !IsPeerAddress(address, loopback_allowed_);
                                    }),
                     addresses->end());
    if (addresses->empty()) continue;
    Record record;
    const auto known = records_.find(peer.node_id());
    const bool same =
        known != records_.end() && known->second.peer.public_key() == peer.public_key();
    if (same) record = known->second;
    const bool still_there =
        std::find(addresses->begin(), addresses->end(), record.address) != addresses->end();
    if (!still_there || record.peer.port() != peer.port()) record.address.clear();
    record.peer = std::move(peer);
    const std::string id = record.peer.node_id();
    records[id] = std::move(record);
  }
  records_ = std::move(records);
  site_ = table.site();
}

void PeerTable::Greeted(const std::string& node_id,
                        const std::string& address,
                        absl::Duration round_trip,
                        absl::Time now) {
  const auto at = records_.find(node_id);
  if (at == records_.end()) return;
  Record& record = at->second;
  record.round_trip = round_trip;
  const absl::Duration allowed = record.peer.same_site() ? kFarRoundTrip : kNearRoundTrip;
  if (round_trip > allowed) {
    Failed(node_id,
           fmt::format("too far away: a round trip takes {:.1f} ms",
                       absl::ToDoubleMilliseconds(round_trip)),
           now);
    return;
  }
  record.address = address;
  record.reason.clear();
}

void PeerTable::Failed(const std::string& node_id, const std::string& reason, absl::Time now) {
  const auto at = records_.find(node_id);
  if (at == records_.end()) return;
  Record& record = at->second;
  const int doublings = std::min(record.failures++, 16);
  record.address.clear();
  record.reason = reason;
  record.paused_until =
      std::max(record.paused_until, now + std::min(kPeerPause * (1 << doublings), kMaxPeerPause));
}

void PeerTable::Lied(const std::string& node_id, absl::Time now) {
  const auto at = records_.find(node_id);
  if (at == records_.end()) return;
  at->second.address.clear();
  at->second.reason = "gave wrong bytes";
  at->second.paused_until = now + kLiarPause;
}

void PeerTable::Gave(const std::string& node_id, std::uint64_t bytes, bool all) {
  const auto at = records_.find(node_id);
  if (at == records_.end()) return;
  at->second.taken_bytes += bytes;
  if (all) at->second.failures = 0;
}

std::vector<PeerTable::Usable> PeerTable::ToAsk(absl::Time now) const {
  std::vector<Usable> usable;
  for (const auto& [id, record] : records_) {
    if (record.address.empty() || now < record.paused_until) continue;
    usable.push_back({id, record.address, record.peer.port()});
  }
  return usable;
}

std::vector<v1::Peer> PeerTable::ToGreet(absl::Time now) const {
  std::vector<v1::Peer> peers;
  for (const auto& [id, record] : records_) {
    if (record.address.empty() && now >= record.paused_until) peers.push_back(record.peer);
  }
  return peers;
}

std::optional<std::string> PeerTable::KeyOf(const std::string& node_id) const {
  const auto at = records_.find(node_id);
  if (at == records_.end()) return std::nullopt;
  return at->second.peer.public_key();
}

std::vector<v1::PeerView> PeerTable::Views(absl::Time now) const {
  std::vector<v1::PeerView> views;
  for (const auto& [id, record] : records_) {
    v1::PeerView view;
    *view.mutable_peer() = record.peer;
    view.set_usable(!record.address.empty() && now >= record.paused_until);
    view.set_reason(record.reason);
    view.set_round_trip_ms(absl::ToDoubleMilliseconds(record.round_trip));
    view.set_taken_bytes(record.taken_bytes);
    views.push_back(std::move(view));
  }
  return views;
}

}  // namespace tentacle::cache
