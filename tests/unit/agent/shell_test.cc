// From the order of a shell to its end, its record, and who is refused one.
#include <algorithm>
#include <filesystem>
#include <string>

#include <gmock/gmock.h>

#include "tests/unit/agent/shell_fixture.h"

namespace tentacle::agent {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
namespace asio = boost::asio;

TEST_F(ShellTest, FromOrderToExit) {
  Open(Id('a'));
  FetchUntil([&] { return last_.contains("shell.ready"); });
  Type(Id('a'), "stty size; echo user=$(id -un) tty=$(tty); exit 3\n");
  EXPECT_EQ(AwaitExit(), "the shell ended with exit code 3");
  EXPECT_EQ(last_["shell.exit"].at("code"), 3);
  EXPECT_THAT(output_[Id('a')], HasSubstr("20 90"));
  EXPECT_THAT(output_[Id('a')], HasSubstr("user=" + Me() + " tty=/dev/pts/"));
  EXPECT_EQ(desk_->open(), 0u);
}

TEST_F(ShellTest, RunsAsTheUserThatTheOrderNames) {
  if (::getuid() != 0) GTEST_SKIP() << "only root may become somebody else";
  Open(Id('u'), "sync");  // Its shell is /bin/sync: it ends at once.
  EXPECT_EQ(AwaitExit(), "the shell ended with exit code 0");
  last_.clear();
  Open(Id('v'), "nobody");  // Its shell lets nobody in.
  EXPECT_EQ(AwaitExit(), "the shell ended with exit code 1");
  last_.clear();
  Open(Id('w'), "no-such-user");
  EXPECT_EQ(AwaitExit(), "this host has no user no-such-user");
}

TEST_F(ShellTest, NobodyGetsInWithoutTheSignature) {
  const std::string order =
      backend_link::OrderText("shell.open", "7", absl::InfiniteFuture(), {{"session", Id('x')}});
  Push("shell.open", {{"session", Id('x')}, {"order", order}, {"signature", ""}});
  EXPECT_EQ(AwaitExit(), "the order is not signed");
  last_.clear();
  const std::string job = backend_link::OrderText("job.run", "7", absl::InfiniteFuture(), {});
  Push("shell.open",
       {{"session", Id('x')}, {"order", job}, {"signature", identity::SignOrder(key_, job)}});
  EXPECT_EQ(AwaitExit(), "the order is signed for something else");
}

TEST_F(ShellTest, AnOrderOpensOneShell) {
  Open(Id('o'));
  FetchUntil([&] { return last_.contains("shell.ready"); });
  Open(Id('o'));
  EXPECT_EQ(AwaitExit(), "the order was carried out before");
  EXPECT_EQ(desk_->open(), 1u);
}

TEST_F(ShellTest, AnOrderOpensOneShellAlsoWhenTheAgentIsStartedAnew) {
  Open(Id('o'));
  FetchUntil([&] { return last_.contains("shell.ready"); });
  Type(Id('o'), "exit\n");
  AwaitExit();
  last_.clear();
  MakeDesk({});  // Another agent over the same store.
  Open(Id('o'));
  EXPECT_EQ(AwaitExit(), "the order was carried out before");
}

TEST_F(ShellTest, WhatCannotBeWrittenDownAsUsedDoesNotHappen) {
  store_.RefuseNext(1);
  Open(Id('d'));
  EXPECT_EQ(AwaitExit(), "the disk is full");
}

class StandingClock final : public runtime::Clock {
 public:
  absl::Time Now() const override { return now; }

  absl::Time now = absl::FromUnixSeconds(2'000'000'000);
};

TEST(ShellOrders, AUseIsForgottenADayAfterItsOrderHasExpired) {
  testing::TestLoop loop;
  testing::MemoryStore store;
  StandingClock clock;
  ShellOrders orders(store, loop.pool(), clock);
  const auto use = [&](const std::string& session) {
    auto used = orders.Use(session, clock.now + absl::Minutes(1));
    return loop.Run(std::move(used));
  };
  EXPECT_TRUE(use("one").ok());
  clock.now += absl::Hours(24);
  EXPECT_TRUE(absl::IsPermissionDenied(use("one")));
  EXPECT_TRUE(use("two").ok());
  clock.now += absl::Minutes(2);
  EXPECT_TRUE(use("three").ok());
  EXPECT_FALSE(store.Snapshot().contains("shell/one"));
  EXPECT_TRUE(store.Snapshot().contains("shell/two"));
}

TEST(ShellOrders, NoOrderOutlivesItsMemory) {
  testing::TestLoop loop;
  testing::MemoryStore store;
  StandingClock clock;
  ShellOrders orders(store, loop.pool(), clock);
  auto forever = orders.Use("forever", absl::InfiniteFuture());
  EXPECT_TRUE(absl::IsPermissionDenied(loop.Run(std::move(forever))));
  EXPECT_TRUE(store.Snapshot().empty());
}

TEST(ShellOrders, TwoAtTheSameMomentAreOneUse) {
  testing::TestLoop loop;
  testing::MemoryStore store;
  StandingClock clock;
  ShellOrders orders(store, loop.pool(), clock);
  std::vector<absl::Status> outcomes;
  for (int i = 0; i < 2; ++i) {
    auto use = orders.Use("one", clock.now);
    asio::co_spawn(loop.home(), std::move(use),
                   [&](std::exception_ptr, absl::Status status) { outcomes.push_back(status); });
  }
  loop.Finish();
  ASSERT_EQ(outcomes.size(), 2u);
  EXPECT_NE(outcomes[0].ok(), outcomes[1].ok());
}

TEST_F(ShellTest, WhatTheHostForbidsNoOrderAllowsAndOpenShellsEnd) {
  Open(Id('p'));
  FetchUntil([&] { return last_.contains("shell.ready"); });
  desk_->Configure({false, {}});
  EXPECT_EQ(AwaitExit(), "shells are no longer allowed on this host");
  last_.clear();
  Open(Id('q'));
  EXPECT_THAT(AwaitExit(), HasSubstr("agent.shell_enabled"));
}

TEST_F(ShellTest, AViewerWhoDoesNotReadStopsTheShellAndControlCStillWorks) {
  Open(Id('f'));
  FetchUntil([&] { return last_.contains("shell.ready"); });
  Type(Id('f'), "cat /dev/zero | base64\n");
  FetchUntil([&] { return output_[Id('f')].size() >= limits::kShellWindowBytes; }, false);
  // No more comes without credit.
  auto fetch = live_->Fetch(kLink, absl::ZeroDuration());
  EXPECT_TRUE(loop_.Run(std::move(fetch)).empty());
  EXPECT_LT(output_[Id('f')].size(), limits::kShellWindowBytes + 64 * 1024);
  Type(Id('f'), "\x03");
  Push("shell.ack", {{"session", Id('f')}, {"bytes", output_[Id('f')].size()}});
  Type(Id('f'), "echo still-$((40+2))\n");
  AwaitText(Id('f'), "still-42");
}

TEST_F(ShellTest, ManyAtOnceUpToTheLimit) {
  for (std::size_t i = 0; i < limits::kMaxShells; ++i) {
    last_.clear();
    Open(Id(static_cast<char>('a' + i)));
    FetchUntil([&] { return last_.contains("shell.ready"); });
  }
  Open(Id('z'));
  EXPECT_EQ(AwaitExit(), fmt::format("{} shells are open already", limits::kMaxShells));
  for (std::size_t i = 0; i < limits::kMaxShells; ++i) {
    const auto id = Id(static_cast<char>('a' + i));
    Type(id, fmt::format("echo i-am-$(({}+100))\n", i));
    AwaitText(id, fmt::format("i-am-{}", i + 100));
  }
}

TEST_F(ShellTest, IdleAndAbsoluteLimits) {
  ShellTimes times;
  times.idle = absl::Milliseconds(100);
  MakeDesk(times);
  Open(Id('i'));
  EXPECT_THAT(AwaitExit(), HasSubstr("nobody has typed"));
  last_.clear();
  times.idle = absl::Hours(1);
  times.longest = absl::Milliseconds(100);
  MakeDesk(times);
  Open(Id('j'));
  EXPECT_EQ(AwaitExit(), "closed after 100ms");
}

TEST_F(ShellTest, TheLineThatBreaksEndsWhatCameOverIt) {
  Open(Id('l'));
  FetchUntil([&] { return last_.contains("shell.ready"); });
  // Another connection: another link.
  auto fetch = live_->Fetch("link-2", absl::ZeroDuration());
  loop_.Run(std::move(fetch));
  const auto ended = loop_.Run(events_.Nth("session.ended", 1, Id('l')));
  EXPECT_EQ(ended.at("reason"), "the line to the backend broke");
}

TEST_F(ShellTest, WhoIgnoresTheHangUpIsKilled) {
  TempDir folder;
  Open(Id('k'));
  FetchUntil([&] { return last_.contains("shell.ready"); });
  testing::NamedPipe pipe(loop_.home(), folder / "pid");
  Type(Id('k'), fmt::format("trap '' HUP; (trap '' HUP TERM; setsid sh -c 'trap \"\" HUP; echo $$ "
                            "> {}; sleep 1000') &\n",
                            pipe.path()));
  const std::string pid = loop_.Run(pipe.Line());
  Push("shell.stop", {{"session", Id('k')}, {"reason", "enough"}});
  const auto ended = loop_.Run(events_.Nth("session.ended", 1, Id('k')));
  EXPECT_EQ(ended.at("reason"), "enough");
  // What it left behind is found by its mark before the viewer is told.
  FetchUntil([&] { return last_.contains("shell.exit"); });
  EXPECT_FALSE(std::filesystem::exists("/proc/" + pid + "/exe"));
  EXPECT_EQ(desk_->open(), 0u);
}

TEST_F(ShellTest, TheRecordingIsWhatWasPrintedAndChains) {
  Open(Id('c'));
  FetchUntil([&] { return last_.contains("shell.ready"); });
  Type(Id('c'), "printf '\\342\\202\\254 \\360\\237\\220\\231\\n'; exit\n");
  AwaitExit();
  const auto ended = loop_.Run(events_.Nth("session.ended", 1, Id('c')));
  const auto chunks = static_cast<std::size_t>(ended.at("chunks").to_number<int>());
  std::string cast;
  std::string digest;
  for (std::size_t i = 1; i <= chunks; ++i) {
    const auto chunk = loop_.Run(events_.Nth("session.recording", i, Id('c')));
    EXPECT_EQ(chunk.at("index"), static_cast<std::int64_t>(i) - 1);
    EXPECT_EQ(chunk.at("previous").as_string(), digest);
    const std::string data(chunk.at("data").as_string());
    digest = identity::Sha256Hex(digest + data);
    EXPECT_EQ(chunk.at("sha256").as_string(), digest);
    cast += data;
  }
  EXPECT_EQ(ended.at("sha256").as_string(), digest);
  std::string printed;
  std::size_t lines = 0;
  for (std::size_t at = 0; at < cast.size(); ++lines) {
    const auto end = cast.find('\n', at);
    const auto line = json::parse(cast.substr(at, end - at));
    if (lines > 0 && line.at(1) == "o") printed += std::string(line.at(2).as_string());
    at = end + 1;
  }
  EXPECT_EQ(printed, output_[Id('c')]);
  EXPECT_THAT(printed, HasSubstr("\xE2\x82\xAC \xF0\x9F\x90\x99"));
}

TEST_F(ShellTest, WhatCannotBeRecordedDoesNotHappen) {
  events_.refusals = 1'000'000;
  Open(Id('n'));
  EXPECT_EQ(AwaitExit(), "the session could not be written down");
}

TEST_F(ShellTest, TypingThatTheShellDoesNotReadIsBounded) {
  Open(Id('t'));
  FetchUntil([&] { return last_.contains("shell.ready"); });
  Type(Id('t'), "stty -icanon -echo; sleep 1000\n");
  AwaitText(Id('t'), "sleep 1000");
  for (int i = 0; i < 10; ++i)
    Type(Id('t'), std::string(16 * 1024, 'x'));
  EXPECT_EQ(AwaitExit(), "more was typed than the shell reads");
}

}  // namespace
}  // namespace tentacle::agent
