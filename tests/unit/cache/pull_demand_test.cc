// Who wants a pull, and who does not any more: demands that meet a pull which is being broken off.
#include <atomic>

#include <gtest/gtest.h>

#include "services/cache/limits.h"
#include "tests/unit/cache/cache_bench.h"
#include "tests/unit/cache/fake_origin.h"

namespace tentacle::cache::testing {
namespace {

using v1::IMAGE_STATE_ABSENT;

constexpr std::size_t kMib = 1 << 20;

class PullDemandTest : public ::testing::Test {
 protected:
  void SetUp() override {
    origin_.Put("img", bytes_);
    origin_.OnPull([](const OriginRequest& request, OriginReply honest) {
      if (request.number == 1) honest.hold_at = kMib;
      return honest;
    });
  }

  void HaveAPullUnderWay(PullClass rank) {
    ASSERT_TRUE(Demand(rank).ok());
    bench_.AwaitTold("img", kMib);
  }

  absl::Status Demand(PullClass rank, const std::string& id = "img") {
    return bench_.Do(DemandAfter([](ImageLibrary&) {}, rank, id));
  }

  // In one turn of the home thread: the pull that `before` breaks off has not ended yet.
  asio::awaitable<absl::Status> DemandAfter(std::function<void(ImageLibrary&)> before,
                                            PullClass rank,
                                            std::string id = "img") {
    before(bench_.library());
    const auto entry = co_await bench_.library().Demand(std::move(id), rank);
    co_return entry.status();
  }

  PullClass Class() {
    return bench_.OnHome(
        [this] { return bench_.library().entries().at("img")->pull_class->load(); });
  }

  const std::string bytes_ = Pattern(1, 3 * kMib);
  FakeOrigin origin_;
  CacheBench bench_{origin_};
};

TEST_F(PullDemandTest, ATaskThatAsksWhileThePullIsBeingCancelledGetsTheImage) {
  HaveAPullUnderWay(PullClass::kTask);
  const auto cancel = [](ImageLibrary& library) { EXPECT_TRUE(library.CancelPull("img").ok()); };
  EXPECT_TRUE(bench_.Do(DemandAfter(cancel, PullClass::kTask)).ok());
  bench_.ExpectCached("img", bytes_);
  // What was here is not fetched again.
  EXPECT_NE(origin_.pulls().back().range, "");
}

TEST_F(PullDemandTest, ATaskThatAsksWhileAPrepullIsTakenBackIsNotForgottenByARestart) {
  origin_.Put("busy", Pattern(7, 3 * kMib));
  ASSERT_TRUE(Demand(PullClass::kPrepull, "busy").ok());
  origin_.AwaitHeld();  // What comes now waits for its place.
  ASSERT_TRUE(Demand(PullClass::kPrepull).ok());
  const auto withdraw = [](ImageLibrary& library) { library.Withdraw("img"); };
  EXPECT_TRUE(bench_.Do(DemandAfter(withdraw, PullClass::kTask)).ok());
  bench_.Stop();
  bench_.Start();
  bench_.ExpectCached("img", bytes_);
}

TEST_F(PullDemandTest, AClientThatComesWhileAPrepullIsTakenBackGetsTheImageAndItsTurn) {
  HaveAPullUnderWay(PullClass::kPrepull);
  origin_.OnPull([](const OriginRequest&, OriginReply honest) {
    honest.hold_at = kMib;
    return honest;
  });
  const auto withdraw = [](ImageLibrary& library) { library.Withdraw("img"); };
  EXPECT_TRUE(bench_.Do(DemandAfter(withdraw, PullClass::kClient)).ok());
  bench_.AwaitTrue([this] { return origin_.pulls().size() == 2; });
  EXPECT_EQ(Class(), PullClass::kClient);
  origin_.Release();
  bench_.ExpectCached("img", bytes_);
}

TEST_F(PullDemandTest, APrepullThatIsTakenBackTwiceIsNotGoneOnWith) {
  HaveAPullUnderWay(PullClass::kPrepull);
  bench_
      .Do([](ImageLibrary& library) -> asio::awaitable<absl::Status> {
        library.Withdraw("img");
        const auto entry = co_await library.Demand("img", PullClass::kPrepull);
        library.Withdraw("img");
        co_return entry.status();
      }(bench_.library()))
      .IgnoreError();
  EXPECT_EQ(bench_.AwaitRest("img").state(), IMAGE_STATE_ABSENT);
  EXPECT_EQ(origin_.pulls().size(), 1u);
}

TEST_F(PullDemandTest, ANeighbourThatReadsAlongKeepsNoPrepullGoing) {
  origin_.PutChunked("img", bytes_);
  HaveAPullUnderWay(PullClass::kPrepull);
  net::HttpRequest request;
  request.method = "GET";
  request.path = "/images/img";
  std::vector<net::HttpReply> along;
  along.push_back(bench_.Do(bench_.routes().Handle(request, Reader::kNeighbour)));
  // Nor does one that asks while it is being taken back.
  const auto ask_late = [&]() -> asio::awaitable<net::HttpReply> {
    bench_.library().Withdraw("img");
    co_return co_await bench_.routes().Handle(request, Reader::kNeighbour);
  };
  along.push_back(bench_.Do(ask_late()));
  EXPECT_EQ(along[0].status, 200u);
  EXPECT_EQ(bench_.AwaitRest("img").state(), IMAGE_STATE_ABSENT);
  bench_.OnHome([&along] { along.clear(); });
}

TEST_F(PullDemandTest, WhatAClientReadOnceIsAPrepullAgainWhenOnlyAPrepullWantsIt) {
  origin_.Release();
  ASSERT_TRUE(Demand(PullClass::kTask).ok());
  bench_.ExpectCached("img", bytes_);
  ASSERT_TRUE(bench_.Get("img").body == bytes_);
  bench_.AwaitTrue([this] { return bench_.Evict("img").ok(); });
  ASSERT_TRUE(Demand(PullClass::kPrepull).ok());
  EXPECT_EQ(Class(), PullClass::kPrepull);
  bench_.ExpectCached("img", bytes_);
}

// The list comes with a later series of tries; what was read before it nobody had checked.
TEST_F(PullDemandTest, WhoReadBeforeThereWasAListIsCutOffWhenItComes) {
  origin_.OnPull([](const OriginRequest& request, OriginReply honest) {
    if (request.number == 1) {
      honest.body[0] ^= 1;
      honest.cut_after = 2 * kMib;
      honest.hold_at = 2 * kMib;
    } else if (request.number <= 1 + limits::kFruitlessTries) {
      honest.status = 503;
    }
    return honest;
  });
  Client client(bench_.port());
  client.Send("img");
  Answer answer = client.Head();
  ASSERT_EQ(answer.status, 200u);
  answer.body = client.Read(kMib);
  ASSERT_EQ(answer.body.size(), kMib);
  origin_.PutChunked("img", bytes_);
  origin_.Release();
  answer.body += client.Read(answer.stated - kMib);
  EXPECT_FALSE(answer.whole());
  bench_.ExpectCached("img", bytes_);
  EXPECT_EQ(origin_.lists(), 2);
}

// The same when the list comes with the pull that follows one that was broken off.
TEST_F(PullDemandTest, WhoReadFromAPullThatIsBrokenOffIsCutOffWhenTheNextOneHasAList) {
  origin_.OnPull([](const OriginRequest& request, OriginReply honest) {
    if (request.number > 1) return honest;
    honest.body[0] ^= 1;
    honest.hold_at = 2 * kMib;
    return honest;
  });
  HaveAPullUnderWay(PullClass::kTask);
  origin_.PutChunked("img", bytes_);
  net::HttpRequest request;
  request.method = "GET";
  request.path = "/images/img";
  const auto read_late = [&]() -> asio::awaitable<net::HttpReply> {
    EXPECT_TRUE(bench_.library().CancelPull("img").ok());
    net::HttpReply reply = co_await bench_.routes().Handle(request, Reader::kMachine);
    const auto first = co_await reply.spans();
    EXPECT_TRUE(first.ok());
    co_return reply;
  };
  net::HttpReply reply = bench_.Do(read_late());
  EXPECT_EQ(reply.status, 200u);
  bench_.ExpectCached("img", bytes_);
  const auto rest = bench_.Do(reply.spans());
  EXPECT_TRUE(absl::IsAborted(rest.status())) << rest.status();
  bench_.OnHome([&reply] { reply = {}; });
}

}  // namespace
}  // namespace tentacle::cache::testing
