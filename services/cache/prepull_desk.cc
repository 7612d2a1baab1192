#include "services/cache/prepull_desk.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "libs/events/event_log.h"
#include "libs/text/view.h"
#include "services/cache/limits.h"

namespace tentacle::cache {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr std::string_view kKeyPrefix = "prepull/";

std::string KeyOf(const std::string& id) {
  return std::string(kKeyPrefix) + id;
}

// Trying again would not help.
bool IsFinal(absl::StatusCode code) {
  return code == absl::StatusCode::kNotFound || code == absl::StatusCode::kInvalidArgument ||
         code == absl::StatusCode::kDataLoss;
}

}  // namespace

PrepullDesk::PrepullDesk(runtime::Host& host,
                         Metrics& metrics,
                         ImageLibrary& library,
                         const LineDesk& line)
    : host_(host), metrics_(metrics), library_(library), line_(line), wake_(host.home) {}

absl::Status PrepullDesk::Open() {
  auto visit = [this](std::string_view key, std::string_view value) {
    v1::PlannedPrepull planned;
    absl::Status read = absl::DataLossError("it cannot be read");
    if (planned.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
      planned.set_state(v1::PREPULL_STATE_WAITING);
      read = book_.Put(planned);
    }
    if (!read.ok())
      host_.log.Warning("cache.prepull_dropped",
                        {{"prepull", key}, {"reason", text::Message(read)}});
    return true;
  };
  return host_.store.Scan(kKeyPrefix, "prepull0", visit);
}

asio::awaitable<void> PrepullDesk::Run() {
  for (;;) {
    EndWhatIsHere();
    metrics_.Prepulls(book_.List().size());
    const absl::Time now = host_.clock.Now();
    const auto next = book_.Next(now);
    if (next) {
      co_await PullOne(*next);
      continue;
    }
    // Also when nothing is due: the clock may have been set.
    const absl::Duration wait = std::min(book_.NextEdge(now) - now, kPrepullRetry);
    wake_.expires_after(absl::ToChronoNanoseconds(std::max(wait, absl::Milliseconds(1))));
    co_await wake_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

asio::awaitable<absl::StatusOr<v1::PlannedPrepull>> PrepullDesk::Plan(v1::Prepull prepull) {
  if (std::string idle = library_.IdleReason(); !idle.empty())
    co_return absl::FailedPreconditionError(idle);
  // Its size is needed for a forecast; without the backend it is told later.
  const auto entry = co_await library_.Find(prepull.image_id());
  if (IsFinal(entry.status().code())) co_return entry.status();
  v1::PlannedPrepull planned;
  *planned.mutable_prepull() = std::move(prepull);
  planned.set_state(v1::PREPULL_STATE_WAITING);
  if (absl::Status put = book_.Put(planned); !put.ok()) co_return put;
  const std::string id = planned.prepull().id();
  Forecast(&planned);
  book_.Put(planned).IgnoreError();
  Store(id);
  host_.log.Info(
      "cache.prepull_planned",
      {{"prepull", id}, {"image", planned.prepull().image_id()}, {"forecast", planned.forecast()}});
  Tell(planned);
  Wake();
  co_return planned;
}

void PrepullDesk::Cancel(std::string id) {
  const v1::PlannedPrepull* planned = book_.Find(id);
  if (planned == nullptr) return;
  const std::string image = planned->prepull().image_id();
  book_.Remove(id);
  Store(id);
  host_.log.Info("cache.prepull_cancelled", {{"prepull", id}, {"image", image}});
  metrics_.PrepullEnded("cancelled");
  Wake();
}

void PrepullDesk::Configure() {
  book_.ForgetDeferrals();
  Wake();
}

void PrepullDesk::Wake() {
  wake_.cancel();
  if (pulling_ != nullptr) pulling_->Tell();
}

std::vector<v1::PlannedPrepull> PrepullDesk::List() const {
  std::vector<v1::PlannedPrepull> list = book_.List();
  for (v1::PlannedPrepull& planned : list)
    Forecast(&planned);
  return list;
}

std::uint64_t PrepullDesk::MissingBytes(const std::string& image_id) const {
  const auto at = library_.entries().find(image_id);
  if (at == library_.entries().end()) return 0;
  const v1::Image& image = at->second->image;
  return image.size_bytes() - std::min(image.present_bytes(), image.size_bytes());
}

void PrepullDesk::Forecast(v1::PlannedPrepull* planned) const {
  const bool known = library_.entries().contains(planned->prepull().image_id());
  planned->clear_feasible();
  planned->clear_expected_at();
  if (!known) {
    planned->set_forecast("nothing can be said yet: the backend has not told of the image");
    return;
  }
  const LineFacts facts{line_.limiter().measured_mbit(), line_.calendar(),
                        [this](const std::string& id) { return MissingBytes(id); }};
  const auto said = book_.ForecastOf(planned->prepull().id(), facts, host_.clock.Now());
  planned->set_forecast(said.sentence);
  if (said.feasibility != schedule::Feasibility::kUnknown)
    planned->set_feasible(said.feasibility == schedule::Feasibility::kInTime);
  if (said.done != absl::InfiniteFuture())
    planned->mutable_expected_at()->set_seconds(absl::ToUnixSeconds(said.done));
}

asio::awaitable<void> PrepullDesk::PullOne(std::string id) {
  const std::string image_id = book_.Find(id)->prepull().image_id();
  const auto entry = co_await library_.Demand(image_id, PullClass::kPrepull);
  if (book_.Find(id) == nullptr) {  // Cancelled meanwhile.
    if (entry.ok()) library_.Withdraw(image_id);
    co_return;
  }
  if (IsFinal(entry.status().code())) {
    End(id, v1::PREPULL_STATE_FAILED, std::string(text::Message(entry.status())));
    co_return;
  }
  if (!entry.ok()) {
    Postpone(id, std::string(text::Message(entry.status())), false);
    co_return;
  }
  if (book_.Find(id)->state() != v1::PREPULL_STATE_PULLING) {
    book_.SetState(id, v1::PREPULL_STATE_PULLING, "");
    v1::PlannedPrepull planned = *book_.Find(id);
    Forecast(&planned);
    Tell(planned);
  }
  const std::uint64_t had = (*entry)->image.present_bytes();
  co_await Await(id, *entry);
  Settle(id, *entry, had);
}

// Until the pull ends or pauses in trouble, or is not this one's any more: its window has closed,
// it was taken back, or another one is more urgent.
asio::awaitable<void> PrepullDesk::Await(std::string id, std::shared_ptr<Entry> entry) {
  pulling_ = entry;
  while (entry->pull_runs && entry->pause == nullptr && book_.Next(host_.clock.Now()) == id)
    co_await Changed(entry, std::chrono::steady_clock::now());
  pulling_.reset();
}

void PrepullDesk::Settle(const std::string& id, std::shared_ptr<Entry> entry, std::uint64_t had) {
  if (entry->image.state() == v1::IMAGE_STATE_CACHED) {
    if (book_.Find(id) != nullptr) End(id, v1::PREPULL_STATE_DONE, "");
    return;
  }
  if (!entry->pull_runs) {
    if (book_.Find(id) == nullptr) return;
    if (IsFinal(entry->failure)) {
      End(id, v1::PREPULL_STATE_FAILED, entry->image.reason());
      return;
    }
    std::string reason = entry->image.reason();
    if (reason.empty()) reason = library_.IdleReason();
    if (reason.empty()) reason = "its pull was broken off";
    Postpone(id, reason, entry->image.present_bytes() > had);
    return;
  }
  library_.Withdraw(entry->image.id());
  if (book_.Find(id) == nullptr) return;
  if (book_.Next(host_.clock.Now()) == id) {
    // Who wants it more goes on trying; meanwhile it is the others' turn.
    Postpone(id, entry->image.reason(), entry->image.present_bytes() > had);
    return;
  }
  book_.SetState(
      id, v1::PREPULL_STATE_WAITING,
      book_.IsOpen(id, host_.clock.Now()) ? "another one is more urgent" : "its window has closed");
  v1::PlannedPrepull planned = *book_.Find(id);
  Forecast(&planned);
  Tell(planned);
}

void PrepullDesk::EndWhatIsHere() {
  for (const std::string& id : book_.Tried()) {
    const auto at = library_.entries().find(book_.Find(id)->prepull().image_id());
    if (at != library_.entries().end() && at->second->image.state() == v1::IMAGE_STATE_CACHED)
      End(id, v1::PREPULL_STATE_DONE, "");
  }
}

void PrepullDesk::End(const std::string& id, v1::PrepullState state, const std::string& reason) {
  book_.SetState(id, state, reason);
  v1::PlannedPrepull planned = *book_.Find(id);
  book_.Remove(id);
  Store(id);
  metrics_.PrepullEnded(PrepullStateName(state));
  host_.log.Info("cache.prepull_ended", {{"prepull", id},
                                         {"image", planned.prepull().image_id()},
                                         {"state", PrepullStateName(state)},
                                         {"reason", reason}});
  planned.clear_forecast();
  if (state == v1::PREPULL_STATE_DONE) {
    const auto& order = planned.prepull();
    const v1::Image& image = library_.entries().at(order.image_id())->image;
    const absl::Time there = absl::FromUnixSeconds(image.cached_at().seconds());
    planned.mutable_expected_at()->set_seconds(absl::ToUnixSeconds(there));
    planned.set_feasible(!order.has_deadline() ||
                         there <= absl::FromUnixSeconds(order.deadline().seconds()));
    planned.set_forecast(planned.feasible() ? "it is there" : "it is there, late");
  }
  Tell(planned);
}

void PrepullDesk::Postpone(const std::string& id, const std::string& reason, bool fruitful) {
  book_.SetState(id, v1::PREPULL_STATE_WAITING, reason);
  book_.Defer(id, host_.clock.Now(), fruitful);
  host_.log.Warning("cache.prepull_postponed", {{"prepull", id}, {"reason", reason}});
  v1::PlannedPrepull planned = *book_.Find(id);
  Forecast(&planned);
  Tell(planned);
}

void PrepullDesk::Store(const std::string& id) {
  const v1::PlannedPrepull* planned = book_.Find(id);
  store::Write write{KeyOf(id), std::nullopt};
  if (planned != nullptr) write.value = planned->SerializeAsString();
  const absl::Status status = host_.store.Apply({std::move(write)}, true);
  if (!status.ok()) {
    host_.log.Error("cache.prepull_not_stored",
                    {{"prepull", id}, {"reason", std::string(status.message())}});
  }
}

void PrepullDesk::Tell(const v1::PlannedPrepull& planned) {
  const v1::Prepull& order = planned.prepull();
  json::object body{{"scheduleId", order.id()},
                    {"imageId", order.image_id()},
                    {"state", PrepullStateName(planned.state())},
                    {"forecast", planned.forecast()},
                    {"reason", planned.reason()}};
  if (planned.has_feasible()) body["feasible"] = planned.feasible();
  if (planned.has_expected_at()) {
    body["expectedAt"] =
        absl::FormatTime(absl::RFC3339_sec, absl::FromUnixSeconds(planned.expected_at().seconds()),
                         absl::UTCTimeZone());
  }
  host_.events.Publish(events::MakeEvent("prepull.status", order.id(), event::v1::PRIORITY_RESULT,
                                         json::serialize(body), host_.clock.Now()));
}

}  // namespace tentacle::cache
