#include "services/agent/updater.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/value.hpp>

#include "libs/async/on_pool.h"
#include "libs/text/view.h"

namespace tentacle::agent {

namespace asio = boost::asio;

namespace {

// Who has to be ready: the line, and who was before.
std::vector<std::string> Missing(const UpdateRecord& record, const std::set<std::string>& ready) {
  std::vector<std::string> missing;
  for (const std::string& service : record.ready_before) {
    if (!ready.contains(service)) missing.push_back(service);
  }
  const bool asked = std::find(record.ready_before.begin(), record.ready_before.end(), "uplink") !=
                     record.ready_before.end();
  if (!asked && !ready.contains("uplink")) missing.emplace_back("uplink");
  return missing;
}

}  // namespace

std::string UpdateObstacle(const UpdatePlace& place) {
  if (place.container) {
    return "in a container the image is the update: start the new one in its place";
  }
  if (!place.folder.SlotOf(place.executable)) {
    return fmt::format(
        "this executable, {}, is not in {}: it came by other means and is updated by them; "
        "octofleet-tentacle release install moves it there",
        place.executable, place.folder.path());
  }
  if (place.unit.empty()) {
    return "not started by a systemd unit that names itself (TENTACLE_UNIT)";
  }
  if (place.folder.Link("committed").empty() || place.folder.Link("current").empty()) {
    return fmt::format("{}: the links current and committed are missing", place.folder.path());
  }
  return "";
}

Updater::Updater(Parts parts, Times times)
    : parts_(std::move(parts)),
      times_(times),
      slot_(parts_.place.folder.SlotOf(parts_.place.executable).value_or("")),
      looking_(parts_.home, asio::steady_timer::time_point::max()) {}

void Updater::Start() {
  const std::string obstacle = UpdateObstacle(parts_.place);
  parts_.health.Set("self_update", true, obstacle);
  if (!obstacle.empty()) return Looked();
  installing_ = true;  // Until it is known whether something was left.
  auto resume = Resume(shared_from_this());
  asio::co_spawn(parts_.home, std::move(resume), asio::detached);
}

void Updater::Stop() {
  *stopped_ = true;
  looking_.cancel();
  for (auto* pause : pauses_)
    pause->cancel();
}

void Updater::Looked() {
  has_looked_ = true;
  looking_.cancel();
}

asio::awaitable<bool> Updater::HasLooked() {
  while (!has_looked_ && !*stopped_)
    co_await looking_.async_wait(asio::as_tuple(asio::use_awaitable));
  co_return has_looked_;
}

asio::awaitable<absl::Status> Updater::Take(backend_link::Order order) {
  const auto* body = order.body.if_contains("update");
  if (body == nullptr || !body->is_object()) {
    co_return absl::InvalidArgumentError("update: is missing");
  }
  auto offer = backend_link::ParseReleaseOffer(body->get_object());
  if (!offer.ok()) co_return offer.status();
  const bool looked = co_await HasLooked();
  if (!looked) co_return absl::UnavailableError("the agent is stopping");
  std::string obstacle = UpdateObstacle(parts_.place);
  if (!settings_.enabled) obstacle = "the agent is switched off here (agent.enabled)";
  if (!obstacle.empty()) co_return co_await Refuse(*std::move(offer), std::move(obstacle));
  std::string refusal;
  Manifest manifest;
  bool known = false;
  // `begin` runs on the pool; the settings may change meanwhile.
  const auto roots = settings_.root_keys;
  const bool idle = !installing_;
  // Judged and begun under one lock: what is installed cannot change between the two.
  const auto begin = [&](UpdateRecord& record) {
    known = record.offer.id == offer->id;
    if (known) return false;
    if (idle && !IsOnTrial(record.step)) {
      // Left by one whose end could not be written down.
      Advance(record, UpdateEvent::kFail, parts_.clock.Now(), "the disk took no record");
    }
    auto verdict = Judge(record, *offer, roots);
    refusal = verdict.reason;
    if (!verdict.accepted()) return false;
    manifest = std::move(verdict.manifest);
    if (BeginUpdate(record, *offer, manifest, RootKeysId(roots))) return true;
    refusal = IsBlocked(record, manifest.version)
                  ? fmt::format("blocked: version {} has failed here {} times", manifest.version,
                                limits::kUpdateAttempts)
                  : "busy: another update is under way";
    return false;
  };
  const auto record = co_await Change(begin);
  if (!record.ok()) co_return record.status();
  if (known) co_return absl::OkStatus();
  if (!refusal.empty()) co_return co_await Refuse(*std::move(offer), std::move(refusal));
  auto install = Install(shared_from_this(), *std::move(offer), std::move(manifest));
  asio::co_spawn(parts_.home, std::move(install), asio::detached);
  co_return absl::OkStatus();
}

UpdateVerdict Updater::Judge(const UpdateRecord& record,
                             const backend_link::ReleaseOffer& offer,
                             const std::vector<std::string>& root_keys) const {
  const UpdateSetting setting{root_keys, parts_.place.arch,
                              InstalledVersion(record, RootKeysId(root_keys))};
  return JudgeUpdate(offer, setting, parts_.clock.Now());
}

asio::awaitable<void> Updater::Resume(Self self) {
  backend_link::ReleaseOffer offer;
  bool again = false;
  UpdateVerdict verdict;
  const auto roots = self->settings_.root_keys;
  const auto look = [&](UpdateRecord& record) {
    const bool in_candidate = self->slot_ == record.candidate.slot && IsOnTrial(record.step);
    if (record.step == UpdateStep::kSwitched && in_candidate) {
      // Started without a guard before it.
      return Advance(record, UpdateEvent::kStart, self->parts_.clock.Now());
    }
    if (IsSettled(record.step) || in_candidate) return false;
    if (record.step == UpdateStep::kProbation) {
      return Advance(record, UpdateEvent::kFail, self->parts_.clock.Now(),
                     "the release before was started");
    }
    Advance(record, UpdateEvent::kInterrupted, self->parts_.clock.Now());
    again = record.step == UpdateStep::kDownloading;
    offer = record.offer;
    // It may have expired meanwhile, or a root key was taken away.
    if (again) verdict = self->Judge(record, offer, roots);
    return true;
  };
  const auto record = co_await self->Change(look);
  if (!record.ok()) {
    self->parts_.log.Error("agent.update_record_failed",
                           {{"reason", text::Message(record.status())}});
    self->installing_ = false;
    co_return self->Looked();
  }
  self->Looked();
  if (again) {
    self->Tell(*record);
    if (verdict.accepted()) {
      co_await Install(self, std::move(offer), std::move(verdict.manifest));
    } else {
      co_await self->Fail(verdict.reason);
    }
  } else if (record->step == UpdateStep::kProbation) {
    self->Tell(*record);
    co_await Prove(self);
  } else {
    co_await self->Report();
  }
  self->installing_ = false;
}

asio::awaitable<void> Updater::Install(Self self,
                                       backend_link::ReleaseOffer offer,
                                       Manifest manifest) {
  self->installing_ = true;
  self->parts_.log.Info(
      "agent.update_begun",
      {{"update", offer.id}, {"release", manifest.release_id}, {"version", manifest.version}});
  absl::Status status = co_await self->Arrive(offer, manifest);
  if (status.ok()) status = co_await self->Switch();
  if (*self->stopped_) co_return;  // The next start goes on.
  if (status.ok()) {
    // This process should be stopped any moment now.
    const bool waited = co_await self->Pause(self->times_.restart_wait);
    if (!waited) co_return;
    status = absl::DeadlineExceededError("the services were not started anew");
  }
  co_await self->Fail(std::string(text::Message(status)));
  self->installing_ = false;
}

asio::awaitable<absl::Status> Updater::Switch() {
  const std::set<std::string> ready = co_await parts_.ready();
  const auto change = [&](UpdateRecord& record) {
    if (!Advance(record, UpdateEvent::kSwitch, parts_.clock.Now())) return false;
    record.ready_before.assign(ready.begin(), ready.end());
    return true;
  };
  const auto record = co_await Change(change);
  if (!record.ok()) co_return record.status();
  Tell(*record);
  co_return co_await Restart();
}

asio::awaitable<absl::Status> Updater::Restart() {
  parts_.log.Warning("agent.update_restarts", {{"unit", parts_.place.unit}});
  std::vector<std::string> argv = {
      "/usr/bin/systemctl", "--no-block", "--no-ask-password", "restart", "--", parts_.place.unit};
  co_return co_await parts_.run(std::move(argv));
}

// The release that was started waits for its own health.
asio::awaitable<void> Updater::Prove(Self self) {
  int healthy = 0;
  while (healthy < limits::kHealthyLooks) {
    const auto record = co_await self->Current();
    if (!record.ok() || record->step != UpdateStep::kProbation) {
      // The watch beside us has decided.
      co_await self->Fail("");
      co_return;
    }
    const auto ready = co_await self->parts_.ready();
    const auto missing = Missing(*record, ready);
    healthy = missing.empty() ? healthy + 1 : 0;
    if (!missing.empty() && self->parts_.clock.Now() >= record->deadline) {
      co_await self->Fail(
          fmt::format("not ready in time: {}", fmt::join(missing.begin(), missing.end(), ", ")));
      co_return;
    }
    const bool waited = co_await self->Pause(self->times_.look_again);
    if (!waited) co_return;
  }
  co_await self->Advanced(UpdateEvent::kHealthy);
  co_await self->Report();
}

asio::awaitable<void> Updater::Fail(std::string reason) {
  const auto fail = [&](UpdateRecord& record) {
    if (!Advance(record, UpdateEvent::kFail, parts_.clock.Now(), reason)) return false;
    record.restart_due = slot_ != record.installed.slot;
    return true;
  };
  const auto record = co_await Change(fail);
  if (!record.ok()) {
    parts_.log.Error("agent.update_record_failed", {{"reason", text::Message(record.status())}});
  }
  if (record.ok() && record->restart_due) {
    // The release before reports it.
    const absl::Status restarted = co_await Restart();
    if (restarted.ok()) co_return;
  }
  co_await Report();
}

asio::awaitable<absl::StatusOr<UpdateRecord>> Updater::Change(
    std::function<bool(UpdateRecord&)> change) {
  auto work = [this, change = std::move(change)] {
    return parts_.place.folder.Change(slot_, change);
  };
  co_return co_await async::OnPool(parts_.blocking, std::move(work));
}

asio::awaitable<absl::StatusOr<UpdateRecord>> Updater::Current() {
  const auto nothing = [](UpdateRecord&) { return false; };
  co_return co_await Change(nothing);
}

asio::awaitable<absl::StatusOr<UpdateRecord>> Updater::Advanced(UpdateEvent event,
                                                                std::string reason) {
  bool moved = false;
  const auto advance = [&](UpdateRecord& record) {
    moved = Advance(record, event, parts_.clock.Now(), reason);
    return moved;
  };
  auto record = co_await Change(advance);
  if (record.ok() && !moved) {
    co_return absl::FailedPreconditionError(
        fmt::format("{} in the step {}", Name(event), Name(record->step)));
  }
  co_return record;
}

asio::awaitable<bool> Updater::Pause(absl::Duration length) {
  if (*stopped_) co_return false;
  asio::steady_timer pause(parts_.home, absl::ToChronoNanoseconds(length));
  pauses_.insert(&pause);
  co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
  pauses_.erase(&pause);
  co_return !*stopped_;
}

}  // namespace tentacle::agent
