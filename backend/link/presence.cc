#include "backend/link/presence.h"

#include <chrono>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>

#include "libs/async/on_pool.h"
#include "libs/text/view.h"

namespace tentacle::backend {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr auto kForever = asio::steady_timer::time_point::max();
// Nobody waits for a heartbeat to be seen; so many more come into one batch.
constexpr auto kBeatDelay = std::chrono::milliseconds(500);
constexpr auto kRetry = std::chrono::seconds(1);
// One statement, so that a batch after an outage does not hold locks for long.
constexpr std::size_t kRowsAtOnce = 500;
// The table of five services is some 600 bytes.
constexpr std::size_t kMaxServicesBytes = 8 * 1024;

// Only numbers: whatever else a tentacle sends does not get into a batch with others.
std::string LinkJson(const json::object& body) {
  json::object link;
  for (const char* name : {"latencyMs", "jitterMs", "lossPercent", "throughputMbit"}) {
    const auto* value = body.if_contains(name);
    if (value != nullptr && value->is_number()) link[name] = value->to_number<double>();
  }
  return link.empty() ? "" : json::serialize(link);
}

}  // namespace

Presence::Batch::Batch(asio::any_io_executor home) : written(std::move(home), kForever) {}

Presence::Presence(Parts parts)
    : parts_(std::move(parts)),
      next_(std::make_shared<Batch>(parts_.home)),
      wake_(parts_.home, kForever) {}

PresenceRow& Presence::Row(int node_id) {
  PresenceRow& row = next_->rows[node_id];
  row.node_id = node_id;
  return row;
}

asio::awaitable<absl::Status> Presence::SetOnline(SessionPtr session, std::string reason) {
  PresenceRow& row = Row(session->node_id);
  row.online = true;
  row.keep = false;
  row.reason = std::move(reason);
  row.instance = session->instance;
  urgent_ = true;
  wake_.cancel();
  co_return co_await Written(next_, session->node_id);
}

asio::awaitable<absl::Status> Presence::SetOffline(int node_id, std::string reason) {
  PresenceRow& row = Row(node_id);
  row.online = false;
  row.keep = false;
  row.reason = std::move(reason);
  urgent_ = true;
  wake_.cancel();
  co_return co_await Written(next_, node_id);
}

void Presence::StillOnline(int node_id) {
  PresenceRow& row = Row(node_id);
  if (row.online) return;  // Newer news.
  row.online = true;
  row.keep = true;
  wake_.cancel();
}

void Presence::Beat(int node_id, const backend_link::Message& message) {
  PresenceRow& row = Row(node_id);
  if (message.type == "link") row.link_json = LinkJson(message.body);
  const auto* version = message.body.if_contains("version");
  if (version != nullptr && version->is_string() &&
      version->as_string().find('\0') == json::string::npos) {
    row.version = std::string(version->as_string()).substr(0, 64);
  }
  const auto* services = message.body.if_contains("services");
  if (services != nullptr && services->is_array()) {
    std::string text = json::serialize(*services);
    // PostgreSQL's JSON has no U+0000 (section 8.14.1 of its manual).
    if (text.size() <= kMaxServicesBytes && text.find("\\u0000") == std::string::npos)
      row.services_json = std::move(text);
  }
  wake_.cancel();
}

asio::awaitable<absl::Status> Presence::Written(std::shared_ptr<Batch> batch, int node_id) {
  co_await batch->written.async_wait(kTuple);
  if (!batch->status.ok()) co_return batch->status;
  if (!batch->found.contains(node_id)) co_return absl::NotFoundError("there is no such node");
  co_return absl::OkStatus();
}

asio::awaitable<void> Presence::Run() {
  for (;;) {
    if (next_->rows.empty()) {
      wake_.expires_at(kForever);
      co_await wake_.async_wait(kTuple);
      continue;
    }
    if (!urgent_) {
      wake_.expires_after(kBeatDelay);
      const auto until = wake_.expiry();
      // Woken by more beats, which change nothing, or by something urgent.
      while (!urgent_ && std::chrono::steady_clock::now() < until) {
        wake_.expires_at(until);
        co_await wake_.async_wait(kTuple);
      }
    }
    urgent_ = false;
    auto batch = std::exchange(next_, std::make_shared<Batch>(parts_.home));
    co_await Flush(batch);
  }
}

asio::awaitable<void> Presence::Flush(std::shared_ptr<Batch> batch) {
  auto write = [this, batch] { return WriteAll(*batch); };
  batch->status = co_await async::OnPool(parts_.blocking, write);
  parts_.metrics.PresenceBatch(batch->rows.size(), batch->status.ok());
  if (!batch->status.ok()) {
    parts_.log.Error("hub.presence_failed",
                     {{"nodes", batch->rows.size()}, {"reason", text::Message(batch->status)}});
    Restore(*batch);
    batch->written.cancel();
    asio::steady_timer pause(parts_.home, kRetry);
    co_await pause.async_wait(kTuple);
    co_return;
  }
  batch->written.cancel();
  for (const auto& [node, row] : batch->rows)
    parts_.live.Publish({"node", std::to_string(node)});
}

// On the pool. A row that the database cannot take costs nobody else his.
absl::Status Presence::WriteAll(Batch& batch) {
  std::vector<PresenceRow> rows;
  for (auto at = batch.rows.begin(); at != batch.rows.end();) {
    rows.push_back(at->second);
    ++at;
    if (rows.size() < kRowsAtOnce && at != batch.rows.end()) continue;
    auto found = parts_.store.Write(rows);
    if (absl::IsInvalidArgument(found.status())) {
      for (PresenceRow& row : rows) {
        row.services_json.clear();
        row.link_json.clear();
        row.version.clear();
      }
      found = parts_.store.Write(rows);
    }
    if (!found.ok()) return found.status();
    batch.found.merge(*found);
    rows.clear();
  }
  return absl::OkStatus();
}

// Back into the next batch, below what is newer.
void Presence::Restore(const Batch& batch) {
  for (const auto& [node, row] : batch.rows) {
    auto [at, is_new] = next_->rows.try_emplace(node, row);
    if (is_new) continue;
    PresenceRow& newer = at->second;
    if (!newer.online) {
      newer.online = row.online;
      newer.keep = row.keep;
      newer.reason = row.reason;
      newer.instance = row.instance;
    }
    if (newer.link_json.empty()) newer.link_json = row.link_json;
    if (newer.services_json.empty()) newer.services_json = row.services_json;
    if (newer.version.empty()) newer.version = row.version;
  }
}

}  // namespace tentacle::backend
