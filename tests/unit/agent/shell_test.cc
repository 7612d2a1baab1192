// Real shells at real terminals, over the live channel, with a backend's order.
#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <list>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <absl/time/clock.h>
#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include "libs/identity/signed_order.h"
#include "services/agent/shell_desk.h"
#include "tests/unit/agent/agent_bench.h"
#include "tests/unit/agent/job_bench.h"

namespace tentacle::agent {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
namespace asio = boost::asio;
namespace json = boost::json;

constexpr char kLink[] = "link-1";

class ShellTest : public ::testing::Test {
 protected:
  ShellTest() {
    const auto metrics = std::make_shared<Metrics>(registry_);
    const auto jobs = std::make_shared<JobRunner>(loop_.home(), loop_.pool(), clock_, log_, metrics,
                                                  store_, events_, JobRunner::Settings());
    orders_ = std::make_unique<OrderDesk>(clock_, log_, metrics, jobs);
    orders_->Configure(key_.PublicKeyBase64(), "7");
    live_ = std::make_unique<LiveDesk>(loop_.home(), metrics);
    MakeDesk({});
    metrics_ = metrics;
  }

  ~ShellTest() override {
    desk_->Stop();
    live_->Stop();
    loop_.Finish();
  }

  void MakeDesk(ShellTimes times) {
    times.recording_delay = absl::Milliseconds(20);
    times.grace = absl::Milliseconds(300);
    desk_ = std::make_shared<ShellDesk>(
        ShellSession::Parts{loop_.home(), loop_.pool(), clock_, *live_, events_, times,
                            [this](const std::string& name) { return AwayFromHome(name); }},
        store_, *orders_, std::make_shared<Metrics>(more_registry_.emplace_back()), log_);
    desk_->Start();
    desk_->Configure({true, {}});
  }

  // What a login shell reads at home on this host takes its time, and does what it likes.
  absl::StatusOr<UserIds> AwayFromHome(const std::string& name) const {
    auto user = FindUser(name);
    if (user.ok() && name == Me()) user->home = home_.path();
    return user;
  }

  static std::string Me() { return ::getpwuid(::getuid())->pw_name; }  // NOLINT

  static std::string Id(char letter) { return std::string(32, letter); }

  void Push(const std::string& type, json::object body, const std::string& link = kLink) {
    live_->Push(link, {{type, json::serialize(body)}});
  }

  void Open(const std::string& session, const std::string& user = Me()) {
    const std::string order =
        backend_link::OrderText("shell.open", "7", absl::Now() + absl::Minutes(1),
                                {{"session", session},
                                 {"user", user},
                                 {"reason", "a test"},
                                 {"openedBy", "test"},
                                 {"cols", 90},
                                 {"rows", 20}});
    Push("shell.open",
         {{"session", session}, {"order", order}, {"signature", identity::SignOrder(key_, order)}});
  }

  void Type(const std::string& session, const std::string& text) {
    Push("shell.input", {{"session", session}, {"data", text}});
  }

  // Takes frames until `done`; with `confirm`, what the shell prints is confirmed at once.
  void FetchUntil(const std::function<bool()>& done, bool confirm = true) {
    while (!done()) {
      auto fetch = live_->Fetch(kLink, absl::Seconds(20));
      const auto frames = loop_.Run(std::move(fetch));
      ASSERT_FALSE(frames.empty()) << "nothing came";
      for (const auto& frame : frames) {
        const auto body = json::parse(frame.body_json).as_object();
        const std::string session(body.at("session").as_string());
        if (frame.type == "shell.output") {
          const std::string data(body.at("data").as_string());
          output_[session] += data;
          if (confirm) Push("shell.ack", {{"session", session}, {"bytes", data.size()}});
        } else {
          last_[frame.type] = body;
        }
      }
    }
  }

  void AwaitText(const std::string& session, const std::string& text) {
    FetchUntil([&] { return output_[session].find(text) != std::string::npos; });
  }

  std::string AwaitExit() {
    FetchUntil([&] { return last_.contains("shell.exit"); });
    return std::string(last_["shell.exit"].at("reason").as_string());
  }

  testing::TempFolder home_;
  identity::IdentityKey key_ = *identity::IdentityKey::Generate();
  testing::TestLoop loop_;
  prometheus::Registry registry_;
  std::list<prometheus::Registry> more_registry_;
  runtime::RealClock clock_;
  runtime::Log log_{"agent", runtime::LogLevel::kError};
  testing::MemoryStore store_;
  testing::MemoryEvents events_{loop_.home()};
  std::shared_ptr<Metrics> metrics_;
  std::unique_ptr<OrderDesk> orders_;
  std::unique_ptr<LiveDesk> live_;
  std::shared_ptr<ShellDesk> desk_;
  std::map<std::string, std::string> output_;
  std::map<std::string, json::object> last_;
};

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

TEST_F(ShellTest, ResizeReachesTheTerminal) {
  Open(Id('r'));
  FetchUntil([&] { return last_.contains("shell.ready"); });
  Push("shell.resize", {{"session", Id('r')}, {"cols", 132}, {"rows", 43}});
  Push("shell.resize", {{"session", Id('r')}, {"cols", 0}, {"rows", 43}});
  FetchUntil([&] { return !output_[Id('r')].empty(); });
  Type(Id('r'), "stty size\n");
  AwaitText(Id('r'), "43 132");
}

// Readline reads the size and writes it back when a shell begins; a page sends its own just then.
TEST_F(ShellTest, AShellThatPutsTheSizeBackIsOverruled) {
  MakeDesk({.resize_held = absl::Hours(1)});
  Open(Id('r'));
  FetchUntil([&] { return last_.contains("shell.ready"); });
  Push("shell.resize", {{"session", Id('r')}, {"cols", 132}, {"rows", 43}});
  Type(Id('r'), "stty rows 24 cols 80; echo put$((1))back\n");
  AwaitText(Id('r'), "put1back");
  Type(Id('r'), "stty size\n");
  AwaitText(Id('r'), "43 132");
}

TEST_F(ShellTest, LaterTheSizeIsTheShellsOwn) {
  MakeDesk({.resize_held = absl::ZeroDuration()});
  Open(Id('r'));
  FetchUntil([&] { return last_.contains("shell.ready"); });
  Push("shell.resize", {{"session", Id('r')}, {"cols", 132}, {"rows", 43}});
  Type(Id('r'), "stty rows 24 cols 80; echo put$((1))back\n");
  AwaitText(Id('r'), "put1back");
  Type(Id('r'), "stty size\n");
  AwaitText(Id('r'), "24 80");
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
  testing::TempFolder folder;
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
