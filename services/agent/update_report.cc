// What goes up about updates.
#include <string>
#include <utility>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "services/agent/core/rfc3339.h"
#include "services/agent/updater.h"

namespace tentacle::agent {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

// "update.status" of a release that is on its way, refused or over.
std::string StatusBody(const std::string& update,
                       std::string_view status,
                       const Release& release,
                       const std::string& reason,
                       absl::Time now) {
  json::object body{{"updateId", update},
                    {"status", std::string(status)},
                    {"reason", reason},
                    {"time", Rfc3339(now)}};
  if (release.version != 0) {
    body["releaseId"] = release.id;
    body["version"] = release.version;
  }
  return json::serialize(body);
}

}  // namespace

asio::awaitable<absl::Status> Updater::Refuse(backend_link::ReleaseOffer offer,
                                              std::string reason) {
  parts_.metrics->Updated("refused");
  parts_.log.Warning("agent.update_refused", {{"update", offer.id}, {"reason", reason}});
  const absl::Time now = parts_.clock.Now();
  auto event = events::MakeEvent("update.status", offer.id, event::v1::PRIORITY_RESULT,
                                 StatusBody(offer.id, "refused", {}, reason, now), now);
  const auto kept = co_await parts_.events.Append(std::move(event));
  co_return kept.status();
}

// How it ended, once it is in the event log; twice when a kill comes between.
asio::awaitable<void> Updater::Report() {
  for (;;) {
    const auto record = co_await Current();
    if (!record.ok() || !IsSettled(record->step) || record->reported) co_return;
    const absl::Time now = parts_.clock.Now();
    const std::string_view status = Name(record->step);
    auto event = events::MakeEvent(
        "update.status", record->offer.id, event::v1::PRIORITY_RESULT,
        StatusBody(record->offer.id, status, record->candidate, record->reason, now), now);
    const auto kept = co_await parts_.events.Append(std::move(event));
    if (kept.ok()) {
      parts_.metrics->Updated(status);
      parts_.log.Info("agent.update_ended", {{"update", record->offer.id},
                                             {"status", status},
                                             {"version", record->candidate.version},
                                             {"reason", record->reason}});
      const auto done = [id = record->offer.id](UpdateRecord& current) {
        if (current.offer.id != id || !IsSettled(current.step)) return false;
        return !std::exchange(current.reported, true);
      };
      const auto noted = co_await Change(done);
      if (noted.ok()) co_return;
    }
    const bool waited = co_await Pause(limits::kRetryDelay);
    if (!waited) co_return;
  }
}

void Updater::Tell(const UpdateRecord& record) {
  const absl::Time now = parts_.clock.Now();
  parts_.events.Publish(events::MakeEvent(
      "update.status", record.offer.id, event::v1::PRIORITY_METRIC,
      StatusBody(record.offer.id, Name(record.step), record.candidate, "", now), now));
}

}  // namespace tentacle::agent
