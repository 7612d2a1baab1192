#include "services/cache/relay_links.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "libs/async/on_pool.h"
#include "services/cache/limits.h"
#include "services/cache/origin.h"

namespace tentacle::cache {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

struct Answer {
  std::string url;
  absl::Time expires;
};

absl::StatusOr<Answer> Fetch(const Origin& origin, const std::string& image_id) {
  auto request = MakeRequest(origin, image_id, "link");
  if (!request.ok()) return request.status();
  request->total_timeout = limits::kMetaTimeout;
  const auto reply = FetchAsNode(origin, *std::move(request));
  if (!reply.ok()) return reply.status();
  if (reply->status == 404)
    return absl::NotFoundError(fmt::format("the backend gives no link to image {}", image_id));
  json::error_code error;
  const json::value value = json::parse(reply->body, error);
  const json::object* body = error ? nullptr : value.if_object();
  const auto* url = body == nullptr ? nullptr : body->if_contains("url");
  const auto* expires = body == nullptr ? nullptr : body->if_contains("expiresAt");
  Answer answer;
  std::string problem;
  const bool understood = reply->status == 200 && url != nullptr && url->is_string() &&
                          expires != nullptr && expires->is_string() &&
                          absl::ParseTime(absl::RFC3339_full, std::string(expires->get_string()),
                                          &answer.expires, &problem);
  if (!understood) {
    return absl::UnavailableError(
        fmt::format("the backend answered {} when asked for a link", reply->status));
  }
  answer.url = std::string(url->get_string());
  if (answer.url.starts_with("/")) answer.url = origin.backend.url() + answer.url;
  return answer;
}

}  // namespace

asio::awaitable<absl::StatusOr<std::string>> RelayLinks::LinkOf(std::string image_id) {
  const absl::Time now = clock_->Now();
  std::erase_if(
      links_, [now](const auto& one) { return one.second.expires < now + limits::kRelayLinkLeft; });
  if (const auto at = links_.find(image_id); at != links_.end()) co_return at->second.url;
  const auto& config = host_.config.current();
  const Origin origin{config.backend(), config.node().id(), host_.paths.KeyFile(), clock_};
  auto ask = [origin, image_id] { return Fetch(origin, image_id); };
  const auto answer = co_await async::OnPool(host_.blocking, ask);
  if (!answer.ok()) co_return answer.status();
  if (!answer->url.starts_with("http://")) {
    co_return absl::FailedPreconditionError(
        "relay mode: the machine that installs itself does not speak TLS; start the backend with "
        "--image-base-url http://...");
  }
  if (links_.size() < limits::kMaxImages) links_[image_id] = {answer->url, answer->expires};
  co_return answer->url;
}

}  // namespace tentacle::cache
