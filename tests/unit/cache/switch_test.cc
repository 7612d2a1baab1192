// Pulls, repairs and their turns when the cache is switched off and on, and when all places are
// taken.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/schedule/weekly.h"
#include "services/cache/limits.h"
#include "tests/unit/cache/cache_bench.h"
#include "tests/unit/cache/fake_origin.h"

namespace tentacle::cache::testing {
namespace {

namespace fs = std::filesystem;
using v1::IMAGE_STATE_ABSENT;
using v1::IMAGE_STATE_CACHED;

constexpr std::size_t kMib = 1 << 20;

// Pulls that begin are held in their middle, until Release().
class HeldTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* id : {"a", "b", "c", "d", "e"})
      origin_.Put(id, Bytes(id));
    Hold();
  }

  void Hold() {
    origin_.OnPull([](const OriginRequest&, OriginReply honest) {
      honest.hold_at = std::min(kMib, honest.body.size() / 2);
      return honest;
    });
  }

  static std::string Bytes(const std::string& id) {
    return Pattern(static_cast<unsigned char>(id[0]), 3 * kMib + 7);
  }

  absl::Status Demand(const std::string& id, PullClass rank) {
    const auto demand = [&]() -> asio::awaitable<absl::Status> {
      const auto entry = co_await bench_.library().Demand(id, rank);
      co_return entry.status();
    };
    return bench_.Do(demand());
  }

  // Cached, and damaged behind its back.
  void HaveDamaged(const std::string& id) {
    origin_.OnPull([](const OriginRequest&, OriginReply honest) { return honest; });
    origin_.PutChunked(id, Bytes(id));
    ASSERT_TRUE(bench_.Pull(id).ok());
    bench_.ExpectCached(id, Bytes(id));
    FlipBit(bench_.FinalPath(id), 8 * 2 * kMib);
    Hold();
  }

  void Check(const std::string& id) {
    bench_.OnHome([&] { ASSERT_TRUE(bench_.scrubber().Request(id).ok()); });
  }

  void Switch(bool on) {
    bench_.Reconfigure([on](auto& config) { config.mutable_cache()->set_enabled(on); });
  }

  // Before a pull that runs can have ended.
  void SwitchOffAndOnAtOnce() {
    bench_.OnHome([this] {
      auto& cache = *bench_.config.config.mutable_cache();
      cache.set_enabled(false);
      bench_.library().Configure();
      cache.set_enabled(true);
      bench_.library().Configure();
    });
  }

  FakeOrigin origin_;
  CacheBench bench_{origin_};
};

using TurnTest = HeldTest;

TEST_F(TurnTest, NoPrepullAndNoRepairTakesThePlaceOfADemand) {
  HaveDamaged("a");
  Check("a");
  origin_.AwaitHeld(1);
  ASSERT_TRUE(Demand("b", PullClass::kPrepull).ok());
  ASSERT_TRUE(Demand("c", PullClass::kTask).ok());
  ASSERT_TRUE(Demand("d", PullClass::kClient).ok());
  origin_.AwaitHeld(limits::kPullThreads);
  ASSERT_TRUE(Demand("e", PullClass::kTask).ok());
  origin_.Release();
  for (const char* id : {"a", "b", "c", "d", "e"})
    bench_.ExpectCached(id, Bytes(id));
}

TEST_F(TurnTest, APrepullThatWaitsForItsPlaceAndIsDemandedGetsOneOfTheDemands) {
  ASSERT_TRUE(Demand("a", PullClass::kPrepull).ok());
  ASSERT_TRUE(Demand("b", PullClass::kPrepull).ok());
  origin_.AwaitHeld(1);
  EXPECT_EQ(origin_.pulls().size(), 1u);
  ASSERT_TRUE(Demand("b", PullClass::kTask).ok());
  origin_.AwaitHeld(2);
  EXPECT_NE(origin_.pulls()[1].path.find("/b/"), std::string::npos);
  origin_.Release();
  bench_.ExpectCached("b", Bytes("b"));
}

TEST_F(TurnTest, OneThatIsTakenBackWhileItWaitsForItsPlaceIsOver) {
  ASSERT_TRUE(Demand("a", PullClass::kPrepull).ok());
  ASSERT_TRUE(Demand("b", PullClass::kPrepull).ok());
  origin_.AwaitHeld(1);
  bench_.OnHome([this] { bench_.library().Withdraw("b"); });
  EXPECT_EQ(bench_.AwaitRest("b").state(), IMAGE_STATE_ABSENT);
  EXPECT_EQ(origin_.pulls().size(), 1u);
}

using SwitchTest = HeldTest;

TEST_F(SwitchTest, APullStopsWithTheSwitchAndGoesOnWithIt) {
  ASSERT_TRUE(bench_.Pull("a").ok());
  bench_.AwaitTold("a", kMib);
  Switch(false);
  EXPECT_EQ(bench_.AwaitRest("a").state(), IMAGE_STATE_ABSENT);
  Switch(false);
  EXPECT_EQ(origin_.pulls().size(), 1u);
  origin_.Release();
  Switch(true);
  bench_.ExpectCached("a", Bytes("a"));
  ASSERT_EQ(origin_.pulls().size(), 2u);
  EXPECT_NE(origin_.pulls()[1].range, "");
}

TEST_F(SwitchTest, OnAgainBeforeThePullHasEndedItGoesOn) {
  ASSERT_TRUE(bench_.Pull("a").ok());
  bench_.AwaitTold("a", kMib);
  SwitchOffAndOnAtOnce();
  origin_.Release();
  bench_.AwaitTrue([this] { return bench_.Image("a").state() == IMAGE_STATE_CACHED; });
}

TEST_F(SwitchTest, OneThatWaitsForTheSwitchCanBeCancelled) {
  ASSERT_TRUE(bench_.Pull("a").ok());
  bench_.AwaitTold("a", kMib);
  Switch(false);
  bench_.AwaitRest("a");
  EXPECT_TRUE(bench_.CancelPull("a").ok());
  EXPECT_TRUE(absl::IsNotFound(bench_.CancelPull("a")));
  Switch(true);
  EXPECT_FALSE(bench_.PullRuns("a"));
}

TEST_F(SwitchTest, AnImageThatIsRemovedMeanwhileDoesNotComeBack) {
  ASSERT_TRUE(bench_.Pull("a").ok());
  bench_.AwaitTold("a", kMib);
  Switch(false);
  bench_.AwaitRest("a");
  EXPECT_TRUE(bench_.Evict("a").ok());
  Switch(true);
  EXPECT_FALSE(bench_.PullRuns("a"));
}

TEST_F(SwitchTest, ARepairWaitsForTheSwitchAlsoOverARestart) {
  HaveDamaged("a");
  const std::size_t before = origin_.pulls().size();
  Switch(false);
  Check("a");
  bench_.AwaitTrue([this] { return bench_.Image("a").state() == IMAGE_STATE_ABSENT; });
  EXPECT_FALSE(bench_.PullRuns("a"));
  bench_.Stop();
  bench_.Start();
  EXPECT_EQ(origin_.pulls().size(), before);
  origin_.Release();
  Switch(true);
  bench_.ExpectCached("a", Bytes("a"));
}

// What a machine reads is exchanged for nothing that nobody has checked, in the middle of a span,
// either.
TEST_F(SwitchTest, WhoReadsAnImageThatIsDoubtedIsCutOffAtOnce) {
  const std::string bytes = Pattern(9, 24 * kMib);
  origin_.OnPull([](const OriginRequest&, OriginReply honest) { return honest; });
  origin_.PutChunked("large", bytes);
  ASSERT_TRUE(bench_.Pull("large").ok());
  bench_.ExpectCached("large", bytes);
  Hold();
  Client client(bench_.port());
  client.Send("large");
  const Answer head = client.Head();
  ASSERT_EQ(head.status, 200u);
  std::string body = client.Read(kMib);
  // Behind what the kernel holds ready for the client, and within the span that is being sent.
  const std::size_t at = 15 * kMib;
  FlipBit(bench_.FinalPath("large"), 8 * at);
  Check("large");
  bench_.AwaitTrue([this] { return bench_.Image("large").state() != IMAGE_STATE_CACHED; });
  body += client.Read(head.stated - kMib);
  EXPECT_LT(body.size(), at);
  EXPECT_TRUE(bytes.starts_with(body));
}

// Other images may have its room meanwhile.
TEST_F(SwitchTest, AfterARestartRepairsComeOneAfterTheOtherAndTheyThatWaitRefuseNoDemand) {
  for (const char* id : {"a", "b", "c"})
    HaveDamaged(id);
  bench_.Stop();
  bench_.config.config.mutable_cache()->set_max_bytes(11 * kMib);
  bench_.Start();
  origin_.AwaitHeld(1);
  EXPECT_EQ(bench_.OnHome([this] {
    return std::count_if(bench_.library().entries().begin(), bench_.library().entries().end(),
                         [](const auto& one) { return one.second->pull_runs; });
  }),
            1);
  ASSERT_TRUE(bench_.Pull("d").ok());
  origin_.Release();
  bench_.ExpectCached("d", Bytes("d"));
  bench_.AwaitTrue([this] {
    int cached = 0;
    for (const char* id : {"a", "b", "c"})
      cached += bench_.Image(id).state() == IMAGE_STATE_CACHED ? 1 : 0;
    return cached == 2;
  });
}

TEST_F(SwitchTest, RepairsInTroubleHoldUpNoOtherAndGiveWayToADemand) {
  for (const char* id : {"a", "b", "c"})
    HaveDamaged(id);
  origin_.OnPull([](const OriginRequest& request, OriginReply honest) {
    const bool is_in_trouble = request.path.find("/a/") != std::string::npos ||
                               request.path.find("/b/") != std::string::npos;
    if (is_in_trouble) honest.status = 503;
    return honest;
  });
  bench_.Stop();
  bench_.Start();
  bench_.AwaitTrue([this] { return bench_.Image("c").state() == IMAGE_STATE_CACHED; });
  EXPECT_TRUE(bench_.PullRuns("a"));
  EXPECT_TRUE(bench_.PullRuns("b"));
  ASSERT_TRUE(bench_.Do(bench_.library().Pin("c", true)).ok());
  bench_.OnHome([this] { bench_.config.config.mutable_cache()->set_max_bytes(10 * kMib); });
  // Between two of its tries.
  bench_.AwaitTrue([this] { return bench_.Pull("d").ok(); });
  bench_.ExpectCached("d", Bytes("d"));
  bench_.AwaitTrue([this] { return !bench_.PullRuns("a") || !bench_.PullRuns("b"); });
  const char* gone = bench_.PullRuns("a") ? "b" : "a";
  EXPECT_FALSE(fs::exists(bench_.PartPath(gone)));
  EXPECT_EQ(bench_.Image(gone).present_bytes(), 0u);
}

// One of them gets its room, from the other.
TEST_F(SwitchTest, OfTwoPullsThatNoLongerFitBothOneGoesOn) {
  for (const char* id : {"a", "b"}) {
    ASSERT_TRUE(bench_.Pull(id).ok());
    bench_.AwaitTold(id, kMib);
  }
  bench_.Stop();
  bench_.config.config.mutable_cache()->set_max_bytes(3 * kMib + kMib / 2);
  origin_.Release();
  bench_.Start();
  bench_.AwaitTrue([this] {
    return bench_.Image("a").state() == IMAGE_STATE_CACHED ||
           bench_.Image("b").state() == IMAGE_STATE_CACHED;
  });
}

TEST_F(SwitchTest, ARepairThatAPrepullTakesOverStaysOne) {
  for (const char* id : {"a", "b"})
    HaveDamaged(id);
  bench_.Stop();
  bench_.Start();
  origin_.AwaitHeld();
  const char* waits = bench_.PullRuns("a") ? "b" : "a";
  ASSERT_TRUE(Demand(waits, PullClass::kPrepull).ok());
  EXPECT_EQ(*bench_.OnHome([&] { return bench_.library().entries().at(waits)->pull_class; }),
            PullClass::kRepair);
  bench_.OnHome([&] { bench_.library().Withdraw(waits); });
  origin_.Release();
  for (const char* id : {"a", "b"})
    bench_.ExpectCached(id, Bytes(id));
}

TEST_F(SwitchTest, AnImageThatAClientTookOverWhileItWaitedIsNoPullAnyMore) {
  for (const char* id : {"a", "b"})
    HaveDamaged(id);
  bench_.Stop();
  bench_.Start();
  origin_.AwaitHeld();
  const char* waits = bench_.PullRuns("a") ? "b" : "a";
  // The other one is held still.
  origin_.OnPull([](const OriginRequest&, OriginReply honest) { return honest; });
  ASSERT_TRUE(Demand(waits, PullClass::kClient).ok());
  bench_.ExpectCached(waits, Bytes(waits));
  origin_.Release();
  for (const char* id : {"a", "b"})
    bench_.ExpectCached(id, Bytes(id));
  bench_.Stop();
  fs::remove(bench_.FinalPath(waits));
  bench_.Start();
  EXPECT_FALSE(bench_.PullRuns(waits));
}

// The desk waits in it: it is still its pull.
TEST_F(SwitchTest, OffAndOnAgainAtOnceAPrepullGoesOn) {
  ASSERT_TRUE(Demand("a", PullClass::kPrepull).ok());
  bench_.AwaitTold("a", kMib);
  SwitchOffAndOnAtOnce();
  origin_.Release();
  bench_.AwaitTrue([this] { return bench_.Image("a").state() == IMAGE_STATE_CACHED; });
}

using CalendarTest = HeldTest;

TEST_F(CalendarTest, TheLimitFollowsTheCalendarByTheClockOnTheWall) {
  const absl::TimeZone berlin = *schedule::LoadZone("Europe/Berlin");
  const auto limit_at = [&](int month, int day, int hour, int minute) {
    bench_.OnHome([&] {
      bench_.clock.now = absl::FromCivil(absl::CivilMinute(2026, month, day, hour, minute), berlin);
    });
    bench_.Reconfigure([](auto& config) {
      auto& cache = *config.mutable_cache();
      cache.set_time_zone("Europe/Berlin");
      cache.set_wan_limit_mbit(50);
      cache.clear_wan_calendar();
      cache.add_wan_calendar("Mon-Fri 07:00-19:00 10");
      cache.add_wan_calendar("Sun 00:00-24:00 unlimited");
    });
    return bench_.OnHome([&] { return bench_.planning().line.limiter().limit_mbit(); });
  };
  // A Tuesday in winter, one in summer, a Saturday and a Sunday.
  EXPECT_EQ(limit_at(11, 24, 6, 59), 50);
  EXPECT_EQ(limit_at(11, 24, 7, 0), 10);
  EXPECT_EQ(limit_at(11, 24, 19, 0), 50);
  EXPECT_EQ(limit_at(7, 7, 6, 59), 50);
  EXPECT_EQ(limit_at(7, 7, 7, 0), 10);
  EXPECT_EQ(limit_at(11, 28, 12, 0), 50);
  EXPECT_EQ(limit_at(11, 29, 12, 0), std::nullopt);
}

// Counts what passes, and by whom.
class CountingLimiter final : public LineLimiter {
 public:
  void Take(std::uint64_t bytes, const std::atomic<PullClass>& pull_class, Stopping&) override {
    passed += bytes;
    if (pull_class == PullClass::kTask) of_tasks += bytes;
  }

  std::optional<std::size_t> Window() const override { return std::nullopt; }

  std::atomic<std::uint64_t> passed = 0;
  std::atomic<std::uint64_t> of_tasks = 0;
};

TEST_F(CalendarTest, ChunkListsPassTheLimiterAndAreCounted) {
  CountingLimiter limiter;
  bench_.OnHome([&] { bench_.library().LimitLine(&limiter); });
  origin_.OnPull([](const OriginRequest&, OriginReply honest) { return honest; });
  origin_.PutChunked("a", Bytes("a"));
  ASSERT_TRUE(bench_.Pull("a").ok());
  bench_.ExpectCached("a", Bytes("a"));
  const std::uint64_t wire = Bytes("a").size() + origin_.ListBytes("a");
  EXPECT_EQ(limiter.passed, wire);
  EXPECT_EQ(limiter.of_tasks, wire);
  EXPECT_EQ(bench_.Ledger().backend_bytes(), wire);
  bench_.OnHome([&] { bench_.library().LimitLine(nullptr); });
}

}  // namespace
}  // namespace tentacle::cache::testing
