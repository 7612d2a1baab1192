// Whose turn it is: demands, repairs and prepulls have places of their own, so that no number of
// the latter two keeps somebody waiting who needs an image now. Home thread only.
#pragma once

#include <atomic>
#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "services/cache/line_limiter.h"
#include "services/cache/stopping.h"

namespace tentacle::cache {

class PullTurns {
 public:
  struct State;

  // A place, given back with its end.
  class Turn {
   public:
    Turn(std::shared_ptr<State> state, int& place);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    std::shared_ptr<State> state_;
    int& place_;  // Of the state.
  };

  explicit PullTurns(boost::asio::any_io_executor home);

  // Waits for a place of the class that the pull is of by then. Null: `stop` has begun.
  boost::asio::awaitable<std::unique_ptr<Turn>> Take(
      std::shared_ptr<const std::atomic<PullClass>> pull_class, std::shared_ptr<Stopping> stop);

  // A class has risen, or a stop has begun: who waits looks again.
  void Tell();

 private:
  std::shared_ptr<State> state_;
};

}  // namespace tentacle::cache
