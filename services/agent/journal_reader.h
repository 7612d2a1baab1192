// Sends the host's journal upward: entries after the last one that is in the event log, none left
// out over a restart, some twice at worst (their cursor tells), and no more a minute than is
// allowed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "libs/events/event_log.h"
#include "libs/runtime/clock.h"
#include "libs/runtime/health.h"
#include "libs/runtime/log.h"
#include "libs/store/store.h"
#include "services/agent/core/journal.h"
#include "services/agent/host_space.h"
#include "services/agent/metrics.h"

namespace tentacle::agent {

// Home thread. Made by make_shared: its loop keeps it alive.
class JournalReader : public std::enable_shared_from_this<JournalReader> {
 public:
  struct Settings {
    bool enabled = false;
    JournalFilter filter;
    std::uint32_t entries_per_minute = 0;
    std::vector<std::string> journalctl = {"/usr/bin/journalctl"};
    HostSpacePtr host;        // Whose journal it is; null: where the agent is.
    absl::Duration interval;  // Between looks.
  };

  JournalReader(boost::asio::any_io_executor home,
                boost::asio::thread_pool& blocking,
                const runtime::Clock& clock,
                runtime::Log log,
                std::shared_ptr<Metrics> metrics,
                runtime::Health& health,
                store::Store& store,
                events::EventLog& events);

  // Takes effect with the next look.
  void Configure(Settings settings);
  void Start();
  void Stop();

 private:
  static boost::asio::awaitable<void> Loop(std::shared_ptr<JournalReader> self);
  // True: there is more to be had at once.
  boost::asio::awaitable<bool> Look();
  boost::asio::awaitable<absl::StatusOr<std::vector<JournalEntry>>> Read(std::string cursor);
  boost::asio::awaitable<bool> Send(std::vector<JournalEntry> entries, std::string gap);
  boost::asio::awaitable<std::string> LoadCursor();

  boost::asio::any_io_executor home_;
  boost::asio::thread_pool& blocking_;
  const runtime::Clock& clock_;
  runtime::Log log_;
  std::shared_ptr<Metrics> metrics_;
  runtime::Health& health_;
  store::Store& store_;
  events::EventLog& events_;
  Settings settings_;
  boost::asio::steady_timer timer_;
  absl::Time minute_ = absl::InfinitePast();  // Whose entries are counted.
  std::uint32_t sent_in_minute_ = 0;
  bool stopping_ = false;
};

}  // namespace tentacle::agent
