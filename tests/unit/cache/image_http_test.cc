// Clients on port 9081, with a real disk, a real index and a backend that can be held.
#include <fmt/format.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <atomic>
#include <barrier>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/identity/identity.h"
#include "services/cache/limits.h"
#include "tests/unit/cache/cache_bench.h"
#include "tests/unit/cache/fake_origin.h"

namespace tentacle::cache::testing {
namespace {

using ::testing::HasSubstr;
using v1::IMAGE_STATE_CACHED;
using v1::IMAGE_STATE_FAILED;

constexpr std::size_t kMib = 1 << 20;

class ImageHttpTest : public ::testing::Test {
 protected:
  FakeOrigin origin_;
  CacheBench bench_{origin_};
};

// Word of the next file that gets its final name in a folder.
class Renames {
 public:
  explicit Renames(const std::string& folder) : fd_(::inotify_init1(IN_CLOEXEC)) {
    EXPECT_GE(::inotify_add_watch(fd_, folder.c_str(), IN_MOVED_TO), 0);
  }

  ~Renames() { ::close(fd_); }

  Renames(const Renames&) = delete;
  Renames& operator=(const Renames&) = delete;

  void Await() const {
    char buffer[4096];
    EXPECT_GT(::read(fd_, buffer, sizeof buffer), 0);
  }

 private:
  int fd_;
};

// The home thread sleeps through the rename: what it knows of the image is older than the disk.
asio::awaitable<net::HttpReply> AskRightAfterTheRename(CacheBench& bench,
                                                       FakeOrigin& origin,
                                                       net::HttpRequest request) {
  const Renames renames(bench.folder());
  origin.Release();
  renames.Await();
  co_return co_await bench.routes().Handle(std::move(request));
}

TEST_F(ImageHttpTest, AClientBetweenTheRenameAndTheWordOfItIsServed) {
  origin_.Put("img", Pattern(1, 3 * kMib));
  origin_.OnPull([](const OriginRequest&, OriginReply honest) {
    honest.hold_at = 2 * kMib;
    return honest;
  });
  ASSERT_TRUE(bench_.Pull("img").ok());
  bench_.AwaitPresent("img", kMib);
  net::HttpRequest request;
  request.method = "GET";
  request.path = "/images/img";
  const net::HttpReply reply = bench_.Do(AskRightAfterTheRename(bench_, origin_, request));
  EXPECT_EQ(reply.status, 200u) << reply.body;
}

class StormTest : public ImageHttpTest, public ::testing::WithParamInterface<std::size_t> {};

// Bar E6.
TEST_P(StormTest, AHundredClientsInOneInstantAllGetTheWholeOfOnePull) {
  constexpr int kClients = 100;
  const std::string bytes = Pattern(7, GetParam());
  origin_.Put("img", bytes);
  std::barrier start(kClients);
  std::vector<Answer> answers(kClients);
  std::vector<std::thread> clients;
  for (Answer& answer : answers) {
    clients.emplace_back([&, port = bench_.port()] {
      Client client(port);
      start.arrive_and_wait();
      client.Send("img");
      answer = client.All();
    });
  }
  for (std::thread& one : clients)
    one.join();
  for (const Answer& answer : answers) {
    EXPECT_EQ(answer.status, 200u) << answer.body;
    EXPECT_EQ(answer.body.size(), bytes.size());
    EXPECT_TRUE(answer.body == bytes);
  }
  EXPECT_EQ(origin_.pulls().size(), 1u);
  EXPECT_EQ(origin_.metas(), 1);
}

INSTANTIATE_TEST_SUITE_P(Sizes,
                         StormTest,
                         ::testing::Values(1, kMib, 5 * kMib + 17),
                         ::testing::PrintToStringParamName());

TEST_F(ImageHttpTest, ThirtyTwoClientsGetTheWholeAlsoWhenTheLineBreaksAndTheBackendStumbles) {
  constexpr int kClients = 32;
  const std::string bytes = Pattern(7, 6 * kMib);
  origin_.Put("img", bytes);
  origin_.OnPull([](const OriginRequest& request, OriginReply honest) {
    if (request.number < 5) honest.cut_after = kMib;
    return honest;
  });
  std::vector<std::thread> clients;
  std::atomic<int> whole = 0;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&] {
      // As the installer does it: what comes short is asked for again.
      for (int attempt = 0; attempt < 20; ++attempt) {
        const Answer answer = bench_.Get("img");
        EXPECT_FALSE(answer.status == 200 && answer.whole() && answer.body != bytes);
        if (answer.status != 200 || !answer.whole()) continue;
        ++whole;
        return;
      }
    });
  }
  for (std::thread& one : clients)
    one.join();
  EXPECT_EQ(whole, kClients);
  EXPECT_EQ(origin_.pulls().size(), 5u);
}

// A question and its answer: the same of an image that is here and of one that still comes.
struct RangeCase {
  const char* name;
  const char* method;
  std::string headers;
  unsigned status;
  std::size_t first;
  std::size_t length;
};

constexpr std::size_t kSize = 4 * kMib + 3;
const std::string kBytes = Pattern(5, kSize);

class RangeTest : public ImageHttpTest, public ::testing::WithParamInterface<RangeCase> {
 protected:
  void SetUp() override {
    origin_.Put("img", kBytes);
    origin_.OnPull([](const OriginRequest&, OriginReply honest) {
      honest.hold_at = 3 * kMib;
      return honest;
    });
    ASSERT_TRUE(bench_.Pull("img").ok());
    bench_.AwaitTold("img", 3 * kMib);
  }

  void Expect(const Answer& answer) {
    const RangeCase& c = GetParam();
    EXPECT_EQ(answer.status, c.status) << answer.head;
    if (c.status == 416) {
      EXPECT_EQ(answer.Header("Content-Range"), fmt::format("bytes */{}", kSize));
      return;
    }
    EXPECT_EQ(answer.Header("ETag"), fmt::format("\"{}\"", identity::Sha256Hex(kBytes)));
    EXPECT_EQ(answer.Header("Accept-Ranges"), "bytes");
    EXPECT_EQ(answer.stated, c.length);
    if (c.status == 206) {
      EXPECT_EQ(answer.Header("Content-Range"),
                fmt::format("bytes {}-{}/{}", c.first, c.first + c.length - 1, kSize));
    }
    const bool is_head = std::string_view(c.method) == "HEAD";
    EXPECT_TRUE(answer.body == (is_head ? "" : kBytes.substr(c.first, c.length)));
  }
};

TEST_P(RangeTest, OfAnImageThatStillComes) {
  Client client(bench_.port());
  client.Send("img", GetParam().headers, GetParam().method);
  Answer answer = client.Head();
  origin_.Release();
  if (std::string_view(GetParam().method) != "HEAD") answer.body = client.Read(answer.stated);
  Expect(answer);
}

TEST_P(RangeTest, OfAnImageThatIsHere) {
  origin_.Release();
  bench_.AwaitState("img", IMAGE_STATE_CACHED);
  Expect(bench_.Get("img", GetParam().headers, GetParam().method));
}

const std::string kOurs = fmt::format("If-Range: \"{}\"\r\n", identity::Sha256Hex(kBytes));
const std::string kOther = "If-Range: \"another\"\r\n";

INSTANTIATE_TEST_SUITE_P(
    Cases,
    RangeTest,
    ::testing::Values(
        RangeCase{"Whole", "GET", "", 200, 0, kSize},
        RangeCase{"Head", "HEAD", "", 200, 0, kSize},
        RangeCase{"HeadOfARange", "HEAD", "Range: bytes=5-9\r\n", 206, 5, 5},
        RangeCase{"First", "GET", "Range: bytes=0-99\r\n", 206, 0, 100},
        RangeCase{"Middle", "GET", "Range: bytes=1000000-2999999\r\n", 206, 1000000, 2000000},
        RangeCase{"OpenEnd", "GET", "Range: bytes=4194304-\r\n", 206, 4 * kMib, 3},
        RangeCase{"Last", "GET", "Range: bytes=-7\r\n", 206, kSize - 7, 7},
        RangeCase{"BehindTheEnd", "GET", "Range: bytes=4194307-\r\n", 416, 0, 0},
        RangeCase{"Nonsense", "GET", "Range: bytes=9-5\r\n", 200, 0, kSize},
        RangeCase{"OfThisImage", "GET", "Range: bytes=8-15\r\n" + kOurs, 206, 8, 8},
        RangeCase{"OfAnotherImage", "GET", "Range: bytes=8-15\r\n" + kOther, 200, 0, kSize}),
    [](const auto& test) { return std::string(test.param.name); });

TEST_F(ImageHttpTest, NoAnswerIsWholeBeforeTheHashIsKnown) {
  origin_.Put("img", kBytes);
  origin_.OnPull([](const OriginRequest&, OriginReply honest) {
    honest.hold_at = 3 * kMib;
    return honest;
  });
  ASSERT_TRUE(bench_.Pull("img").ok());
  bench_.AwaitTold("img", 3 * kMib);
  const std::shared_ptr<Entry> entry =
      bench_.OnHome([this] { return bench_.library().entries().at("img"); });
  bench_.OnHome([&] {
    EXPECT_EQ(Servable(*entry, 0, 3 * kMib), 2 * kMib);
    EXPECT_EQ(Servable(*entry, 0, kMib), 0u);
    EXPECT_EQ(Servable(*entry, 0, kSize), entry->image.present_bytes());
  });
  origin_.Release();
  bench_.AwaitState("img", IMAGE_STATE_CACHED);
  EXPECT_EQ(bench_.OnHome([&] { return Servable(*entry, 0, kMib); }), kMib);
}

TEST_F(ImageHttpTest, BytesThatAreNotTheImageNeverMakeAWholeAnswer) {
  origin_.Put("img", kBytes);
  origin_.OnPull([](const OriginRequest& request, OriginReply honest) {
    honest.body.back() = static_cast<char>(honest.body.back() + 1);
    if (request.number == 1) honest.hold_at = 3 * kMib;
    return honest;
  });
  ASSERT_TRUE(bench_.Pull("img").ok());
  bench_.AwaitTold("img", 3 * kMib);
  Client early(bench_.port());
  early.Send("img");
  Answer begun = early.Head();
  EXPECT_EQ(begun.status, 200u);
  // A range that is here already, but short enough to be whole before the hash is known.
  Client range(bench_.port());
  range.Send("img", "Range: bytes=0-99\r\n");
  Answer waits = range.Head();
  origin_.Release();
  begun.body = early.Read(begun.stated);
  EXPECT_FALSE(begun.whole());
  EXPECT_EQ(range.Read(waits.stated), "");
  EXPECT_EQ(bench_.AwaitRest("img").state(), IMAGE_STATE_FAILED);
  const Answer refused = bench_.Get("img");
  EXPECT_EQ(refused.status, 503u);
  EXPECT_THAT(refused.body, HasSubstr("SHA-256"));
  EXPECT_EQ(bench_.Counter("tentacle_cache_http_replies_total", "503"), 1);
}

TEST_F(ImageHttpTest, AClientThatGoesAwayDoesNotStopThePull) {
  origin_.Put("img", kBytes);
  origin_.OnPull([](const OriginRequest&, OriginReply honest) {
    honest.hold_at = 2 * kMib;
    return honest;
  });
  {
    Client client(bench_.port());
    client.Send("img");
    EXPECT_EQ(client.Head().status, 200u);
    EXPECT_GE(client.Read(1000).size(), 1000u);
  }
  origin_.Release();
  bench_.AwaitState("img", IMAGE_STATE_CACHED);
  EXPECT_TRUE(ReadFile(bench_.FinalPath("img")) == kBytes);
  EXPECT_EQ(origin_.pulls().size(), 1u);
}

TEST_F(ImageHttpTest, AClientWaitsForABackendThatIsSlowWithItsFirstByte) {
  origin_.Put("img", kBytes);
  origin_.OnPull([](const OriginRequest&, OriginReply honest) {
    honest.hold_head = true;
    return honest;
  });
  Client client(bench_.port());
  client.Send("img");
  origin_.AwaitHeld();
  EXPECT_EQ(bench_.Get("img", "", "HEAD").status, 200u);
  origin_.Release();
  EXPECT_TRUE(client.All().body == kBytes);
}

TEST_F(ImageHttpTest, AStopEndsAnswersThatWaitForBytes) {
  origin_.Put("img", kBytes);
  origin_.OnPull([](const OriginRequest&, OriginReply honest) {
    honest.hold_at = 2 * kMib;
    return honest;
  });
  Client client(bench_.port());
  client.Send("img");
  EXPECT_EQ(client.Head().status, 200u);
  bench_.AwaitTold("img", 2 * kMib);
  bench_.Stop();
  EXPECT_LT(client.Read(kSize).size(), kSize);
}

TEST_F(ImageHttpTest, NoNameLeavesTheFolderAndNoneOfThemReachesTheBackend) {
  for (const char* id : {"..%2f..%2fetc%2fpasswd", "../../tentacle.key", "%2e%2e", "..", "",
                         "a%2fb", "a/b", ".hidden", "a%00b", "a%0d%0aX: y", "%"}) {
    const Answer answer = bench_.Get(id);
    EXPECT_TRUE(answer.status == 404 || answer.status == 400) << id << ": " << answer.status;
  }
  EXPECT_EQ(bench_.Get(std::string(129, 'a')).status, 404u);
  EXPECT_EQ(origin_.metas(), 0);
  EXPECT_TRUE(origin_.pulls().empty());
}

TEST_F(ImageHttpTest, AnImageThatNobodyHasIsAskedForOnceInAWhile) {
  EXPECT_EQ(bench_.Get("none").status, 404u);
  EXPECT_EQ(bench_.Get("none").status, 404u);
  EXPECT_EQ(origin_.metas(), 1);
  EXPECT_EQ(bench_.Counter("tentacle_cache_http_replies_total", "404"), 2);
  bench_.OnHome([this] { bench_.clock.now += limits::kMetaRemembered; });
  origin_.Put("none", kBytes);
  EXPECT_TRUE(bench_.Get("none").body == kBytes);
}

TEST_F(ImageHttpTest, MethodsAndFaultyRequestsAreRefusedAndCounted) {
  EXPECT_EQ(bench_.Get("img", "", "DELETE").status, 405u);
  EXPECT_EQ(bench_.Counter("tentacle_cache_http_replies_total", "405"), 1);
  EXPECT_EQ(bench_.Get("img", "X: " + std::string(20'000, 'x') + "\r\n").status, 431u);
  EXPECT_EQ(bench_.Counter("tentacle_cache_http_drops_total", "too_large"), 1);
}

TEST_F(ImageHttpTest, ABackendThatCannotBeAskedIs503WithASentence) {
  origin_.Put("img", kBytes);
  origin_.OnMeta([](const OriginRequest&, OriginReply) {
    OriginReply broken;
    broken.status = 502;
    return broken;
  });
  const Answer answer = bench_.Get("img");
  EXPECT_EQ(answer.status, 503u);
  EXPECT_EQ(answer.Header("Retry-After"), "5");
  EXPECT_THAT(answer.body, HasSubstr("the backend answered 502"));
}

TEST_F(ImageHttpTest, AfterAFailureClientsRestAndThenGetTheirTry) {
  origin_.Put("img", kBytes);
  origin_.OnPull([](const OriginRequest& request, OriginReply honest) {
    if (request.number == 1) honest.status = 404;
    return honest;
  });
  EXPECT_EQ(bench_.Get("img").status, 503u);
  EXPECT_EQ(bench_.Get("img").status, 503u);
  EXPECT_EQ(origin_.pulls().size(), 1u);
  bench_.OnHome([this] { bench_.clock.now += limits::kFailedRest; });
  EXPECT_TRUE(bench_.Get("img").body == kBytes);
}

}  // namespace
}  // namespace tentacle::cache::testing
