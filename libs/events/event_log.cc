#include "libs/events/event_log.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "libs/async/on_pool.h"
#include "libs/async/turn.h"
#include "libs/identity/identity.h"

namespace tentacle::events {

namespace {

namespace asio = boost::asio;
using event::v1::PRIORITY_METRIC;
using event::v1::PRIORITY_RESULT;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr char kEpochKey[] = "events/epoch";
constexpr char kConfirmedKey[] = "events/confirmed";
constexpr char kLastKey[] = "events/last";
constexpr char kEntryPrefix[] = "events/entry/";

// Fixed width, so that the order of keys is the order of sequences.
std::string EntryKey(std::uint64_t sequence) { return fmt::format("{}{:016x}", kEntryPrefix, sequence); }

class StoredEventLog final : public EventLog {
 public:
  StoredEventLog(store::Store& store,
                 asio::any_io_executor home,
                 asio::thread_pool& blocking,
                 EventLogLimits limits)
      : store_(store), home_(home), blocking_(blocking), limits_(limits), arrived_(home), turn_(home) {
    arrived_.expires_at(asio::steady_timer::time_point::max());
  }

  absl::Status Load() {
    absl::Status status = LoadText(kEpochKey, &epoch_);
    if (status.ok()) status = LoadNumber(kConfirmedKey, &confirmed_);
    if (status.ok()) status = LoadNumber(kLastKey, &last_);
    if (!status.ok() || !epoch_.empty()) return status;
    epoch_ = identity::RandomHex(8);
    return store_.Apply({{kEpochKey, epoch_}});
  }

  asio::awaitable<absl::StatusOr<std::uint64_t>> Append(Event event) override {
    if (absl::Status status = CheckRoom(event); !status.ok()) {
      ++refused_;
      co_return status;
    }
    // One writer at a time, in the order of the calls: the sequence is given under the turn.
    const auto held = co_await turn_.Take();
    const std::uint64_t sequence = last_ + 1;
    event.set_sequence(sequence);
    const std::vector<store::Write> writes = {{EntryKey(sequence), event.SerializeAsString()},
                                              {kLastKey, std::to_string(sequence)}};
    const bool sync = event.priority() == PRIORITY_RESULT;
    auto write = [this, &writes, sync] { return store_.Apply(writes, sync); };
    const absl::Status status = co_await async::OnPool(blocking_, write);
    if (status.ok()) {
      last_ = sequence;
      arrived_.cancel();
    } else {
      ++refused_;
    }
    if (!status.ok()) co_return status;
    co_return sequence;
  }

  void Publish(Event event) override {
    auto append = AppendDetached(std::move(event));
    asio::co_spawn(home_, std::move(append), asio::detached);
  }

  asio::awaitable<absl::StatusOr<std::vector<Event>>> Fetch(std::uint64_t after,
                                                            std::size_t max,
                                                            absl::Duration wait) override {
    const auto deadline = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(wait);
    while (!closed_ && last_ <= std::max(after, confirmed_) && std::chrono::steady_clock::now() < deadline) {
      asio::steady_timer timeout(home_, deadline);
      auto wake = [this](boost::system::error_code error) {
        if (!error) arrived_.cancel();
      };
      timeout.async_wait(wake);
      co_await arrived_.async_wait(kTuple);
      timeout.cancel();
    }
    const std::uint64_t from = std::max(after, confirmed_) + 1;
    auto read = [this, from, max, last = last_] { return Read(from, last, max); };
    co_return co_await async::OnPool(blocking_, read);
  }

  asio::awaitable<absl::Status> Confirm(std::string epoch, std::uint64_t through) override {
    if (epoch != epoch_) co_return absl::InvalidArgumentError("events of another epoch");
    if (through > last_) {
      co_return absl::InvalidArgumentError(fmt::format("event {} is not there yet, the last is {}", through, last_));
    }
    if (through <= confirmed_) co_return absl::OkStatus();
    auto forget = [this, from = confirmed_ + 1, through] { return Forget(from, through); };
    confirmed_ = through;
    co_return co_await async::OnPool(blocking_, forget);
  }

  void Close() override {
    closed_ = true;
    arrived_.cancel();
  }

  const std::string& epoch() const override { return epoch_; }
  std::uint64_t confirmed() const override { return confirmed_; }
  std::uint64_t last() const override { return last_; }
  std::uint64_t refused() const override { return refused_; }

 private:
  absl::Status LoadText(std::string_view key, std::string* out) {
    auto value = store_.Get(key);
    if (!value.ok()) return value.status();
    *out = value->value_or("");
    return absl::OkStatus();
  }

  absl::Status LoadNumber(std::string_view key, std::uint64_t* out) {
    std::string text;
    if (absl::Status status = LoadText(key, &text); !status.ok()) return status;
    *out = text.empty() ? 0 : std::strtoull(text.c_str(), nullptr, 10);
    return absl::OkStatus();
  }

  absl::Status CheckRoom(const Event& event) const {
    const std::uint64_t kept = last_ - confirmed_ + turn_.waiting();
    if (kept >= limits_.max_events) {
      return absl::ResourceExhaustedError(fmt::format("event log holds {} events, its limit", kept));
    }
    const double share = static_cast<double>(kept) / static_cast<double>(limits_.max_events);
    if (event.priority() == PRIORITY_METRIC && share >= limits_.thin_metrics_above) {
      return absl::ResourceExhaustedError("metrics are not kept while the event log is that full");
    }
    return absl::OkStatus();
  }

  asio::awaitable<void> AppendDetached(Event event) {
    // A refusal is counted by Append; whoever publishes has nobody to tell.
    const auto ignored = co_await Append(std::move(event));
    static_cast<void>(ignored);
  }

  absl::StatusOr<std::vector<Event>> Read(std::uint64_t from, std::uint64_t last, std::size_t max) {
    std::vector<Event> events;
    auto visit = [&](std::string_view, std::string_view value) {
      Event event;
      if (event.ParseFromArray(value.data(), static_cast<int>(value.size()))) events.push_back(std::move(event));
      return events.size() < max;
    };
    absl::Status status = store_.Scan(EntryKey(from), EntryKey(last + 1), visit);
    if (!status.ok()) return status;
    return events;
  }

  absl::Status Forget(std::uint64_t from, std::uint64_t through) {
    std::vector<store::Write> writes;
    for (std::uint64_t sequence = from; sequence <= through; ++sequence) {
      writes.push_back({EntryKey(sequence), std::nullopt});
    }
    writes.push_back({kConfirmedKey, std::to_string(through)});
    // Without sync: forgetting again after a power cut only means that the backend drops a repeat.
    return store_.Apply(writes, false);
  }

  store::Store& store_;
  asio::any_io_executor home_;
  asio::thread_pool& blocking_;
  EventLogLimits limits_;
  asio::steady_timer arrived_;  // Cancelled when an event arrives.
  async::Turn turn_;            // The right to write.
  std::string epoch_;
  std::uint64_t confirmed_ = 0;
  std::uint64_t last_ = 0;
  std::uint64_t refused_ = 0;
  bool closed_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<EventLog>> EventLog::Open(store::Store& store,
                                                         asio::any_io_executor home,
                                                         asio::thread_pool& blocking,
                                                         EventLogLimits limits) {
  auto log = std::make_unique<StoredEventLog>(store, std::move(home), blocking, limits);
  if (absl::Status status = log->Load(); !status.ok()) return status;
  return log;
}

Event MakeEvent(std::string_view type,
                std::string_view correlation_id,
                event::v1::Priority priority,
                std::string body_json,
                absl::Time time) {
  Event event;
  event.set_type(type.data(), type.size());
  event.set_correlation_id(correlation_id.data(), correlation_id.size());
  event.set_priority(priority);
  event.set_body_json(std::move(body_json));
  const std::int64_t seconds = absl::ToUnixSeconds(time);
  event.mutable_time()->set_seconds(seconds);
  event.mutable_time()->set_nanos(
      static_cast<std::int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return event;
}

}  // namespace tentacle::events
