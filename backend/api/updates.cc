// Updates of tentacles themselves: ordered and listed.
#include <fmt/format.h>

#include <utility>

#include <absl/time/clock.h>
#include <boost/json/serialize.hpp>

#include "backend/api/api.h"
#include "backend/store/update_store.h"
#include "libs/backend_link/release.h"
#include "libs/text/view.h"

namespace tentacle::backend {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

// A branch that is closed over the weekend gets it on Monday.
constexpr int kDefaultUpdateTtlSeconds = 7 * 24 * 3600;

}  // namespace

void Api::AddUpdateRoutes() {
  router_.Add("POST", "/api/v1/tentacles/{id}/updates", Access::kAdmin,
              [this](Call c) { return OrderUpdate(std::move(c)); });
  router_.Add("GET", "/api/v1/tentacles/{id}/updates", Access::kViewer, [this](Call c) {
    return Json([this, id = c.Id()] { return UpdateStore(parts_.database).List(id); }, "updates");
  });
}

// Who may sign a release is the tentacle's to know; here only what everybody can see is checked.
asio::awaitable<net::HttpReply> Api::OrderUpdate(Call call) {
  const auto body = ParseBody(call.request);
  if (!body.ok()) co_return net::ProblemReply(400, text::Message(body.status()));
  json::object given = *body;
  given["id"] = "update-0";
  given["imageId"] = std::to_string(IdField(*body, "imageId"));
  auto offer = backend_link::ParseReleaseOffer(given);
  if (!offer.ok()) co_return StatusReply(offer.status());
  const auto manifest = backend_link::ParseManifest(offer->manifest);
  if (!manifest.ok()) {
    co_return net::ProblemReply(422, fmt::format("manifest: {}", text::Message(manifest.status())));
  }
  const auto ttl = TimeToLive(*body, kDefaultUpdateTtlSeconds);
  if (!ttl.ok()) co_return StatusReply(ttl.status());
  const int node = call.Id();
  const NewUpdate update{node,
                         IdField(*body, "imageId"),
                         manifest->release_id,
                         manifest->version,
                         manifest->size_bytes,
                         manifest->sha256,
                         *ttl};
  const absl::Time expires = absl::Now() + absl::Seconds(*ttl);
  const auto body_of = [this, node, expires, offer = *offer](const std::string& id) {
    backend_link::ReleaseOffer own = offer;
    own.id = id;
    return SignedBody(node, "update.start", expires, {{"update", ReleaseOfferJson(own)}}, {});
  };
  auto add = [this, &update, &body_of] {
    return UpdateStore(parts_.database).Add(update, body_of);
  };
  const auto added = co_await async::OnPool(parts_.blocking, add);
  if (!added.ok()) co_return StatusReply(added.status());
  parts_.log.Info(
      "api.update_ordered",
      {{"node", node}, {"release", manifest->release_id}, {"version", manifest->version}});
  parts_.live.Publish({"node", std::to_string(node)});
  co_return net::JsonReply(201, *added);
}

}  // namespace tentacle::backend
