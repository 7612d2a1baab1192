#include "services/cache/core/prepull_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

namespace tentacle::cache {

namespace {

absl::Time TimeOf(const google::protobuf::Timestamp& time, bool there, absl::Time otherwise) {
  return there ? absl::FromUnixSeconds(time.seconds()) : otherwise;
}

}  // namespace

std::string_view PrepullStateName(v1::PrepullState state) {
  switch (state) {
    case v1::PREPULL_STATE_WAITING:
      return "waiting";
    case v1::PREPULL_STATE_PULLING:
      return "pulling";
    case v1::PREPULL_STATE_DONE:
      return "done";
    case v1::PREPULL_STATE_FAILED:
      return "failed";
    default:
      return "unknown";
  }
}

absl::Status PrepullBook::Put(const v1::PlannedPrepull& planned) {
  const v1::Prepull& order = planned.prepull();
  if (order.id().empty() || order.image_id().empty())
    return absl::InvalidArgumentError("a prepull needs an id and an image");
  Entry entry;
  entry.planned = planned;
  if (static_cast<std::size_t>(order.windows_size()) > schedule::kMaxWindows)
    return absl::InvalidArgumentError("the prepull has too many windows");
  for (const std::string& text : order.windows()) {
    const auto window = schedule::ParseWindow(text);
    if (!window.ok()) return window.status();
    entry.windows.push_back(*window);
  }
  const auto zone = schedule::LoadZone(order.time_zone());
  if (!zone.ok()) return zone.status();
  entry.zone = *zone;
  entry.not_before = TimeOf(order.not_before(), order.has_not_before(), absl::InfinitePast());
  entry.deadline = TimeOf(order.deadline(), order.has_deadline(), absl::InfiniteFuture());
  const auto known = entries_.find(order.id());
  if (known == entries_.end() && entries_.size() >= kMaxPrepulls) {
    return absl::FailedPreconditionError(fmt::format("{} prepulls wait already", kMaxPrepulls));
  }
  entry.order = known == entries_.end() ? next_order_++ : known->second.order;
  entries_[order.id()] = std::move(entry);
  return absl::OkStatus();
}

const v1::PlannedPrepull* PrepullBook::Find(const std::string& id) const {
  const auto at = entries_.find(id);
  return at == entries_.end() ? nullptr : &at->second.planned;
}

void PrepullBook::SetState(const std::string& id,
                           v1::PrepullState state,
                           const std::string& reason) {
  const auto at = entries_.find(id);
  if (at == entries_.end()) return;
  at->second.planned.set_state(state);
  at->second.planned.set_reason(reason);
  at->second.tried = at->second.tried || state == v1::PREPULL_STATE_PULLING;
}

void PrepullBook::Defer(const std::string& id, absl::Time now, bool fruitful) {
  const auto at = entries_.find(id);
  if (at == entries_.end()) return;
  Entry& entry = at->second;
  entry.tried = true;
  if (fruitful || now >= entry.pause_until) entry.pause = kPrepullRetry;
  entry.deferred_until = now + entry.pause;
  entry.pause = std::min(entry.pause * 2, kPrepullRetryMost);
  entry.pause_until = schedule::NextEdge(entry.windows, now, entry.zone);
}

void PrepullBook::ForgetDeferrals() {
  for (auto& [id, entry] : entries_) {
    entry.deferred_until = absl::InfinitePast();
    entry.pause = kPrepullRetry;
  }
}

std::vector<std::string> PrepullBook::Tried() const {
  std::vector<std::string> ids;
  for (const auto& [id, entry] : entries_) {
    if (entry.tried) ids.push_back(id);
  }
  return ids;
}

bool PrepullBook::IsOpen(const Entry& entry, absl::Time now) {
  return now >= entry.not_before && schedule::InAny(entry.windows, now, entry.zone);
}

bool PrepullBook::IsOpen(const std::string& id, absl::Time now) const {
  const auto at = entries_.find(id);
  return at != entries_.end() && IsOpen(at->second, now);
}

std::vector<const PrepullBook::Entry*> PrepullBook::InOrder() const {
  std::vector<const Entry*> all;
  for (const auto& [id, entry] : entries_)
    all.push_back(&entry);
  std::sort(all.begin(), all.end(), [](const Entry* a, const Entry* b) {
    return std::tie(a->deadline, a->order) < std::tie(b->deadline, b->order);
  });
  return all;
}

std::optional<std::string> PrepullBook::Next(absl::Time now) const {
  for (const Entry* entry : InOrder()) {
    if (IsOpen(*entry, now) && now >= entry->deferred_until) return entry->planned.prepull().id();
  }
  return std::nullopt;
}

absl::Time PrepullBook::NextEdge(absl::Time now) const {
  absl::Time nearest = absl::InfiniteFuture();
  for (const auto& [id, entry] : entries_) {
    for (const absl::Time at : {schedule::NextEdge(entry.windows, now, entry.zone),
                                entry.not_before, entry.deferred_until}) {
      if (at > now) nearest = std::min(nearest, at);
    }
  }
  return nearest;
}

schedule::Forecast PrepullBook::ForecastOf(const std::string& id,
                                           const LineFacts& facts,
                                           absl::Time now) const {
  schedule::Plan plan;
  const auto at = entries_.find(id);
  if (at == entries_.end()) return schedule::MakeForecast(plan, now);
  const Entry& mine = at->second;
  plan.bytes = facts.missing_bytes(mine.planned.prepull().image_id());
  std::set<std::string> counted = {mine.planned.prepull().image_id()};
  for (const Entry* other : InOrder()) {
    if (other == &mine) break;
    const std::string& image = other->planned.prepull().image_id();
    if (counted.insert(image).second) plan.ahead_bytes += facts.missing_bytes(image);
  }
  plan.throughput_mbit = facts.throughput_mbit;
  plan.calendar = facts.calendar;
  plan.windows = mine.windows;
  plan.zone = mine.zone;
  plan.not_before = mine.not_before;
  plan.deadline = mine.deadline;
  return schedule::MakeForecast(plan, now);
}

std::vector<v1::PlannedPrepull> PrepullBook::List() const {
  std::vector<v1::PlannedPrepull> list;
  for (const Entry* entry : InOrder())
    list.push_back(entry->planned);
  return list;
}

}  // namespace tentacle::cache
