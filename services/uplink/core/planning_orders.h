// What the backend says about images to come and about neighbours, as the cache takes it. Pure.
#pragma once

#include <tentacle/cache/v1/planning.pb.h>

#include <string_view>

#include <absl/status/statusor.h>
#include <boost/json/object.hpp>

namespace tentacle::uplink {

// The id of a prepull that belongs to no schedule.
std::string PlainPrepullId(std::string_view image_id);

// A backend introduces fewer, and a tentacle has fewer addresses.
inline constexpr std::size_t kMaxPeers = 64;
inline constexpr std::size_t kMaxPeerAddresses = 16;

// `image.prepull`. InvalidArgument with the field.
absl::StatusOr<cache::v1::Prepull> ParsePrepull(const boost::json::object& body);
// `peers.sync`. InvalidArgument when there is no list; a peer that cannot be used is left out.
absl::StatusOr<cache::v1::ReplacePeersRequest> ParsePeers(const boost::json::object& body);

}  // namespace tentacle::uplink
