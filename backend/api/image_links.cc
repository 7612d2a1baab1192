// Links that let a machine fetch an image from here itself: relay mode.
#include <absl/strings/numbers.h>
#include <absl/time/clock.h>
#include <boost/json/serialize.hpp>

#include "backend/api/api.h"
#include "backend/core/image_link.h"
#include "libs/text/view.h"

namespace tentacle::backend {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

// An installation over a slow line asks for parts of the image again and again until it has all of
// it.
constexpr absl::Duration kLinkLifetime = absl::Hours(6);

}  // namespace

void Api::AddImageLinkRoutes() {
  router_.Add("GET", "/api/v1/tentacles/images/{id}/link", Access::kTentacle,
              [this](Call c) { return MakeImageLink(std::move(c)); });
  router_.Add("GET", "/api/v1/images/{id}/content", Access::kAnyone,
              [this](Call c) { return FollowImageLink(std::move(c)); });
}

asio::awaitable<net::HttpReply> Api::MakeImageLink(Call call) {
  auto find = [this, id = call.Id()] { return parts_.images.File(id).status(); };
  const absl::Status found = co_await async::OnPool(parts_.blocking, find);
  if (!found.ok()) co_return StatusReply(found);
  const ImageLink link{call.Id(), call.node_id, absl::Now() + kLinkLifetime};
  const json::object body{
      {"url", parts_.image_base_url + LinkPath(link, parts_.link_secret)},
      {"expiresAt", absl::FormatTime(absl::RFC3339_sec, link.expires, absl::UTCTimeZone())}};
  co_return net::JsonReply(200, json::serialize(body));
}

asio::awaitable<net::HttpReply> Api::FollowImageLink(Call call) {
  std::int64_t expires = 0;
  const bool readable = absl::SimpleAtoi(call.request.Query("expires").value_or(""), &expires);
  const ImageLink link{call.Id(), ParseId(call.request.Query("node").value_or("")),
                       absl::FromUnixSeconds(expires)};
  const std::string signature = call.request.Query("signature").value_or("");
  absl::Status right = readable ? CheckLink(link, signature, parts_.link_secret, absl::Now())
                                : absl::UnauthenticatedError("the link is not one of ours");
  if (right.ok()) {
    // A tentacle that was removed takes its links with it.
    auto find = [this, id = link.node_id] { return parts_.nodes.PublicKey(id).status(); };
    right = co_await async::OnPool(parts_.blocking, find);
    if (absl::IsNotFound(right))
      right = absl::UnauthenticatedError("the tentacle of this link was removed");
  }
  if (!right.ok()) {
    parts_.log.Warning("api.link_refused", {{"address", call.request.remote_ip},
                                            {"reason", std::string(right.message())}});
    net::HttpReply refused = StatusReply(right);
    if (absl::IsUnauthenticated(right)) refused = net::ProblemReply(403, text::Message(right));
    co_return refused;
  }
  co_return co_await PullImage(std::move(call));
}

}  // namespace tentacle::backend
