// Images: registering, hashing, and serving them to tentacles.
#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/parse.hpp>

#include "backend/api/api.h"
#include "libs/text/view.h"

namespace tentacle::backend {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr std::size_t kMaxNameBytes = 120;

}  // namespace

void Api::AddImageRoutes() {
  router_.Add("POST", "/api/v1/provisioning/images", Access::kOperator,
              [this](Call c) { return RegisterImage(std::move(c)); });
  router_.Add("GET", "/api/v1/provisioning/images", Access::kViewer,
              [this](Call) { return Json([this] { return parts_.images.List(); }, "images"); });
  router_.Add("GET", "/api/v1/provisioning/images/{id}", Access::kViewer, [this](Call c) {
    return Json([this, id = c.Id()] { return parts_.images.Get(id); });
  });
  router_.Add("DELETE", "/api/v1/provisioning/images/{id}", Access::kOperator,
              [this](Call c) -> Reply {
                auto remove = [this, id = c.Id()] { return parts_.images.Delete(id); };
                const absl::Status status = co_await async::OnPool(parts_.blocking, remove);
                co_return status.ok() ? Empty() : StatusReply(status);
              });
  router_.Add("GET", "/api/v1/tentacles/images/{id}/meta", Access::kTentacle, [this](Call c) {
    return Json([this, id = c.Id()] { return parts_.images.Meta(id); });
  });
  router_.Add("GET", "/api/v1/tentacles/images/{id}/pull", Access::kTentacle,
              [this](Call c) { return PullImage(std::move(c)); });
  router_.Add("GET", "/api/v1/tentacles/images/{id}/chunks", Access::kTentacle,
              [this](Call c) { return ImageChunks(std::move(c)); });
  router_.Add("GET", "/api/v1/tentacles/images/{id}/bytes", Access::kTentacle,
              [this](Call c) { return ImageBytes(std::move(c)); });
}

asio::awaitable<net::HttpReply> Api::RegisterImage(Call call) {
  const auto body = ParseBody(call.request);
  if (!body.ok()) co_return net::ProblemReply(400, text::Message(body.status()));
  const std::string name = TextField(*body, "name");
  if (name.empty() || name.size() > kMaxNameBytes) {
    co_return net::ProblemReply(422, fmt::format("name: want 1 to {} bytes", kMaxNameBytes));
  }
  const NewImage image{name,
                       TextField(*body, "displayName", name),
                       TextField(*body, "path"),
                       TextField(*body, "osType", "linux-image"),
                       TextField(*body, "osVersion"),
                       TextField(*body, "architecture", "x86_64")};
  auto resolve = [this, path = image.path] { return parts_.files.Resolve(path); };
  const auto resolved = co_await async::OnPool(parts_.blocking, resolve);
  if (!resolved.ok()) co_return net::ProblemReply(422, text::Message(resolved.status()));
  auto add = [this, image] { return parts_.images.Add(image); };
  const auto id = co_await async::OnPool(parts_.blocking, add);
  if (absl::IsAlreadyExists(id.status()))
    co_return net::ProblemReply(409, "name: another image has it");
  if (!id.ok()) co_return StatusReply(id.status());
  auto hash = HashImage(*id, image.path);
  asio::co_spawn(parts_.home, std::move(hash), asio::detached);
  auto get = [this, id = *id] { return parts_.images.Get(id); };
  net::HttpReply reply = co_await Json(get);
  if (reply.status == 200) reply.status = 201;
  co_return reply;
}

asio::awaitable<void> Api::HashImage(int id, std::string path) {
  auto hash = [this, path] { return parts_.files.Hash(path); };
  auto hashed = co_await async::OnPool(parts_.hashing, hash);
  // Whoever copies it there is not done yet.
  while (absl::IsAborted(hashed.status())) {
    asio::steady_timer settle(parts_.home, absl::ToChronoNanoseconds(parts_.files.settles()));
    co_await settle.async_wait(asio::use_awaitable);
    hashed = co_await async::OnPool(parts_.hashing, hash);
  }
  auto write = [this, id, &hashed] {
    return hashed.ok() ? parts_.images.SetHashed(id, *hashed)
                       : parts_.images.SetFailed(id, std::string(hashed.status().message()));
  };
  const absl::Status status = co_await async::OnPool(parts_.blocking, write);
  if (!hashed.ok())
    parts_.log.Error("api.image_failed",
                     {{"image", id}, {"reason", std::string(hashed.status().message())}});
  if (!status.ok())
    parts_.log.Error("api.image_not_stored",
                     {{"image", id}, {"reason", std::string(status.message())}});
  parts_.live.Publish({"image", std::to_string(id)});
}

asio::awaitable<void> Api::ResumeHashing() {
  auto read = [this] { return parts_.images.Unhashed(); };
  const auto list = co_await async::OnPool(parts_.blocking, read);
  if (!list.ok()) co_return;
  const json::value images = json::parse(*list);
  for (const auto& image : images.as_array()) {
    const auto id = static_cast<int>(image.at("id").as_int64());
    const std::string path(image.at("path").as_string());
    const std::string sha256(image.at("sha256").as_string());
    if (sha256.empty()) {
      co_await HashImage(id, path);
    } else {
      co_await AddChunkList(id, path, sha256);
    }
  }
}

// For an image that was registered by a version without chunk lists. A file that is not what was
// registered gets none: its SHA-256 stands in tasks and in caches.
asio::awaitable<void> Api::AddChunkList(int id, std::string path, std::string sha256) {
  auto hash = [this, path] { return parts_.files.Hash(path); };
  const auto hashed = co_await async::OnPool(parts_.hashing, hash);
  if (!hashed.ok() || hashed->sha256 != sha256) {
    const std::string reason(hashed.ok() ? "the file is not what was registered"
                                         : hashed.status().message());
    parts_.log.Error("api.image_failed", {{"image", id}, {"reason", reason}});
    co_return;
  }
  auto write = [this, id, &hashed] { return parts_.images.SetChunkList(id, hashed->chunk_list); };
  const absl::Status status = co_await async::OnPool(parts_.blocking, write);
  if (!status.ok())
    parts_.log.Error("api.image_not_stored",
                     {{"image", id}, {"reason", std::string(status.message())}});
}

asio::awaitable<net::HttpReply> Api::ImageChunks(Call call) {
  auto read = [this, id = call.Id()] { return parts_.images.ChunkList(id); };
  auto list = co_await async::OnPool(parts_.blocking, read);
  if (!list.ok()) co_return StatusReply(list.status());
  co_return net::TextReply(200, *std::move(list), "application/vnd.octofleet.chunks");
}

asio::awaitable<absl::StatusOr<std::pair<ImageFile, net::FileSpan>>> Api::OpenImage(int id) {
  auto find = [this, id]() -> absl::StatusOr<std::pair<ImageFile, net::FileSpan>> {
    auto file = parts_.images.File(id);
    if (!file.ok()) return file.status();
    const auto path = parts_.files.Resolve(file->path);
    if (!path.ok()) return path.status();
    auto span = net::OpenFileSpan(*path);
    if (!span.ok()) return span.status();
    if (span->length != file->size_bytes) {
      return absl::UnavailableError(fmt::format("{}: has {} bytes, {} were registered", file->path,
                                                span->length, file->size_bytes));
    }
    return std::make_pair(*std::move(file), *std::move(span));
  };
  auto found = co_await async::OnPool(parts_.blocking, find);
  if (absl::IsUnavailable(found.status()))
    parts_.log.Error("api.image_changed",
                     {{"image", id}, {"reason", std::string(found.status().message())}});
  co_return found;
}

asio::awaitable<net::HttpReply> Api::PullImage(Call call) {
  auto found = co_await OpenImage(call.Id());
  if (!found.ok()) co_return StatusReply(found.status());
  auto& [file, span] = *found;
  const std::string etag = fmt::format("\"{}\"", file.sha256);
  net::HttpReply reply;
  reply.headers = {
      {"Content-Type", "application/octet-stream"}, {"Accept-Ranges", "bytes"}, {"ETag", etag}};
  const std::string_view condition = call.request.Header("If-Range");
  const std::uint64_t size = span.length;
  net::ByteRange range{0, size};
  net::RangeVerdict verdict = net::RangeVerdict::kWhole;
  // RFC 9110 section 13.1.5: another version than the one that was begun is sent whole.
  if (condition.empty() || condition == etag) {
    verdict = net::ParseRange(call.request.Header("Range"), size, &range);
  }
  if (verdict == net::RangeVerdict::kUnsatisfiable) {
    net::HttpReply refused = net::ProblemReply(416, "the range begins behind the end of the image");
    refused.headers.emplace_back("Content-Range", fmt::format("bytes */{}", size));
    co_return refused;
  }
  if (verdict == net::RangeVerdict::kPart) {
    reply.status = 206;
    reply.headers.emplace_back("Content-Range", fmt::format("bytes {}-{}/{}", range.first,
                                                            range.first + range.length - 1, size));
  }
  span.offset = range.first;
  span.length = range.length;
  reply.file = std::move(span);
  co_return reply;
}

}  // namespace tentacle::backend
