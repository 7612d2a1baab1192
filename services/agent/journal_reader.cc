#include "services/agent/journal_reader.h"

#include <algorithm>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "libs/async/on_pool.h"
#include "libs/text/view.h"
#include "services/agent/host_tool.h"
#include "services/agent/limits.h"

namespace tentacle::agent {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr char kCursorKey[] = "journal/cursor";

}  // namespace

JournalReader::JournalReader(asio::any_io_executor home,
                             asio::thread_pool& blocking,
                             const runtime::Clock& clock,
                             runtime::Log log,
                             std::shared_ptr<Metrics> metrics,
                             runtime::Health& health,
                             store::Store& store,
                             events::EventLog& events)
    : home_(home),
      blocking_(blocking),
      clock_(clock),
      log_(std::move(log)),
      metrics_(std::move(metrics)),
      health_(health),
      store_(store),
      events_(events),
      timer_(home) {}

void JournalReader::Configure(Settings settings) {
  settings_ = std::move(settings);
  const auto good = CheckJournalFilter(settings_.filter);
  health_.Set("journal", true, good.ok() ? "" : std::string(text::Message(good)));
  if (!good.ok()) settings_.enabled = false;
  timer_.cancel();
}

void JournalReader::Start() {
  auto loop = Loop(shared_from_this());
  asio::co_spawn(home_, std::move(loop), asio::detached);
}

void JournalReader::Stop() {
  stopping_ = true;
  timer_.cancel();
}

asio::awaitable<void> JournalReader::Loop(std::shared_ptr<JournalReader> self) {
  while (!self->stopping_) {
    bool more = false;
    if (self->settings_.enabled) more = co_await self->Look();
    if (more || self->stopping_) continue;
    self->timer_.expires_after(
        absl::ToChronoNanoseconds(std::max(self->settings_.interval, limits::kMinJournalInterval)));
    co_await self->timer_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

asio::awaitable<std::string> JournalReader::LoadCursor() {
  auto load = [&store = store_] { return store.Get(kCursorKey); };
  const auto cursor = co_await async::OnPool(blocking_, load);
  co_return cursor.ok() && cursor->has_value() ? **cursor : std::string();
}

asio::awaitable<absl::StatusOr<std::vector<JournalEntry>>> JournalReader::Read(std::string cursor) {
  auto argv = settings_.journalctl;
  // Without a place to go on from, the story begins with the newest entry.
  const std::size_t first = 1;
  for (auto& argument : JournalArguments(settings_.filter, cursor, first))
    argv.push_back(std::move(argument));
  HostTool tool;
  tool.host = settings_.host;
  tool.argv = std::move(argv);
  tool.timeout = limits::kToolTimeout;
  tool.max_bytes = limits::kMaxJournalBytes;
  tool.first_bytes_only = true;
  const auto printed = co_await RunHostTool(home_, blocking_, std::move(tool));
  if (!printed.ok()) co_return printed.status();
  co_return ParseJournal(*printed);
}

asio::awaitable<bool> JournalReader::Look() {
  const absl::Time now = clock_.Now();
  if (now - minute_ >= absl::Minutes(1)) {
    minute_ = now;
    sent_in_minute_ = 0;
  }
  // What is over the allowance waits in the journal; nothing of it is lost by that.
  if (sent_in_minute_ >= settings_.entries_per_minute) co_return false;
  const std::string cursor = co_await LoadCursor();
  auto entries = co_await Read(cursor);
  std::string gap;
  if (!entries.ok() && !cursor.empty() && absl::IsInternal(entries.status())) {
    // The place is gone: the journal was rotated away under it, or is damaged.
    gap = "the journal no longer holds the place where reading stopped";
    log_.Warning("agent.journal_gap", {{"error", text::Message(entries.status())}});
    const std::string from_the_newest;
    entries = co_await Read(from_the_newest);
  }
  if (!entries.ok()) {
    metrics_->Collected("journal", absl::IsNotFound(entries.status()) ? "absent" : "failed", 0);
    health_.Set("journal", true, std::string(text::Message(entries.status())));
    co_return false;
  }
  health_.Set("journal", true);
  metrics_->Collected("journal", "ok", 0);
  if (entries->empty() && gap.empty()) co_return false;
  const std::size_t room = settings_.entries_per_minute - sent_in_minute_;
  const bool more = entries->size() > std::min(room, limits::kMaxJournalBatch);
  if (more) entries->resize(std::min(room, limits::kMaxJournalBatch));
  const bool sent = co_await Send(*std::move(entries), std::move(gap));
  if (!sent) co_return false;
  co_return more;
}

asio::awaitable<bool> JournalReader::Send(std::vector<JournalEntry> entries, std::string gap) {
  json::array list;
  std::string last;
  for (const auto& entry : entries) {
    list.push_back(JournalEntryJson(entry));
    last = entry.cursor;
  }
  json::object body{{"entries", std::move(list)}};
  if (!gap.empty()) body["gap"] = gap;
  auto event = events::MakeEvent("journal", "", event::v1::PRIORITY_METRIC, json::serialize(body),
                                 clock_.Now());
  const auto kept = co_await events_.Append(std::move(event));
  metrics_->Reported("journal", kept.ok() ? "sent" : "failed");
  if (!kept.ok()) co_return false;
  sent_in_minute_ += static_cast<std::uint32_t>(entries.size());
  if (last.empty()) co_return false;
  // After the event: a crash in between sends these entries again, and leaves none out.
  auto save = [&store = store_, last] { return store.Apply({{kCursorKey, last}}, false); };
  const auto saved = co_await async::OnPool(blocking_, save);
  co_return saved.ok();
}

}  // namespace tentacle::agent
