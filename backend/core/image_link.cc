#include "backend/core/image_link.h"

#include <fmt/format.h>

#include "libs/identity/identity.h"

namespace tentacle::backend {

namespace {

std::string SignatureOf(const ImageLink& link, std::string_view secret) {
  return identity::HmacSha256Hex(secret,
                                 fmt::format("image-link\n{}\n{}\n{}", link.image_id, link.node_id,
                                             absl::ToUnixSeconds(link.expires)));
}

}  // namespace

std::string LinkPath(const ImageLink& link, std::string_view secret) {
  return fmt::format("/api/v1/images/{}/content?node={}&expires={}&signature={}", link.image_id,
                     link.node_id, absl::ToUnixSeconds(link.expires), SignatureOf(link, secret));
}

absl::Status CheckLink(const ImageLink& link,
                       std::string_view signature,
                       std::string_view secret,
                       absl::Time now) {
  // The signature first: only who has it learns whether it has expired.
  if (!identity::ConstantTimeEquals(signature, SignatureOf(link, secret))) {
    return absl::UnauthenticatedError("the link is not one of ours");
  }
  if (now >= link.expires) return absl::UnauthenticatedError("the link has expired");
  return absl::OkStatus();
}

}  // namespace tentacle::backend
