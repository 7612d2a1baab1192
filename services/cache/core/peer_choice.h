// Whom to ask for the next bytes of an image. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tentacle::cache {

// How an image stands at a peer.
struct PeerHas {
  std::string node_id;
  bool cached = false;
  bool pulling = false;
  std::uint64_t prefix_bytes = 0;  // So many from its start are there.
};

struct PeerChoice {
  std::string node_id;
  std::uint64_t end = 0;  // It gives the bytes up to here.
};

// Who is behind by more than this is not waited for.
inline constexpr std::uint64_t kFarBehind = 64ull << 20;

// For the bytes from `offset` on, up to `end` at most: somebody who has them, or who is fetching
// them for all. Of those who pull the one with the highest rank for this image fetches over the
// WAN, and the others read along; ranks are the same for all, so nobody ever waits for somebody who
// waits for him. Nothing: they are to be fetched over the WAN.
std::optional<PeerChoice> ChoosePeer(std::string_view own_node_id,
                                     std::string_view sha256,
                                     const std::vector<PeerHas>& peers,
                                     std::uint64_t offset,
                                     std::uint64_t end);

// The higher one fetches for the others.
std::string PeerRank(std::string_view sha256, std::string_view node_id);

}  // namespace tentacle::cache
