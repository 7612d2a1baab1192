#include "libs/runtime/store_watch.h"

#include <fmt/format.h>

#include <chrono>
#include <map>
#include <string>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libs/async/on_pool.h"

namespace tentacle::runtime {

namespace {

namespace asio = boost::asio;

// A full disk is to be seen, and a healed one to be used, within ten seconds.
constexpr auto kPause = std::chrono::seconds(2);

prometheus::Counter& MakeCounter(prometheus::Registry& registry,
                                 std::string_view service,
                                 std::string_view what,
                                 const std::string& help,
                                 const std::map<std::string, std::string>& labels = {}) {
  return prometheus::BuildCounter()
      .Name(fmt::format("tentacle_{}_store_{}_total", service, what))
      .Help(help)
      .Register(registry)
      .Add(labels);
}

void RaiseTo(prometheus::Counter& counter, std::uint64_t value) {
  const double difference = static_cast<double>(value) - counter.Value();
  if (difference > 0) counter.Increment(difference);
}

}  // namespace

StoreWatch::StoreWatch(std::string_view service,
                       store::Store& store,
                       asio::thread_pool& blocking,
                       Health& health,
                       Log& log,
                       prometheus::Registry& registry)
    : store_(store),
      blocking_(blocking),
      health_(health),
      log_(log),
      refused_full_(MakeCounter(registry,
                                service,
                                "refused_writes",
                                "Writes that were not tried: the disk is full, or was broken.",
                                {{"reason", "disk_full"}})),
      refused_broken_(MakeCounter(registry,
                                  service,
                                  "refused_writes",
                                  "Writes that were not tried: the disk is full, or was broken.",
                                  {{"reason", "broken"}})),
      failed_(MakeCounter(registry, service, "failed_writes", "Writes that the disk failed.")),
      reopened_(MakeCounter(registry,
                            service,
                            "reopenings",
                            "Times the store was opened again after the disk had failed.")) {
  prometheus::BuildGauge()
      .Name(fmt::format("tentacle_{}_store_began_empty", service))
      .Help("1 when the store was found damaged at the start and was moved aside.")
      .Register(registry)
      .Add({})
      .Set(store.recovered() ? 1 : 0);
}

void StoreWatch::Tell(const store::StoreCondition& condition) {
  health_.Set("store", condition.ok, condition.detail);
  if (told_ && condition.ok == ok_) return;
  if (!condition.ok) log_.Error("store.refuses_writes", {{"reason", condition.detail}});
  if (condition.ok && told_) log_.Info("store.takes_writes");
  ok_ = condition.ok;
  told_ = true;
}

asio::awaitable<void> StoreWatch::Run(asio::any_io_executor home, std::function<void()> restart) {
  asio::steady_timer pause(home);
  for (;;) {
    pause.expires_after(kPause);
    const auto [error] = co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
    if (error) co_return;
    auto check = [this] { return store_.Check(); };
    const store::StoreCondition condition = co_await async::OnPool(blocking_, std::move(check));
    Tell(condition);
    if (!condition.needs_restart) continue;
    restart();
    co_return;
  }
}

void StoreWatch::Refresh() {
  const store::StoreCounts counts = store_.counts();
  RaiseTo(refused_full_, counts.refused_full);
  RaiseTo(refused_broken_, counts.refused_broken);
  RaiseTo(failed_, counts.failed);
  RaiseTo(reopened_, counts.reopened);
}

}  // namespace tentacle::runtime
