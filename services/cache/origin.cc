#include "services/cache/origin.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <utility>

#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "libs/identity/identity.h"
#include "libs/net/clock_floor.h"
#include "libs/net/retry_after.h"
#include "libs/text/view.h"
#include "services/cache/limits.h"

namespace tentacle::cache {

namespace {

namespace json = boost::json;

std::string TextOf(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::uint64_t NumberOf(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_int64() && value->as_int64() > 0
             ? static_cast<std::uint64_t>(value->as_int64())
             : 0;
}

absl::StatusOr<std::string> Authorization(const Origin& origin) {
  const auto key = identity::IdentityKey::Load(origin.key_file);
  if (!key.ok()) return key.status();
  return "Bearer " + identity::MakeToken(*key, origin.node_id, origin.clock->Now());
}

bool LearnTime(const Origin& origin, unsigned status, const net::HeaderList& headers) {
  if (status != 401) return false;
  const auto told = net::ParseHttpDate(HeaderOf(headers, "Date"));
  return told && origin.clock->Learn(*told, BackendClock::ReadNow());
}

}  // namespace

std::string_view HeaderOf(const net::HeaderList& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (absl::EqualsIgnoreCase(text::AbslView(key), text::AbslView(name))) return value;
  }
  return {};
}

absl::StatusOr<net::ClientRequest> MakeRequest(const Origin& origin,
                                               const std::string& image_id,
                                               const std::string& what) {
  if (origin.backend.url().empty() || origin.node_id.empty()) {
    return absl::FailedPreconditionError("this tentacle is not enrolled yet");
  }
  auto authorization = Authorization(origin);
  if (!authorization.ok()) return authorization.status();
  net::ClientRequest request;
  request.url =
      fmt::format("{}/api/v1/tentacles/images/{}/{}", origin.backend.url(), image_id, what);
  request.headers = {{"Authorization", *std::move(authorization)}};
  request.tls.ca_file = origin.backend.ca_file();
  request.tls.clock_floor = net::ClockFloor(std::filesystem::path(origin.key_file).parent_path());
  request.tls.pins = {origin.backend.pins().begin(), origin.backend.pins().end()};
  return request;
}

absl::StatusOr<net::ClientReply> FetchAsNode(const Origin& origin, net::ClientRequest request) {
  if (request.on_headers) {
    request.on_headers = [&origin, judge = std::move(request.on_headers)](
                             unsigned status, const net::HeaderList& headers) {
      LearnTime(origin, status, headers);
      return judge(status, headers);
    };
    return net::Fetch(request);
  }
  auto reply = net::Fetch(request);
  if (!reply.ok() || !LearnTime(origin, reply->status, reply->headers)) return reply;
  auto authorization = Authorization(origin);
  if (!authorization.ok()) return authorization.status();
  for (auto& [name, value] : request.headers) {
    if (name == "Authorization") value = *authorization;
  }
  return net::Fetch(request);
}

absl::StatusOr<v1::Image> FetchMeta(const Origin& origin, const std::string& image_id) {
  auto request = MakeRequest(origin, image_id, "meta");
  if (!request.ok()) return request.status();
  request->total_timeout = limits::kMetaTimeout;
  const auto reply = FetchAsNode(origin, *std::move(request));
  if (!reply.ok()) return reply.status();
  if (reply->status == 404)
    return absl::NotFoundError(fmt::format("the backend has no image {}", image_id));
  if (reply->status != 200) {
    return absl::UnavailableError(
        fmt::format("the backend answered {} when asked for image {}", reply->status, image_id));
  }
  boost::system::error_code error;
  const json::value value = json::parse(reply->body, error);
  if (error || !value.is_object())
    return absl::UnavailableError("the backend's metadata is not a JSON object");
  const json::object& meta = value.as_object();
  v1::Image image;
  image.set_id(image_id);
  image.set_name(TextOf(meta, meta.contains("displayName") ? "displayName" : "name"));
  image.set_sha256(TextOf(meta, "sha256"));
  image.set_format(TextOf(meta, "format"));
  image.set_size_bytes(NumberOf(meta, "sizeBytes"));
  image.set_unpacked_size_bytes(NumberOf(meta, "unpackedSizeBytes"));
  image.set_state(v1::IMAGE_STATE_ABSENT);
  if (image.sha256().size() != 64 || image.size_bytes() == 0) {
    return absl::FailedPreconditionError(
        fmt::format("the backend's metadata of image {} has no size or hash", image_id));
  }
  return image;
}

absl::StatusOr<chunks::ChunkList> ReadChunkList(std::string_view encoded, const v1::Image& image) {
  auto list = chunks::Decode(encoded);
  if (!list.ok()) return list;
  const std::string whole = absl::BytesToHexString(
      {reinterpret_cast<const char*>(list->whole.data()), list->whole.size()});
  if (list->size() != image.size_bytes() || whole != image.sha256()) {
    return absl::DataLossError(
        fmt::format("the chunk list is of another image: {} bytes, SHA-256 {}", list->size(),
                    whole.substr(0, 16)));
  }
  return list;
}

void OriginLine::Pass(std::size_t bytes, Stopping& stop) const {
  if (limiter != nullptr) limiter->Take(bytes, *pull_class, stop);
  on_wire(bytes);
}

absl::StatusOr<FetchedList> FetchChunkList(const Origin& origin,
                                           const v1::Image& image,
                                           const OriginLine& line,
                                           Stopping& stop) {
  // What is longer than the longest list of an image of that size is none.
  const std::uint64_t most = std::min<std::uint64_t>(
      chunks::kMaxListBytes,
      chunks::kListHeadBytes + chunks::kListTailBytes +
          (image.size_bytes() / limits::kLeastAverageChunk + 1) * chunks::kListEntryBytes);
  std::string encoded;
  const auto fetch = [&]() -> absl::StatusOr<net::ClientReply> {
    auto request = MakeRequest(origin, image.id(), "chunks");
    if (!request.ok()) return request.status();
    request->total_timeout = absl::InfiniteDuration();
    request->cancel = &stop.flag();
    request->on_headers = [&](unsigned, const net::HeaderList&) {
      encoded.clear();
      return true;
    };
    request->on_body = [&](std::string_view piece) {
      for (; !piece.empty(); piece.remove_prefix(std::min(piece.size(), limits::kLimiterBytes))) {
        const std::string_view step = piece.substr(0, limits::kLimiterBytes);
        line.Pass(step.size(), stop);
        encoded.append(step);
        if (stop.begun() || encoded.size() > most) return false;
      }
      return true;
    };
    if (line.limiter != nullptr)
      request->receive_window = [&line] { return line.limiter->Window(); };
    return FetchAsNode(origin, *std::move(request));
  };
  auto reply = fetch();
  // It has told another time than ours, perhaps.
  if (reply.ok() && reply->status == 401) reply = fetch();
  if (stop.begun()) return absl::CancelledError("stopped");
  if (encoded.size() > most) return absl::NotFoundError("the chunk list is too long");
  if (!reply.ok()) return absl::UnavailableError(std::string(reply.status().message()));
  if (reply->status == 429 || reply->status == 503)
    return absl::UnavailableError(fmt::format("the backend answered {}", reply->status));
  if (reply->status != 200)
    return absl::NotFoundError(fmt::format("the backend answered {}", reply->status));
  auto list = ReadChunkList(encoded, image);
  if (!list.ok()) return absl::NotFoundError(list.status().message());
  return FetchedList{std::move(encoded), *std::move(list)};
}

}  // namespace tentacle::cache
