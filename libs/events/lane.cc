#include "libs/events/lane.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libs/async/on_pool.h"
#include "libs/identity/identity.h"

namespace tentacle::events {

namespace {

namespace asio = boost::asio;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
// A page travels in one gRPC message, which may have 4 MiB.
constexpr std::size_t kMaxPageBytes = 1024 * 1024;
// One write of the store carries at most so many: the callers of a long queue wait in steps.
constexpr std::size_t kMaxBatchEvents = 256;

}  // namespace

Lane::Batch::Batch(asio::any_io_executor home) : done(std::move(home)) {
  done.expires_at(asio::steady_timer::time_point::max());
}

Lane::Lane(store::Store& store,
           asio::any_io_executor home,
           asio::thread_pool& blocking,
           LanePolicy policy)
    : store_(store), home_(home), blocking_(blocking), policy_(policy), arrived_(home) {
  arrived_.expires_at(asio::steady_timer::time_point::max());
}

absl::Status Lane::Load() {
  const auto epoch = store_.Get(Key("epoch"));
  if (!epoch.ok()) return epoch.status();
  if (!epoch->has_value()) {
    view_.epoch = identity::RandomHex(8);
    return store_.Apply({{Key("epoch"), view_.epoch}});
  }
  view_.epoch = **epoch;
  const auto confirmed = LoadNumber("confirmed");
  if (!confirmed.ok()) return confirmed.status();
  const auto last = LoadNumber("last");
  if (!last.ok()) return last.status();
  const auto thinned = LoadNumber("thinned");
  if (!thinned.ok()) return thinned.status();
  view_.confirmed = *confirmed;
  view_.last = *last;
  view_.thinned = *thinned;
  return absl::OkStatus();
}

asio::awaitable<absl::StatusOr<std::uint64_t>> Lane::Append(Event event) {
  if (absl::Status status = CheckRoom(); !status.ok()) {
    ++refused_;
    co_return status;
  }
  if (waiting_.empty() || waiting_.back()->events.size() >= kMaxBatchEvents) {
    waiting_.push_back(std::make_shared<Batch>(home_));
  }
  const std::shared_ptr<Batch> batch = waiting_.back();
  const std::size_t place = batch->events.size();
  batch->events.push_back(std::move(event));
  ++under_way_;
  if (!writing_) {
    writing_ = true;
    auto write = WriteBatches();
    asio::co_spawn(home_, std::move(write), asio::detached);
  }
  while (!batch->written)
    co_await batch->done.async_wait(kTuple);
  if (!batch->status.ok()) {
    ++refused_;
    co_return batch->status;
  }
  co_return batch->first_sequence + place;
}

absl::Status Lane::CheckRoom() const {
  if (policy_.drop_oldest) return absl::OkStatus();
  const std::uint64_t kept = view_.last - view_.confirmed + under_way_;
  if (kept < policy_.max_events) return absl::OkStatus();
  return absl::ResourceExhaustedError(fmt::format(
      "the log holds {} events of kind {} that the backend has not taken yet, its limit", kept,
      LaneName(policy_.lane)));
}

asio::awaitable<void> Lane::WriteBatches() {
  while (!waiting_.empty()) {
    std::shared_ptr<Batch> batch = std::move(waiting_.front());
    waiting_.pop_front();
    auto write = WriteBatch(std::move(batch));
    co_await std::move(write);
  }
  writing_ = false;
}

asio::awaitable<void> Lane::WriteBatch(std::shared_ptr<Batch> batch) {
  batch->first_sequence = view_.last + 1;
  const std::uint64_t added = batch->events.size();
  const std::uint64_t excess = Excess(added);
  const std::uint64_t drop_from = view_.confirmed + 1;
  auto write = [this, batch, drop_from, excess] {
    return WriteOut(*batch, drop_from, drop_from + excess - 1);
  };
  batch->status = co_await async::OnPool(blocking_, std::move(write));
  under_way_ -= added;
  if (batch->status.ok()) {
    view_.last += added;
    view_.thinned += excess;
    // Confirm() may have gone further meanwhile.
    view_.confirmed = std::max(view_.confirmed, drop_from + excess - 1);
    arrived_.cancel();
  }
  batch->written = true;
  batch->done.cancel();
}

std::uint64_t Lane::Excess(std::uint64_t added) const {
  if (!policy_.drop_oldest) return 0;
  const std::uint64_t kept = view_.last - view_.confirmed;
  if (kept + added <= policy_.max_events) return 0;
  return std::min(kept, kept + added - policy_.max_events);
}

// On the pool. `batch` is not touched by anybody else until it is written.
absl::Status Lane::WriteOut(Batch& batch,
                            std::uint64_t drop_from,
                            std::uint64_t drop_through) const {
  std::vector<store::Write> writes;
  for (std::uint64_t sequence = drop_from; sequence <= drop_through; ++sequence)
    writes.push_back({EntryKey(sequence), std::nullopt});
  if (!writes.empty()) {
    writes.push_back({Key("confirmed"), std::to_string(drop_through)});
    writes.push_back(
        {Key("thinned"), std::to_string(view_.thinned + drop_through - drop_from + 1)});
  }
  std::uint64_t sequence = batch.first_sequence;
  for (Event& event : batch.events) {
    event.set_sequence(sequence);
    writes.push_back({EntryKey(sequence), event.SerializeAsString()});
    ++sequence;
  }
  writes.push_back({Key("last"), std::to_string(sequence - 1)});
  return store_.Apply(writes, policy_.sync);
}

asio::awaitable<absl::StatusOr<std::vector<Event>>> Lane::Fetch(std::uint64_t after,
                                                                std::size_t max,
                                                                absl::Duration wait) {
  using std::chrono::steady_clock;
  const auto deadline = steady_clock::now() + absl::ToChronoNanoseconds(wait);
  const auto nothing_new = [&] { return view_.last <= std::max(after, view_.confirmed); };
  while (!closed_ && nothing_new() && steady_clock::now() < deadline) {
    asio::steady_timer timeout(home_, deadline);
    auto wake = [this](boost::system::error_code error) {
      if (!error) arrived_.cancel();
    };
    timeout.async_wait(wake);
    co_await arrived_.async_wait(kTuple);
    timeout.cancel();
  }
  const std::uint64_t from = std::max(after, view_.confirmed) + 1;
  auto read = [this, from, max, last = view_.last] { return Read(from, last, max); };
  co_return co_await async::OnPool(blocking_, std::move(read));
}

asio::awaitable<absl::Status> Lane::Confirm(std::uint64_t through) {
  if (through > view_.last) {
    co_return absl::InvalidArgumentError(
        fmt::format("event {} is not there yet, the last is {}", through, view_.last));
  }
  if (through <= view_.confirmed) co_return absl::OkStatus();
  std::vector<store::Write> writes;
  for (std::uint64_t sequence = view_.confirmed + 1; sequence <= through; ++sequence)
    writes.push_back({EntryKey(sequence), std::nullopt});
  writes.push_back({Key("confirmed"), std::to_string(through)});
  view_.confirmed = through;
  // Without sync: forgetting again after a power cut only means that the backend drops a repeat.
  auto forget = [this, writes = std::move(writes)] { return store_.Apply(writes, false); };
  co_return co_await async::OnPool(blocking_, std::move(forget));
}

void Lane::Close() {
  closed_ = true;
  arrived_.cancel();
}

absl::StatusOr<std::vector<Event>> Lane::Read(std::uint64_t from,
                                              std::uint64_t last,
                                              std::size_t max) {
  std::vector<Event> events;
  std::size_t bytes = 0;
  auto visit = [&](std::string_view, std::string_view value) {
    Event event;
    if (!event.ParseFromArray(value.data(), static_cast<int>(value.size()))) return true;
    bytes += value.size();
    events.push_back(std::move(event));
    return events.size() < max && bytes < kMaxPageBytes;
  };
  absl::Status status = store_.Scan(EntryKey(from), EntryKey(last + 1), visit);
  if (!status.ok()) return status;
  return events;
}

std::string Lane::Key(std::string_view name) const {
  return fmt::format("events/{}/{}", LaneName(policy_.lane), name);
}

// Fixed width, so that the order of keys is the order of sequences.
std::string Lane::EntryKey(std::uint64_t sequence) const {
  return fmt::format("events/{}/entry/{:016x}", LaneName(policy_.lane), sequence);
}

absl::StatusOr<std::uint64_t> Lane::LoadNumber(std::string_view name) {
  const auto value = store_.Get(Key(name));
  if (!value.ok()) return value.status();
  return std::strtoull(value->value_or("0").c_str(), nullptr, 10);
}

}  // namespace tentacle::events
