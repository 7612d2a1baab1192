#include "services/agent/unit_watcher.h"

#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "libs/text/view.h"
#include "services/agent/core/rfc3339.h"
#include "services/agent/host_tool.h"
#include "services/agent/limits.h"

namespace tentacle::agent {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

// systemctl(1): 3 says that one of the units is not active, 4 that there is no such unit.
constexpr int kNotActiveBits = 7;

}  // namespace

UnitWatcher::UnitWatcher(asio::any_io_executor home,
                         asio::thread_pool& blocking,
                         const runtime::Clock& clock,
                         runtime::Log log,
                         runtime::Health& health,
                         events::EventLog& events)
    : home_(home),
      blocking_(blocking),
      clock_(clock),
      log_(std::move(log)),
      health_(health),
      events_(events),
      timer_(home) {}

void UnitWatcher::Configure(Settings settings) {
  settings_ = std::move(settings);
  units_.clear();
  std::string wrong;
  for (const auto& text : settings_.units) {
    auto unit = ParseWatchedUnit(text);
    if (!unit.ok()) wrong = std::string(text::Message(unit.status()));
    if (unit.ok() && units_.size() < limits::kMaxWatchedUnits) units_.push_back(*std::move(unit));
  }
  health_.Set("watched_units", true, wrong);
  timer_.cancel();
}

void UnitWatcher::Start() {
  auto loop = Loop(shared_from_this());
  asio::co_spawn(home_, std::move(loop), asio::detached);
}

void UnitWatcher::Stop() {
  stopping_ = true;
  timer_.cancel();
}

asio::awaitable<void> UnitWatcher::Loop(std::shared_ptr<UnitWatcher> self) {
  while (!self->stopping_) {
    if (!self->units_.empty()) co_await self->Look();
    if (self->stopping_) co_return;
    self->timer_.expires_after(absl::ToChronoNanoseconds(self->settings_.interval));
    co_await self->timer_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

asio::awaitable<void> UnitWatcher::Look() {
  const auto units = units_;
  HostTool tool;
  tool.host = settings_.host;
  tool.argv = settings_.systemctl;
  tool.argv.insert(tool.argv.end(), {"is-active", "--"});
  for (const auto& one : units)
    tool.argv.push_back(one.unit);
  tool.timeout = limits::kUnitsTimeout;
  tool.allowed_exit_bits = kNotActiveBits;
  const auto printed = co_await RunHostTool(home_, blocking_, std::move(tool));
  if (!printed.ok()) {
    health_.Set("watched_units", true, std::string(text::Message(printed.status())));
    co_return;
  }
  const absl::Time now = clock_.Now();
  const auto step = watch_.Look(units, ParseIsActive(units, *printed), now);
  for (const auto& change : step.changes) {
    log_.Warning("agent.unit_changed", {{"unit", change.unit}, {"state", change.state}});
    const std::string body = json::serialize(json::object{{"unit", change.unit},
                                                          {"state", change.state},
                                                          {"expected", change.expected},
                                                          {"time", Rfc3339(now)}});
    auto event =
        events::MakeEvent("unit.changed", change.unit, event::v1::PRIORITY_RESULT, body, now);
    const auto kept = co_await events_.Append(std::move(event));
    static_cast<void>(kept);  // Counted by the log; the unit's next change is told.
  }
  for (const auto& unit : step.starts)
    co_await StartUnit(unit);
}

asio::awaitable<void> UnitWatcher::StartUnit(std::string unit) {
  HostTool tool;
  tool.host = settings_.host;
  tool.argv = settings_.systemctl;
  tool.argv.insert(tool.argv.end(), {"--no-block", "--no-ask-password", "start", "--", unit});
  tool.timeout = limits::kUnitsTimeout;
  const auto started = co_await RunHostTool(home_, blocking_, std::move(tool));
  log_.Warning("agent.unit_started",
               {{"unit", unit}, {"error", started.ok() ? "" : text::Message(started.status())}});
}

}  // namespace tentacle::agent
