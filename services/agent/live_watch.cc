#include "services/agent/live_watch.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "services/agent/limits.h"

namespace tentacle::agent {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

std::string Text(const json::object& object, const char* name) {
  const auto* value = object.if_contains(name);
  const auto* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? "" : std::string(*text);
}

json::string_view Name(OutputStream stream) {
  return stream == OutputStream::kOut ? "stdout" : "stderr";
}

}  // namespace

LiveWatch::LiveWatch(asio::any_io_executor home,
                     LiveDesk& live,
                     std::shared_ptr<JobRunner> jobs,
                     std::shared_ptr<HostReporter> host)
    : home_(home), live_(live), jobs_(std::move(jobs)), host_(std::move(host)) {}

void LiveWatch::Start() {
  const std::weak_ptr<LiveWatch> weak = weak_from_this();
  const auto handle = [&](const char* type, auto act) {
    live_.Handle(type, [weak, act](const json::object& body) {
      if (const auto self = weak.lock()) act(*self, body);
    });
  };
  handle("live.watch", [](LiveWatch& self, const json::object& body) { self.Open(body); });
  handle("live.stop", [](LiveWatch& self, const json::object& body) {
    self.watches_.erase(Text(body, "watch"));
  });
  handle("live.ack", [](LiveWatch& self, const json::object& body) {
    const auto watch = self.watches_.find(Text(body, "watch"));
    const auto* bytes = body.if_contains("bytes");
    json::error_code error;
    if (watch == self.watches_.end() || bytes == nullptr || !bytes->is_number()) return;
    auto& under_way = watch->second.under_way;
    under_way -= std::min(under_way, bytes->to_number<std::size_t>(error));
  });
  live_.OnLinkLost([weak] {
    if (const auto self = weak.lock()) self->watches_.clear();
  });
  jobs_->OnOutput([weak](const std::string& id, OutputStream stream, std::uint64_t offset,
                         std::string_view bytes) {
    if (const auto self = weak.lock()) self->OnOutput(id, stream, offset, bytes);
  });
  jobs_->OnEnd([weak](const std::string& job_id) {
    const auto self = weak.lock();
    if (self == nullptr) return;
    std::vector<std::string> over;
    for (const auto& [id, watch] : self->watches_) {
      if (watch.job_id == job_id) over.push_back(id);
    }
    for (const auto& id : over)
      self->End(id, "the job has ended");
  });
}

void LiveWatch::Stop() {
  watches_.clear();
}

void LiveWatch::Open(const json::object& body) {
  const std::string id = Text(body, "watch");
  if (id.empty() || watches_.contains(id)) return;
  if (watches_.size() >= limits::kMaxWatches) {
    End(id, "too many look on already");
    return;
  }
  const std::string job_id = Text(body, "jobId");
  watches_[id].job_id = job_id;
  if (job_id.empty()) {
    auto figures = SendFigures(shared_from_this(), id);
    asio::co_spawn(home_, std::move(figures), asio::detached);
  } else {
    auto so_far = SendSoFar(shared_from_this(), id, job_id);
    asio::co_spawn(home_, std::move(so_far), asio::detached);
  }
}

asio::awaitable<void> LiveWatch::SendSoFar(std::shared_ptr<LiveWatch> self,
                                           std::string id,
                                           std::string job_id) {
  auto known = co_await self->jobs_->GetJob(job_id);
  // The order goes through uplink's inbox and may come after the wish to look on.
  for (int i = 0; !known.ok() && i < limits::kWatchedJobArrival; ++i) {
    asio::steady_timer second(self->home_, std::chrono::seconds(1));
    co_await second.async_wait(asio::as_tuple(asio::use_awaitable));
    if (!self->watches_.contains(id)) co_return;
    known = co_await self->jobs_->GetJob(job_id);
    // What it has written since it came has gone out as it was written.
    if (known.ok() && !IsFinal(known->record.state)) co_return;
  }
  if (!known.ok()) {
    self->End(id, "this agent does not know the job");
    co_return;
  }
  if (!self->watches_.contains(id)) co_return;
  const auto send = [&](OutputStream stream, const std::string& tail, std::uint64_t total) {
    if (!tail.empty())
      self->SendPiece(id, stream, total - std::min<std::uint64_t>(total, tail.size()), tail);
  };
  send(OutputStream::kOut, known->outputs.stdout_tail, known->record.stdout_bytes);
  send(OutputStream::kError, known->outputs.stderr_tail, known->record.stderr_bytes);
  if (IsFinal(known->record.state)) self->End(id, "the job has ended");
}

asio::awaitable<void> LiveWatch::SendFigures(std::shared_ptr<LiveWatch> self, std::string id) {
  for (int samples = 0; samples < limits::kMaxLiveSamples; ++samples) {
    const auto figures = co_await self->host_->MetricsNow();
    const auto watch = self->watches_.find(id);
    if (watch == self->watches_.end()) co_return;
    json::error_code error;
    json::value sample = figures.ok() ? json::parse(*figures, error) : json::value();
    if (!error && sample.is_object()) {
      self->live_.Send("live.metrics", {{"watch", id}, {"sample", std::move(sample)}});
    }
    asio::steady_timer second(self->home_, std::chrono::seconds(1));
    co_await second.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  self->End(id, "looked on for long enough; ask again");
}

void LiveWatch::OnOutput(const std::string& job_id,
                         OutputStream stream,
                         std::uint64_t offset,
                         std::string_view bytes) {
  for (auto& [id, watch] : watches_) {
    if (watch.job_id != job_id) continue;
    auto& decoder = stream == OutputStream::kOut ? watch.out : watch.error;
    SendPiece(id, stream, offset, decoder.Feed(bytes));
  }
}

void LiveWatch::SendPiece(const std::string& id,
                          OutputStream stream,
                          std::uint64_t offset,
                          std::string text) {
  auto& watch = watches_[id];
  if (text.empty() || watch.under_way >= limits::kShellWindowBytes) return;
  watch.under_way += text.size();
  live_.Send(
      "live.output",
      {{"watch", id}, {"stream", Name(stream)}, {"offset", offset}, {"data", std::move(text)}});
}

void LiveWatch::End(const std::string& id, std::string_view reason) {
  watches_.erase(id);
  live_.Send("live.end",
             {{"watch", id}, {"reason", json::string_view(reason.data(), reason.size())}});
}

}  // namespace tentacle::agent
