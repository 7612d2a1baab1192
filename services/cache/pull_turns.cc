#include "services/cache/pull_turns.h"

#include <list>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "services/cache/limits.h"

namespace tentacle::cache {

namespace {

namespace asio = boost::asio;

}  // namespace

struct PullTurns::State {
  explicit State(asio::any_io_executor home_in) : home(std::move(home_in)) {}

  int& PlacesOf(PullClass pull_class) {
    if (pull_class == PullClass::kPrepull) return prepulls;
    return pull_class == PullClass::kRepair ? repairs : demands;
  }

  // Who came first looks first.
  void Tell() {
    for (asio::steady_timer* timer : waiting)
      timer->cancel();
  }

  const asio::any_io_executor home;
  int demands = limits::kDemandPulls;
  int repairs = limits::kRepairPulls;
  int prepulls = limits::kPrepullPulls;
  std::list<asio::steady_timer*> waiting;
};

namespace {

// In the list for as long as it lives, also when the coroutine is destroyed.
struct Waiter {
  explicit Waiter(std::shared_ptr<PullTurns::State> state_in)
      : state(std::move(state_in)), timer(state->home, asio::steady_timer::time_point::max()) {
    at = state->waiting.insert(state->waiting.end(), &timer);
  }

  ~Waiter() { state->waiting.erase(at); }

  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  std::shared_ptr<PullTurns::State> state;
  asio::steady_timer timer;
  std::list<asio::steady_timer*>::iterator at;
};

}  // namespace

PullTurns::Turn::Turn(std::shared_ptr<State> state, int& place)
    : state_(std::move(state)), place_(place) {
  --place_;
}

PullTurns::Turn::~Turn() {
  ++place_;
  state_->Tell();
}

PullTurns::PullTurns(asio::any_io_executor home)
    : state_(std::make_shared<State>(std::move(home))) {}

asio::awaitable<std::unique_ptr<PullTurns::Turn>> PullTurns::Take(
    std::shared_ptr<const std::atomic<PullClass>> pull_class, std::shared_ptr<Stopping> stop) {
  Waiter waiter(state_);
  for (;;) {
    if (stop->begun()) co_return nullptr;
    int& places = state_->PlacesOf(*pull_class);
    if (places > 0) co_return std::make_unique<Turn>(state_, places);
    co_await waiter.timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

void PullTurns::Tell() {
  state_->Tell();
}

}  // namespace tentacle::cache
