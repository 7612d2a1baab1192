#include "services/uplink/live_relay.h"

#include <fmt/format.h>

#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "libs/identity/identity.h"
#include "libs/retry/backoff.h"
#include "libs/text/view.h"
#include "services/uplink/limits.h"

namespace tentacle::uplink {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

bool IsLive(std::string_view type) {
  return type.starts_with("shell.") || type.starts_with("live.");
}

// Somebody waits for the first word of these.
std::vector<std::string> SessionsToOpen(const std::vector<LiveFrame>& frames) {
  std::vector<std::string> sessions;
  for (const LiveFrame& frame : frames) {
    if (frame.type != "shell.open") continue;
    json::error_code error;
    const auto body = json::parse(frame.body_json, error);
    const auto* session =
        !error && body.is_object() ? body.get_object().if_contains("session") : nullptr;
    if (session != nullptr && session->is_string()) sessions.emplace_back(session->get_string());
  }
  return sessions;
}

backend_link::Message NotOpened(const std::string& session, const absl::Status& why) {
  const std::string reason = fmt::format("the agent cannot be reached: {}", text::Message(why));
  return {"shell.exit", std::nullopt, {{"session", session}, {"code", -1}, {"reason", reason}}};
}

}  // namespace

LiveRelay::LiveRelay(asio::any_io_executor home, Session& session, Peers& peers, Metrics& metrics)
    : session_(session),
      peers_(peers),
      metrics_(metrics),
      link_id_(identity::RandomHex(8)),
      arrived_(home),
      pause_(home) {}

bool LiveRelay::Take(const backend_link::Message& message) {
  if (!IsLive(message.type)) return false;
  std::string body = json::serialize(message.body);
  if (down_bytes_ + body.size() > limits::kMaxLiveBytes) {
    metrics_.Live("down", "dropped");
    return true;
  }
  down_bytes_ += body.size();
  down_.push_back({message.type, std::move(body)});
  arrived_.Notify();
  return true;
}

asio::awaitable<absl::Status> LiveRelay::CarryDown() {
  for (;;) {
    if (down_.empty()) {
      co_await arrived_.Wait(absl::InfiniteDuration());
      continue;
    }
    std::vector<LiveFrame> frames(std::make_move_iterator(down_.begin()),
                                  std::make_move_iterator(down_.end()));
    down_.clear();
    down_bytes_ = 0;
    const std::size_t count = frames.size();
    const std::vector<std::string> opening = SessionsToOpen(frames);
    const absl::Status pushed = co_await peers_.PushFrames(link_id_, std::move(frames));
    // An agent that is away has no sessions either: nothing is worth being repeated.
    for (std::size_t i = 0; i < count; ++i)
      metrics_.Live("down", pushed.ok() ? "relayed" : "failed");
    if (pushed.ok()) continue;
    for (const std::string& id : opening) {
      const absl::Status sent = co_await session_.Send(NotOpened(id, pushed));
      if (!sent.ok()) co_return sent;
    }
  }
}

asio::awaitable<absl::Status> LiveRelay::CarryUp() {
  retry::Backoff backoff(limits::kPeerBackoff);
  for (;;) {
    auto frames = co_await peers_.FetchFrames(link_id_);
    if (!frames.ok()) {
      // One process asks, so its delays need no jitter.
      co_await pause_.Wait(backoff.Next(1.0));
      continue;
    }
    backoff.Reset();
    for (auto& frame : *frames) {
      json::error_code error;
      auto body = json::parse(frame.body_json, error);
      if (error || !body.is_object() || !IsLive(frame.type)) {
        metrics_.Live("up", "failed");
        continue;
      }
      backend_link::Message message{std::move(frame.type), std::nullopt,
                                    std::move(body.get_object())};
      const absl::Status sent = co_await session_.Send(std::move(message));
      if (absl::IsInvalidArgument(sent)) {  // Larger than a frame may be.
        metrics_.Live("up", "failed");
        continue;
      }
      if (!sent.ok()) co_return sent;
      metrics_.Live("up", "relayed");
    }
  }
}

}  // namespace tentacle::uplink
