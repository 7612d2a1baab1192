// Several tentacles of one site on one machine, with one backend: what comes over the WAN, and what
// a neighbour that lies, is slow or goes away can do.
#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <numeric>
#include <utility>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/identity/identity.h"
#include "services/cache/core/peer_choice.h"
#include "tests/unit/cache/cache_bench.h"
#include "tests/unit/cache/fake_origin.h"

namespace tentacle::cache::testing {
namespace {

using ::testing::HasSubstr;
using v1::IMAGE_STATE_CACHED;

constexpr std::size_t kMib = 1 << 20;
constexpr std::size_t kSize = 6 * kMib + 11;

class PeersTest : public ::testing::Test {
 protected:
  static constexpr int kTentacles = 3;

  void SetUp() override {
    origin_.PutChunked("img", bytes_);
    for (int i = 0; i < kTentacles; ++i) {
      site_.push_back(std::make_unique<CacheBench>(origin_));
      site_.back()->SetNode(std::to_string(i + 1));
    }
  }

  v1::Peer PeerOf(int index) {
    v1::Peer peer;
    peer.set_node_id(std::to_string(index + 1));
    peer.set_public_key(site_[static_cast<std::size_t>(index)]->public_key());
    peer.add_addresses("127.0.0.1");
    peer.set_port(site_[static_cast<std::size_t>(index)]->port());
    peer.set_same_site(true);
    return peer;
  }

  // Each hears of all others and has greeted them.
  void Introduce() {
    for (int i = 0; i < kTentacles; ++i) {
      v1::ReplacePeersRequest table;
      table.set_site("berlin");
      for (int other = 0; other < kTentacles; ++other) {
        if (other != i) *table.add_peers() = PeerOf(other);
      }
      At(i).SetPeers(table);
    }
    // Who was greeted before it had heard of the others has refused.
    for (int i = 0; i < kTentacles; ++i) {
      At(i).AwaitTrue([&] {
        At(i).GreetAgain();
        return At(i).UsablePeers() == kTentacles - 1;
      });
    }
  }

  CacheBench& At(int index) { return *site_[static_cast<std::size_t>(index)]; }

  void ExpectWhole(int index) {
    EXPECT_EQ(At(index).AwaitRest("img").state(), IMAGE_STATE_CACHED)
        << At(index).Image("img").reason();
    EXPECT_TRUE(ReadFile(At(index).FinalPath("img")) == bytes_);
  }

  const std::string bytes_ = Pattern(1, kSize);
  FakeOrigin origin_;
  std::vector<std::unique_ptr<CacheBench>> site_;
};

TEST_F(PeersTest, WhatOneHasTheOthersTakeFromIt) {
  Introduce();
  ASSERT_TRUE(At(0).Pull("img").ok());
  ExpectWhole(0);
  const std::uint64_t once = origin_.sent();
  for (int i = 1; i < kTentacles; ++i) {
    ASSERT_TRUE(At(i).Pull("img").ok());
    ExpectWhole(i);
    EXPECT_EQ(At(i).Ledger().backend_bytes(), origin_.ListBytes("img"));
    EXPECT_EQ(At(i).Ledger().peer_bytes(), kSize);
  }
  EXPECT_EQ(origin_.sent(), once);
  EXPECT_EQ(At(0).Ledger().backend_bytes(), kSize + origin_.ListBytes("img"));
  // What the kernel takes last is counted after the others have it.
  At(0).AwaitTrue([&] {
    return At(0).Ledger().peer_served_bytes() + At(1).Ledger().peer_served_bytes() +
               At(2).Ledger().peer_served_bytes() ==
           (kTentacles - 1) * kSize;
  });
}

TEST_F(PeersTest, WhenAllWantItAtOnceOneFetchesIt) {
  // Of several stripes.
  const std::size_t size = 20 * kMib + 11;
  const std::string bytes = Pattern(2, size);
  origin_.PutChunked("long", bytes);
  Introduce();
  origin_.OnPull([](const OriginRequest&, OriginReply honest) {
    honest.hold_at = kMib;
    return honest;
  });
  for (int i = 0; i < kTentacles; ++i)
    ASSERT_TRUE(At(i).Pull("long").ok());
  origin_.AwaitHeld();
  // Each has been asked by both others twice: all know of all.
  const auto answered = [this](int index) {
    return At(index).Counter("tentacle_cache_peer_requests_total", "answered");
  };
  for (int i = 0; i < kTentacles; ++i) {
    const double before = answered(i);
    At(i).AwaitTrue([&] { return answered(i) >= before + 4; });
  }
  origin_.Release();
  for (int i = 0; i < kTentacles; ++i) {
    EXPECT_EQ(At(i).AwaitRest("long").state(), IMAGE_STATE_CACHED);
    EXPECT_TRUE(ReadFile(At(i).FinalPath("long")) == bytes);
  }
  // What each had begun with is a stripe; the rest came once.
  EXPECT_LE(origin_.sent(), size + 2 * limits::kPeerStripeBytes + kMib);
}

constexpr std::string_view kHasIt = R"("cached":true,"pulling":false)";
constexpr std::string_view kFetchesIt = R"("cached":false,"pulling":true)";

// A neighbour that answers as a script says: every answer to "how far are you" is "I have it all".
class FakePeer {
 public:
  using Script = std::function<net::HttpReply(net::ByteRange range)>;

  FakePeer(std::string sha256, Script script, std::string_view state = kHasIt)
      : sha256_(std::move(sha256)), script_(std::move(script)), state_(state) {
    EXPECT_TRUE(server_.Listen("127.0.0.1:0").ok());
    auto run = server_.Run();
    asio::co_spawn(io_, std::move(run), [](std::exception_ptr, absl::Status) {});
    thread_ = std::thread([this] {
      const auto work = asio::make_work_guard(io_);
      io_.run();
    });
  }

  ~FakePeer() {
    io_.stop();
    thread_.join();
  }

  v1::Peer Introduction() const {
    v1::Peer peer;
    peer.set_node_id("99");
    peer.set_public_key("a key");
    peer.add_addresses("127.0.0.1");
    peer.set_port(server_.port());
    peer.set_same_site(true);
    return peer;
  }

  int asked() const { return asked_; }

 private:
  asio::awaitable<net::HttpReply> Answer(net::HttpRequest request) {
    net::HttpReply reply;
    if (request.path == "/peer/hello") {
      reply.status = 204;
    } else if (request.path.starts_with("/peer/state/")) {
      reply = net::JsonReply(
          200, fmt::format(R"({{"sha256":"{}",{},"prefixBytes":{}}})", sha256_, state_, kSize));
    } else {
      ++asked_;
      net::ByteRange range{0, kSize};
      net::ParseRange(request.Header("Range"), kSize, &range);
      reply = script_(range);
    }
    co_return reply;
  }

  const std::string sha256_;
  const Script script_;
  const std::string state_;
  std::atomic<int> asked_ = 0;
  asio::io_context io_{1};
  net::HttpServer server_{io_.get_executor(),
                          [this](const net::HttpRequest& request) { return Answer(request); }};
  std::thread thread_;
};

net::HttpReply Part(net::ByteRange range, std::string bytes) {
  net::HttpReply reply;
  reply.status = 206;
  reply.headers = {{"Content-Range", fmt::format("bytes {}-{}/{}", range.first,
                                                 range.first + range.length - 1, kSize)}};
  reply.body = std::move(bytes);
  return reply;
}

struct Fault {
  const char* name;
  // What the peer answers, from the image's own bytes.
  std::function<net::HttpReply(const std::string& bytes, net::ByteRange range)> answer;
  const char* reason;
};

// Some 160 kbit/s.
class SlowPeersTest : public PeersTest {
 protected:
  void ExpectIsLeftAlone(std::string_view state) {
    const auto give_slowly = [this](net::ByteRange range) {
      net::HttpReply reply = Part(range, "");
      reply.stream_length = range.length;
      auto at = std::make_shared<std::uint64_t>(range.first);
      reply.stream = [this, at]() -> asio::awaitable<absl::StatusOr<std::string>> {
        asio::steady_timer pace(co_await asio::this_coro::executor, std::chrono::milliseconds(50));
        co_await pace.async_wait(asio::use_awaitable);
        const std::uint64_t from = std::exchange(*at, *at + 1000);
        co_return bytes_.substr(from, 1000);
      };
      return reply;
    };
    FakePeer peer(identity::Sha256Hex(bytes_), give_slowly, state);
    v1::ReplacePeersRequest table;
    *table.add_peers() = peer.Introduction();
    At(0).SetPeers(table);
    ASSERT_TRUE(At(0).Pull("img").ok());
    ExpectWhole(0);
    EXPECT_EQ(peer.asked(), 1);
    EXPECT_FALSE(At(0).PeerViews()[0].usable());
    EXPECT_THAT(At(0).PeerViews()[0].reason(), HasSubstr("gives less than the WAN does"));
  }
};

class Faulty : public PeersTest, public ::testing::WithParamInterface<Fault> {};

// Whatever a neighbour does: the image is right, the backend gives what is missing, and the
// neighbour is left alone.
TEST_P(Faulty, CostsNoWrongByteAndIsAskedNoMore) {
  FakePeer peer(identity::Sha256Hex(bytes_),
                [this](net::ByteRange range) { return GetParam().answer(bytes_, range); });
  v1::ReplacePeersRequest table;
  *table.add_peers() = peer.Introduction();
  At(0).SetPeers(table);
  ASSERT_EQ(At(0).UsablePeers(), 1);
  ASSERT_TRUE(At(0).Pull("img").ok());
  ExpectWhole(0);
  EXPECT_EQ(peer.asked(), 1);
  EXPECT_GT(At(0).Ledger().backend_bytes(), 0U);
  ASSERT_EQ(At(0).PeerViews().size(), 1U);
  EXPECT_FALSE(At(0).PeerViews()[0].usable());
  EXPECT_THAT(At(0).PeerViews()[0].reason(), HasSubstr(GetParam().reason));
}

INSTANTIATE_TEST_SUITE_P(
    Peer,
    Faulty,
    ::testing::Values(
        Fault{"Lies",
              [](const std::string& bytes, net::ByteRange range) {
                std::string wrong = bytes.substr(range.first, range.length);
                for (std::size_t at = wrong.size() / 2; at < wrong.size(); at += 1000)
                  wrong[at] ^= 1;
                return Part(range, wrong);
              },
              "gave wrong bytes"},
        Fault{"IsShort",
              [](const std::string& bytes, net::ByteRange range) {
                net::HttpReply reply = Part(range, "");
                reply.stream_length = range.length;
                auto left = std::make_shared<int>(3);
                reply.stream = [&bytes, left]() -> asio::awaitable<absl::StatusOr<std::string>> {
                  if ((*left)-- == 0) co_return absl::UnavailableError("gone");
                  co_return bytes.substr(static_cast<std::size_t>(2 - *left) * 1000, 1000);
                };
                return reply;
              },
              ""},
        Fault{"GivesAnotherRange",
              [](const std::string& bytes, net::ByteRange range) {
                range.first += 1;
                range.length -= 1;
                return Part(range, bytes.substr(range.first, range.length));
              },
              "answered 206"},
        Fault{"GivesThePageOfAPortal",
              [](const std::string&, net::ByteRange) {
                net::HttpReply reply;
                reply.headers = {{"Content-Type", "text/html"}};
                reply.body = "<html>sign in</html>";
                return reply;
              },
              "answered 200"},
        Fault{"SaysItIsBusy",
              [](const std::string&, net::ByteRange) { return net::ProblemReply(503, "busy"); },
              "answered 503"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST_F(SlowPeersTest, OneThatIsSlowerThanTheLineIsAskedNoMore) {
  At(0).OnHome([this] { At(0).planning().line.limiter().SetMeasured(100); });
  ExpectIsLeftAlone(kHasIt);
}

// It says that it is fetching the image, and has all of it.
TEST_F(SlowPeersTest, OneThatIsSlowIsAskedNoMoreBeforeTheLineWasMeasuredEither) {
  ExpectIsLeftAlone(kFetchesIt);
}

TEST_F(PeersTest, OneThatGoesAwayIsNotWaitedFor) {
  Introduce();
  ASSERT_TRUE(At(0).Pull("img").ok());
  ExpectWhole(0);
  At(0).Stop();
  ASSERT_TRUE(At(1).Pull("img").ok());
  ExpectWhole(1);
  EXPECT_EQ(At(1).Ledger().backend_bytes(), kSize + origin_.ListBytes("img"));
}

TEST_F(PeersTest, WithoutAChunkListNothingIsTakenFromPeers) {
  origin_.Put("plain", bytes_);
  Introduce();
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(At(i).Pull("plain").ok());
    EXPECT_EQ(At(i).AwaitRest("plain").state(), IMAGE_STATE_CACHED);
  }
  EXPECT_EQ(At(1).Ledger().peer_bytes(), 0U);
}

TEST_F(PeersTest, OnlyWhoWasIntroducedIsAnswered) {
  ASSERT_TRUE(At(0).Pull("img").ok());
  ExpectWhole(0);
  const auto status = [&](const std::string& authorization,
                          const std::string& path = "/peer/images/img") {
    Client client(At(0).port());
    client.SendPath(path,
                    authorization.empty() ? "" : "Authorization: Bearer " + authorization + "\r\n");
    return client.Head().status;
  };
  const auto key = identity::IdentityKey::Generate();
  const absl::Time now = absl::Now();
  const std::string audience = "octofleet-peer:1";
  EXPECT_EQ(status(""), 401U);
  EXPECT_EQ(status("rubbish"), 401U);
  EXPECT_EQ(status(identity::MakeToken(*key, "2", now, audience)), 401U);  // Nobody knows it.
  Introduce();
  EXPECT_EQ(status(identity::MakeToken(*key, "2", now, audience)), 401U);  // Not its key.
  const identity::IdentityKey theirs = At(1).key();
  EXPECT_EQ(status(identity::MakeToken(theirs, "2", now, audience), "/peer/hello"), 204U);
  EXPECT_EQ(status(identity::MakeToken(theirs, "2", now, "octofleet-peer:3")), 401U);
  EXPECT_EQ(status(identity::MakeToken(theirs, "2", now)), 401U);  // That is for the backend.
  EXPECT_EQ(status(identity::MakeToken(theirs, "2", now - absl::Hours(1), audience)), 401U);
  EXPECT_EQ(status(identity::MakeToken(theirs, "2", now, audience)), 200U);
  EXPECT_EQ(status(identity::MakeToken(theirs, "2", now, audience), "/peer/state/unknown"), 404U);
  EXPECT_EQ(status(identity::MakeToken(theirs, "2", now, audience), "/peer/images/unknown"), 404U);
  EXPECT_EQ(status(identity::MakeToken(theirs, "2", now, audience), "/peer/other"), 404U);
}

TEST_F(PeersTest, SwitchedOffNobodyIsAskedOrAnswered) {
  Introduce();
  ASSERT_TRUE(At(0).Pull("img").ok());
  ExpectWhole(0);
  At(0).Reconfigure(
      [](config::v1::TentacleConfig& config) { config.mutable_cache()->set_peers_enabled(false); });
  ASSERT_TRUE(At(1).Pull("img").ok());
  ExpectWhole(1);
  EXPECT_EQ(At(1).Ledger().peer_bytes(), 0U);
}

}  // namespace
}  // namespace tentacle::cache::testing
