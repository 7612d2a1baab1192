// An event log that keeps what was said in memory, in order. Fetching gives nothing: nobody does in
// the tests of a service.
#pragma once

#include <utility>
#include <vector>

#include "libs/events/event_log.h"

namespace tentacle::testing {

class KeptEvents : public events::EventLog {
 public:
  boost::asio::awaitable<absl::StatusOr<std::uint64_t>> Append(events::Event event) override {
    if (!refusal.ok()) {
      ++refused_;
      co_return refusal;
    }
    all.push_back(std::move(event));
    co_return all.size();
  }

  void Publish(events::Event event) override { all.push_back(std::move(event)); }

  boost::asio::awaitable<absl::StatusOr<std::vector<events::Event>>> Fetch(
      events::Priority, std::uint64_t, std::size_t, absl::Duration) override {
    co_return std::vector<events::Event>();
  }

  boost::asio::awaitable<absl::Status> Confirm(std::string, std::uint64_t) override {
    co_return absl::OkStatus();
  }

  void Close() override {}

  events::LaneView View(events::Priority) const override { return {"kept", 0, all.size(), 0}; }

  std::uint64_t refused() const override { return refused_; }

  std::vector<events::Event> all;
  absl::Status refusal;  // What Append() answers instead.

 protected:
  std::uint64_t refused_ = 0;
};

}  // namespace tentacle::testing
