#include "services/cache/core/peer_choice.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/identity/identity.h"

namespace tentacle::cache {

std::string PeerRank(std::string_view sha256, std::string_view node_id) {
  return identity::Sha256Hex(fmt::format("{}\n{}", sha256, node_id));
}

std::optional<PeerChoice> ChoosePeer(std::string_view own_node_id,
                                     std::string_view sha256,
                                     const std::vector<PeerHas>& peers,
                                     std::uint64_t offset,
                                     std::uint64_t end) {
  if (peers.empty()) return std::nullopt;
  const PeerHas* holder = nullptr;
  const PeerHas* leader = nullptr;
  const PeerHas* ahead = nullptr;
  // Who has it all: another one for each who asks, so that not one gives to all.
  std::string best_holder;
  std::string best_rank = PeerRank(sha256, own_node_id);
  for (const PeerHas& peer : peers) {
    if (peer.cached) {
      std::string rank = PeerRank(own_node_id, peer.node_id);
      if (holder != nullptr && rank < best_holder) continue;
      holder = &peer;
      best_holder = std::move(rank);
      continue;
    }
    if (peer.prefix_bytes > offset &&
        (ahead == nullptr || peer.prefix_bytes > ahead->prefix_bytes)) {
      ahead = &peer;
    }
    std::string rank = PeerRank(sha256, peer.node_id);
    if (!peer.pulling || rank < best_rank) continue;
    leader = &peer;
    best_rank = std::move(rank);
  }
  if (holder != nullptr) return PeerChoice{holder->node_id, end};
  if (leader != nullptr && leader->prefix_bytes + kFarBehind >= offset)
    return PeerChoice{leader->node_id, end};
  if (ahead != nullptr) return PeerChoice{ahead->node_id, std::min(end, ahead->prefix_bytes)};
  return std::nullopt;
}

}  // namespace tentacle::cache
