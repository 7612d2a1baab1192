// A link to an image that works for a while without any other proof: a machine that is being
// installed has no key. Pure.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/time/time.h>

namespace tentacle::backend {

struct ImageLink {
  int image_id = 0;
  int node_id = 0;  // The tentacle that asked for it.
  absl::Time expires;
};

// "/api/v1/images/7/content?node=3&expires=1764100000&signature=…"
std::string LinkPath(const ImageLink& link, std::string_view secret);

// Unauthenticated, with what is wrong: the signature, or it has expired.
absl::Status CheckLink(const ImageLink& link,
                       std::string_view signature,
                       std::string_view secret,
                       absl::Time now);

}  // namespace tentacle::backend
