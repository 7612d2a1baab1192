// The condition "store" and the store's metrics: whether what a service has to keep can be kept.
#pragma once

#include <functional>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include "libs/runtime/health.h"
#include "libs/runtime/log.h"
#include "libs/store/store.h"

namespace tentacle::runtime {

// Home thread only; the disk is asked on `blocking`.
class StoreWatch {
 public:
  // Everything must outlive it.
  StoreWatch(std::string_view service,
             store::Store& store,
             boost::asio::thread_pool& blocking,
             Health& health,
             Log& log,
             prometheus::Registry& registry);

  // Looks once, blocking: for the start.
  void Look() { Tell(store_.Check()); }

  // Looks every two seconds, for ever. Calls `restart` when only that helps.
  boost::asio::awaitable<void> Run(boost::asio::any_io_executor home,
                                   std::function<void()> restart);
  // Before each scrape.
  void Refresh();

 private:
  void Tell(const store::StoreCondition& condition);

  store::Store& store_;
  boost::asio::thread_pool& blocking_;
  Health& health_;
  Log& log_;
  bool ok_ = true;
  bool told_ = false;
  prometheus::Counter& refused_full_;
  prometheus::Counter& refused_broken_;
  prometheus::Counter& failed_;
  prometheus::Counter& reopened_;
};

}  // namespace tentacle::runtime
