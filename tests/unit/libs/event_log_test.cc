#include "libs/events/event_log.h"

#include <functional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "tests/support/env_number.h"
#include "tests/support/temp_dir.h"

namespace tentacle::events {
namespace {

namespace asio = boost::asio;
using event::v1::PRIORITY_METRIC;
using event::v1::PRIORITY_RESULT;

Event Result(std::string body) {
  return MakeEvent("t", "c", PRIORITY_RESULT, std::move(body), absl::UnixEpoch());
}

// A log in a folder, and a loop that runs one coroutine to its end.
class EventLogTest : public ::testing::Test {
 protected:
  void SetUp() override { Reopen({}); }

  void TearDown() override {
    log_.reset();
    pool_.join();
  }

  void Reopen(EventLogLimits limits) {
    log_.reset();
    store_.reset();
    store_ = *store::Store::Open(dir_ / "db");
    log_ = *EventLog::Open(*store_, io_.get_executor(), pool_, limits);
  }

  void Run(std::function<asio::awaitable<void>()> body) {
    bool done = false;
    auto whole = [&]() -> asio::awaitable<void> {
      co_await body();
      done = true;
    };
    io_.restart();
    asio::co_spawn(io_, whole, asio::detached);
    io_.run();
    ASSERT_TRUE(done);
  }

  asio::awaitable<void> Put(Event event) {
    const auto sequence = co_await log_->Append(std::move(event));
    EXPECT_TRUE(sequence.ok()) << sequence.status();
  }

  TempDir dir_;
  asio::io_context io_;
  asio::thread_pool pool_{2};
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<EventLog> log_;
};

TEST_F(EventLogTest, GivesEventsBackInOrderAfterARestart) {
  Run([this]() -> asio::awaitable<void> {
    for (int i = 1; i <= 5; ++i) {
      const auto sequence = co_await log_->Append(Result(std::to_string(i)));
      EXPECT_EQ(*sequence, static_cast<std::uint64_t>(i));
    }
  });
  const std::string epoch = log_->View(PRIORITY_RESULT).epoch;
  Reopen({});
  EXPECT_EQ(log_->View(PRIORITY_RESULT).epoch, epoch);
  Run([this]() -> asio::awaitable<void> {
    const auto events = co_await log_->Fetch(PRIORITY_RESULT, 2, 2, absl::ZeroDuration());
    EXPECT_EQ(events->size(), 2u);
    EXPECT_EQ((*events)[0].body_json(), "3");
    EXPECT_EQ((*events)[1].sequence(), 4u);
  });
}

TEST_F(EventLogTest, AppendsInTheOrderOfTheCalls) {
  Run([this]() -> asio::awaitable<void> {
    for (int i = 1; i <= 50; ++i)
      log_->Publish(Result(std::to_string(i)));
    co_await Put(Result("51"));
    const auto events = co_await log_->Fetch(PRIORITY_RESULT, 0, 100, absl::ZeroDuration());
    EXPECT_EQ(events->size(), 51u);
    for (std::size_t i = 0; i < events->size(); ++i)
      EXPECT_EQ((*events)[i].body_json(), std::to_string(i + 1));
  });
}

TEST_F(EventLogTest, FetchWaitsForTheNextEvent) {
  Run([this]() -> asio::awaitable<void> {
    log_->Publish(Result("late"));
    const auto events = co_await log_->Fetch(PRIORITY_RESULT, 0, 10, absl::Seconds(30));
    EXPECT_EQ(events->size(), 1u);
  });
}

TEST_F(EventLogTest, CloseWakesWhoWaits) {
  Run([this]() -> asio::awaitable<void> {
    log_->Close();
    const auto events = co_await log_->Fetch(PRIORITY_RESULT, 0, 10, absl::Hours(1));
    EXPECT_TRUE(events->empty());
  });
}

TEST_F(EventLogTest, ConfirmedEventsAreForgottenForGood) {
  Run([this]() -> asio::awaitable<void> {
    for (int i = 0; i < 3; ++i)
      co_await Put(Result("x"));
    const absl::Status confirmed = co_await log_->Confirm(log_->View(PRIORITY_RESULT).epoch, 2);
    EXPECT_TRUE(confirmed.ok());
  });
  Reopen({});
  EXPECT_EQ(log_->View(PRIORITY_RESULT).confirmed, 2u);
  Run([this]() -> asio::awaitable<void> {
    const auto events = co_await log_->Fetch(PRIORITY_RESULT, 0, 10, absl::ZeroDuration());
    EXPECT_EQ(events->size(), 1u);
  });
}

TEST_F(EventLogTest, AnotherEpochOrAFutureSequenceIsRefused) {
  Run([this]() -> asio::awaitable<void> {
    const absl::Status other = co_await log_->Confirm("other", 0);
    EXPECT_TRUE(absl::IsInvalidArgument(other));
    const absl::Status future = co_await log_->Confirm(log_->View(PRIORITY_RESULT).epoch, 9);
    EXPECT_TRUE(absl::IsInvalidArgument(future));
  });
}

Event Metric(std::string body) {
  return MakeEvent("m", "", PRIORITY_METRIC, std::move(body), absl::UnixEpoch());
}

TEST_F(EventLogTest, ResultsAreRefusedAtTheirLimitAndNeverForgotten) {
  Reopen({.results = 2, .inventories = 2, .metrics = 2});
  Run([this]() -> asio::awaitable<void> {
    co_await Put(Result("1"));
    co_await Put(Result("2"));
    const auto third = co_await log_->Append(Result("3"));
    EXPECT_TRUE(absl::IsResourceExhausted(third.status()));
    EXPECT_EQ(log_->refused(), 1u);
    const auto metric = co_await log_->Append(Metric("still taken"));
    EXPECT_TRUE(metric.ok());
    const absl::Status confirmed = co_await log_->Confirm(log_->View(PRIORITY_RESULT).epoch, 1);
    EXPECT_TRUE(confirmed.ok());
    const auto again = co_await log_->Append(Result("3"));
    EXPECT_TRUE(again.ok());
    const auto events = co_await log_->Fetch(PRIORITY_RESULT, 0, 10, absl::ZeroDuration());
    EXPECT_EQ(events->size(), 2u);
    EXPECT_EQ(events->front().body_json(), "2");
  });
}

TEST_F(EventLogTest, OldestMetricsGoAndAreCountedAlsoAfterARestart) {
  Reopen({.results = 2, .inventories = 2, .metrics = 3});
  Run([this]() -> asio::awaitable<void> {
    for (int i = 1; i <= 5; ++i) {
      const auto sequence = co_await log_->Append(Metric(std::to_string(i)));
      EXPECT_EQ(*sequence, static_cast<std::uint64_t>(i));
    }
  });
  Reopen({.results = 2, .inventories = 2, .metrics = 3});
  EXPECT_EQ(log_->View(PRIORITY_METRIC).thinned, 2u);
  EXPECT_EQ(log_->refused(), 0u);
  Run([this]() -> asio::awaitable<void> {
    const auto events = co_await log_->Fetch(PRIORITY_METRIC, 0, 10, absl::ZeroDuration());
    EXPECT_EQ(events->size(), 3u);
    EXPECT_EQ(events->front().body_json(), "3");
    EXPECT_EQ(events->front().sequence(), 3u);
  });
}

TEST_F(EventLogTest, BurstLargerThanTheLaneKeepsTheNewest) {
  Reopen({.results = 2, .inventories = 2, .metrics = 3});
  Run([this]() -> asio::awaitable<void> {
    for (int i = 1; i <= 9; ++i)
      log_->Publish(Metric(std::to_string(i)));
    co_await Put(Metric("10"));
    const auto events = co_await log_->Fetch(PRIORITY_METRIC, 0, 10, absl::ZeroDuration());
    EXPECT_EQ(events->back().body_json(), "10");
    const LaneView view = log_->View(PRIORITY_METRIC);
    EXPECT_EQ(view.last, 10u);
    EXPECT_EQ(view.thinned + events->size(), 10u);
  });
}

TEST_F(EventLogTest, ConfirmingOneLaneForgetsNothingOfAnother) {
  Run([this]() -> asio::awaitable<void> {
    co_await Put(Result("1"));
    co_await Put(Metric("1"));
    const absl::Status confirmed = co_await log_->Confirm(log_->View(PRIORITY_METRIC).epoch, 1);
    EXPECT_TRUE(confirmed.ok());
    const auto results = co_await log_->Fetch(PRIORITY_RESULT, 0, 10, absl::ZeroDuration());
    EXPECT_EQ(results->size(), 1u);
    const auto metrics = co_await log_->Fetch(PRIORITY_METRIC, 0, 10, absl::ZeroDuration());
    EXPECT_TRUE(metrics->empty());
  });
}

TEST_F(EventLogTest, BurstOfResultsIsWholeAndInOrder) {
  constexpr int kBurst = 1000;
  Run([this]() -> asio::awaitable<void> {
    for (int i = 1; i < kBurst; ++i)
      log_->Publish(Result(std::to_string(i)));
    const auto sequence = co_await log_->Append(Result(std::to_string(kBurst)));
    EXPECT_EQ(*sequence, static_cast<std::uint64_t>(kBurst));
    const auto events = co_await log_->Fetch(PRIORITY_RESULT, 0, 2 * kBurst, absl::ZeroDuration());
    EXPECT_EQ(events->size(), static_cast<std::size_t>(kBurst));
    for (std::size_t i = 0; i < events->size(); ++i)
      EXPECT_EQ((*events)[i].body_json(), std::to_string(i + 1));
  });
}

// Bar F4: the backend is away for a day, and every second something happens. A quarter of it in
// every run, which is more metrics than are kept.
TEST_F(EventLogTest, ADayWithoutTheBackendCostsMetricsAndNothingElse) {
  const auto minutes =
      60 * static_cast<std::uint64_t>(tentacle::testing::EnvNumber("TENTACLE_TEST_HOURS", 6));
  const std::uint64_t samples = 59 * minutes;
  const EventLogLimits limits;
  Run([this, minutes]() -> asio::awaitable<void> {
    for (std::uint64_t minute = 0; minute < minutes; ++minute) {
      for (int second = 1; second < 60; ++second)
        log_->Publish(MakeEvent("t", "c", PRIORITY_METRIC, "{}", absl::UnixEpoch()));
      const auto sequence = co_await log_->Append(Result("{}"));
      EXPECT_TRUE(sequence.ok()) << sequence.status();
    }
  });
  const LaneView results = log_->View(PRIORITY_RESULT);
  EXPECT_EQ(results.last - results.confirmed, minutes);
  EXPECT_EQ(results.thinned, 0u);
  const LaneView metrics = log_->View(PRIORITY_METRIC);
  EXPECT_EQ(metrics.last, samples);
  EXPECT_LE(metrics.last - metrics.confirmed, limits.metrics);
  EXPECT_EQ(metrics.thinned, samples - (metrics.last - metrics.confirmed));
  EXPECT_GT(metrics.thinned, 0u);
  EXPECT_EQ(log_->refused(), 0u);
  Reopen({});
  EXPECT_EQ(log_->View(PRIORITY_METRIC).thinned, metrics.thinned);
}

}  // namespace
}  // namespace tentacle::events
