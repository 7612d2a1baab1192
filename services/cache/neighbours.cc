#include "services/cache/neighbours.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "libs/identity/identity.h"
#include "libs/text/view.h"
#include "services/cache/limits.h"
#include "services/cache/origin.h"

namespace tentacle::cache {

namespace {

namespace json = boost::json;

constexpr std::string_view kBearer = "Bearer ";

// What is shown to one peer is worth nothing at another, nor at the backend.
std::string AudienceOf(std::string_view node_id) {
  return fmt::format("octofleet-peer:{}", node_id);
}

net::EnvironmentLookup NoProxy() {
  return [](const std::string&) { return std::optional<std::string>(); };
}

std::uint64_t NumberOf(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_int64() && value->get_int64() > 0
             ? static_cast<std::uint64_t>(value->get_int64())
             : 0;
}

bool FlagOf(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_bool() && value->get_bool();
}

}  // namespace

Neighbours::Neighbours(const runtime::Clock& clock,
                       std::shared_ptr<const BackendClock> backend_clock,
                       runtime::Log log,
                       bool loopback_allowed)
    : clock_(clock),
      backend_clock_(std::move(backend_clock)),
      log_(std::move(log)),
      table_(loopback_allowed) {}

void Neighbours::SetOwn(OwnIdentity own) {
  const std::lock_guard lock(mutex_);
  own_ = std::move(own);
}

OwnIdentity Neighbours::own() const {
  const std::lock_guard lock(mutex_);
  return own_;
}

void Neighbours::Replace(const v1::ReplacePeersRequest& table) {
  const std::lock_guard lock(mutex_);
  table_.Replace(table);
}

bool Neighbours::HasAny() const {
  const std::lock_guard lock(mutex_);
  return !table_.ToAsk(clock_.Now()).empty();
}

std::string Neighbours::site() const {
  const std::lock_guard lock(mutex_);
  return table_.site();
}

std::vector<v1::PeerView> Neighbours::Views() const {
  const std::lock_guard lock(mutex_);
  return table_.Views(clock_.Now());
}

absl::StatusOr<std::string> Neighbours::CheckToken(std::string_view authorization) const {
  if (!authorization.starts_with(kBearer))
    return absl::UnauthenticatedError("want Authorization: Bearer <JWT>");
  const std::string_view token = authorization.substr(kBearer.size());
  auto issuer = identity::TokenIssuer(token);
  if (!issuer.ok()) return absl::UnauthenticatedError(issuer.status().message());
  std::optional<std::string> key;
  {
    const std::lock_guard lock(mutex_);
    key = table_.KeyOf(*issuer);
  }
  if (!key) return absl::UnauthenticatedError("the backend has not introduced this tentacle");
  const absl::Status right =
      identity::VerifyToken(token, *key, backend_clock_->Now(), AudienceOf(own().node_id));
  if (!right.ok()) return right;
  return issuer;
}

absl::StatusOr<net::ClientRequest> Neighbours::MakeRequest(const PeerTable::Usable& peer,
                                                           const std::string& path) const {
  const OwnIdentity mine = own();
  const auto key = identity::IdentityKey::Load(mine.key_file);
  if (!key.ok()) return key.status();
  net::ClientRequest request;
  request.url = fmt::format("http://{}:{}{}", peer.address, peer.port, path);
  request.headers = {
      {"Authorization", "Bearer " + identity::MakeToken(*key, mine.node_id, backend_clock_->Now(),
                                                        AudienceOf(peer.node_id))}};
  request.environment = NoProxy();  // A neighbour is next door.
  request.connect_timeout = limits::kPeerAnswer;
  request.total_timeout = limits::kPeerAnswer;
  request.max_body_bytes = limits::kPeerStateBytes;
  return request;
}

void Neighbours::Greet() {
  std::vector<v1::Peer> peers;
  {
    const std::lock_guard lock(mutex_);
    peers = table_.ToGreet(clock_.Now());
  }
  for (const v1::Peer& peer : peers) {
    std::string nearest;
    std::string reason = "no answer";
    absl::Duration shortest = absl::InfiniteDuration();
    for (const std::string& address : peer.addresses()) {
      const auto request = MakeRequest({peer.node_id(), address, peer.port()}, "/peer/hello");
      if (!request.ok()) return;  // We have no key yet.
      const absl::Duration begin = BackendClock::ReadNow().monotonic;
      const auto reply = net::Fetch(*request);
      // A connection and an answer are two round trips.
      const absl::Duration round_trip = (BackendClock::ReadNow().monotonic - begin) / 2;
      if (!reply.ok()) reason = std::string(text::Message(reply.status()));
      if (reply.ok() && reply->status != 204) reason = fmt::format("answered {}", reply->status);
      if (!reply.ok() || reply->status != 204 || round_trip >= shortest) continue;
      nearest = address;
      shortest = round_trip;
    }
    if (nearest.empty()) {
      Failed(peer.node_id(), reason);
      continue;
    }
    const std::lock_guard lock(mutex_);
    table_.Greeted(peer.node_id(), nearest, shortest, clock_.Now());
    log_.Info("cache.peer_greeted", {{"peer", peer.node_id()},
                                     {"address", nearest},
                                     {"round_trip_ms", absl::ToDoubleMilliseconds(shortest)}});
  }
}

std::vector<PeerHas> Neighbours::Ask(const std::string& image_id, const std::string& sha256) {
  std::vector<PeerTable::Usable> peers;
  {
    const std::lock_guard lock(mutex_);
    peers = table_.ToAsk(clock_.Now());
  }
  std::vector<PeerHas> have;
  for (const PeerTable::Usable& peer : peers) {
    if (auto one = AskOne(peer, image_id, sha256)) have.push_back(*std::move(one));
  }
  return have;
}

std::optional<PeerHas> Neighbours::AskOne(const PeerTable::Usable& peer,
                                          const std::string& image_id,
                                          const std::string& sha256) {
  const auto request = MakeRequest(peer, "/peer/state/" + image_id);
  if (!request.ok()) return std::nullopt;
  const auto reply = net::Fetch(*request);
  if (!reply.ok()) {
    Failed(peer.node_id, std::string(text::Message(reply.status())));
    return std::nullopt;
  }
  if (reply->status == 404) return std::nullopt;
  json::error_code error;
  const json::value state = json::parse(reply->body, error);
  if (reply->status != 200 || error || !state.is_object()) {
    Failed(peer.node_id, fmt::format("answered {} when asked for an image", reply->status));
    return std::nullopt;
  }
  const json::object& object = state.get_object();
  const auto* sha = object.if_contains("sha256");
  // It has another version of it.
  if (sha == nullptr || !sha->is_string() || std::string_view(sha->get_string()) != sha256)
    return std::nullopt;
  return PeerHas{peer.node_id, FlagOf(object, "cached"), FlagOf(object, "pulling"),
                 NumberOf(object, "prefixBytes")};
}

absl::Status Neighbours::Take(const Taking& taking) {
  std::optional<PeerTable::Usable> peer;
  {
    const std::lock_guard lock(mutex_);
    for (auto& one : table_.ToAsk(clock_.Now())) {
      if (one.node_id == taking.node_id) peer = std::move(one);
    }
  }
  if (!peer) return absl::UnavailableError("this peer is not asked just now");
  auto request = MakeRequest(*peer, "/peer/images/" + taking.image_id);
  if (!request.ok()) return absl::UnavailableError(std::string(request.status().message()));
  request->headers.emplace_back("Range", fmt::format("bytes={}-{}", taking.begin, taking.end - 1));
  request->headers.emplace_back("If-Range", fmt::format("\"{}\"", taking.sha256));
  request->total_timeout = absl::InfiniteDuration();
  request->stall_timeout = limits::kPeerStall;
  request->cancel = &taking.stop->flag();
  std::string refused;
  bool broken_off = false;
  std::uint64_t left = taking.end - taking.begin;
  request->on_headers = [&](unsigned status, const net::HeaderList& headers) {
    const std::string_view range = HeaderOf(headers, "Content-Range");
    const std::string want =
        fmt::format("bytes {}-{}/{}", taking.begin, taking.end - 1, taking.size);
    if (status == 206 && range == want) return true;
    const bool whole = taking.begin == 0 && taking.end == taking.size;
    if (status == 200 && whole && HeaderOf(headers, "ETag") == fmt::format("\"{}\"", taking.sha256))
      return true;
    refused = fmt::format("answered {} \"{}\" when asked for a part of an image", status,
                          range.substr(0, 64));
    return false;
  };
  request->on_body = [&](std::string_view piece) {
    if (piece.size() > left) {
      refused = "gave more bytes than it announced";
      return false;
    }
    left -= piece.size();
    broken_off = !taking.on_piece(piece);
    return !broken_off;
  };
  const auto reply = net::Fetch(*request);
  {
    const std::lock_guard lock(mutex_);
    table_.Gave(taking.node_id, taking.end - taking.begin - left, left == 0);
  }
  if (taking.stop->begun()) return absl::CancelledError("stopped");
  if (broken_off) return absl::AbortedError("broken off");
  if (left == 0) return absl::OkStatus();
  if (refused.empty())
    refused = reply.ok() ? "broke off" : std::string(text::Message(reply.status()));
  Failed(taking.node_id, refused);
  return absl::UnavailableError(refused);
}

void Neighbours::Failed(const std::string& node_id, const std::string& reason) {
  {
    const std::lock_guard lock(mutex_);
    table_.Failed(node_id, reason, clock_.Now());
  }
  log_.Warning("cache.peer_left_alone", {{"peer", node_id}, {"reason", reason}});
}

void Neighbours::Lied(const std::string& node_id, const std::string& image_id) {
  {
    const std::lock_guard lock(mutex_);
    table_.Lied(node_id, clock_.Now());
  }
  log_.Error("cache.peer_lied", {{"peer", node_id}, {"image", image_id}});
}

}  // namespace tentacle::cache
