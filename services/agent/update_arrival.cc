// The executable of a release comes from the cache into its slot.
#include <fmt/format.h>

#include <utility>

#include "libs/async/on_pool.h"
#include "libs/net/http_client.h"
#include "services/agent/updater.h"

namespace tentacle::agent {

namespace asio = boost::asio;

namespace {

constexpr unsigned kOk = 200;
constexpr unsigned kUnavailable = 503;

absl::Status FetchInto(const std::string& url,
                       ArrivingExecutable& into,
                       const runtime::Clock& clock,
                       const std::atomic<bool>& stopped) {
  net::ClientRequest request;
  request.url = url;
  // It is on this host; no proxy is between.
  request.environment = [](const std::string&) { return std::nullopt; };
  request.total_timeout = limits::kReleaseLongest;
  request.stall_timeout = limits::kRetrievalWindow;
  request.cancel = &stopped;
  absl::Status status;
  request.on_body = [&](std::string_view piece) {
    status = into.Write(piece, clock.Now());
    return status.ok();
  };
  unsigned code = 0;
  request.on_headers = [&code](unsigned answered, const net::HeaderList&) {
    code = answered;
    return answered == kOk;
  };
  const auto reply = net::Fetch(request);
  if (!status.ok()) return status;
  if (code == kUnavailable) return absl::UnavailableError("the cache does not have it yet");
  if (code != 0 && code != kOk) {
    return absl::NotFoundError(fmt::format("the cache answers {}", code));
  }
  return reply.status();
}

}  // namespace

asio::awaitable<absl::Status> Updater::Arrive(const backend_link::ReleaseOffer& offer,
                                              const Manifest& manifest) {
  const auto record = co_await Current();
  if (!record.ok()) co_return record.status();
  Tell(*record);
  const std::string slot = record->candidate.slot;
  auto create = [this, slot, size = manifest.size_bytes] {
    return ArrivingExecutable::Create(parts_.place.folder.SlotFolder(slot), size,
                                      parts_.clock.Now());
  };
  absl::Status status;
  for (int fetch = 0; fetch < limits::kReleaseFetches && !*stopped_; ++fetch) {
    if (fetch > 0) {
      const bool waited = co_await Pause(times_.fetch_again);
      if (!waited) co_return absl::CancelledError("stopped");
    }
    auto created = co_await async::OnPool(parts_.blocking, create);
    if (!created.ok()) co_return created.status();
    const auto file = std::make_shared<ArrivingExecutable>(*std::move(created));
    status = co_await Download(offer.image_id, file);
    if (absl::IsUnavailable(status)) continue;
    if (!status.ok()) co_return status;
    auto verify = [file, sha256 = manifest.sha256] { return file->Verify(sha256); };
    status = co_await async::OnPool(parts_.blocking, verify);
    if (!status.ok()) co_return status;
    const auto verified = co_await Advanced(UpdateEvent::kVerified);
    if (!verified.ok()) co_return verified.status();
    auto install = [this, file, slot] {
      return file->InstallAs(parts_.place.folder.Executable(slot));
    };
    status = co_await async::OnPool(parts_.blocking, install);
    if (!status.ok()) co_return status;
    const auto staged = co_await Advanced(UpdateEvent::kStaged);
    co_return staged.status();
  }
  co_return status;
}

asio::awaitable<absl::Status> Updater::Download(std::string image_id,
                                                std::shared_ptr<ArrivingExecutable> into) {
  auto fetch = [into, &clock = parts_.clock, stopped = stopped_,
                url = settings_.image_url + image_id] {
    return FetchInto(url, *into, clock, *stopped);
  };
  co_return co_await async::OnPool(fetching_, std::move(fetch));
}

}  // namespace tentacle::agent
