// Bar G4: a task is cancelled while its machine is being served. uplink's desired state orders it,
// the desk with its routes carries it out, and both are stopped at every point of the other.
// TENTACLE_TEST_CANCELS: runs for each state of each kind (10).
#include <algorithm>
#include <fstream>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/pxe/boot_http.h"
#include "services/pxe/core/boot_kind.h"
#include "services/uplink/core/desired_state.h"
#include "tests/support/env_number.h"
#include "tests/unit/pxe/fake_world.h"
#include "tests/unit/pxe/played_machine.h"

namespace tentacle::pxe {
namespace {

namespace asio = boost::asio;
using testing::kMac;

constexpr int kMostTurns = 12;  // Of the home thread, between two that race; a request has less.

struct Asked {
  std::string what;
  std::optional<net::HttpReply> reply;
  bool cancelled_before = false;  // The backend may have seen `cancelled` before this reply.
};

class Race {
 public:
  Race(const std::string& os_type, std::uint64_t seed) : os_type_(os_type), random_(seed) {
    const auto task = testing::TaskOf(os_type_, "t1");
    for (const std::string& file : NeededFiles(*KindOf(os_type), task))
      world_.PutBootFile(file);
    http_.emplace(world_.desk(), *world_.metrics, world_.temp.path() + "/boot", 9080,
                  [](const std::string&) { return std::optional(kMac); });
    uplink::Apply(uplink::AddTask(desired_, task, kRoom), desired_);
    world_.Await(Push(desired_));
  }

  // Up to the state in which `next` is what the machine does next.
  void Reach(const std::string& next) {
    for (const std::string& step : testing::StepsOf(os_type_)) {
      if (step == next) break;
      if (step == "failed") continue;
      Asked asked = Prepare(step);
      world_.Await(Ask(Request(step), &asked));
      ASSERT_TRUE(IsGranted(asked)) << step << ": " << asked.reply->status << asked.reply->body;
    }
    const BootTable& table = world_.desk().table();
    tokens_ = testing::TokensOf(table, *table.Find(kMac));
  }

  // The machine's next request, sometimes twice, and the cancellation, sometimes with a table
  // behind it that was overtaken.
  void Run(const std::string& next) {
    const uplink::DesiredState before = desired_;
    replaced_ = Chance(4);
    if (replaced_) {
      uplink::Apply(uplink::AddTask(desired_, testing::TaskOf(os_type_, "t2"), kRoom), desired_);
    } else {
      uplink::Apply(uplink::CancelTask(desired_, "t1"), desired_);
    }
    asked_.reserve(3);
    const bool machine_first = Chance(2);
    world_.io.restart();
    if (machine_first) Begin(next);
    Turns();
    Spawn(Push(desired_));
    Turns();
    if (!machine_first) Begin(next);
    if (Chance(3)) Begin("script");  // It was reset.
    Turns();
    if (Chance(3)) Spawn(Push(before));
    world_.io.restart();  // It stopped if it had nothing left to do before the last of these.
    while (world_.io.run_one() > 0)
      Look();
    for (const Asked& asked : asked_) {
      ASSERT_TRUE(asked.reply) << asked.what;
      if (asked.cancelled_before) {
        EXPECT_FALSE(IsGranted(asked)) << asked.what << asked.reply->body;
      }
    }
    ExpectAPath();
  }

  // What the machine still has is worth nothing, also to the process that follows.
  void ExpectOver() {
    for (const char* step : {"orders", "preseed.cfg", "downloading"}) {
      Asked asked = Prepare(step);
      world_.Await(Ask(testing::RequestOf(step, tokens_), &asked));
      EXPECT_FALSE(IsGranted(asked)) << step << asked.reply->body;
    }
    world_.Start();
    const TrackedTask* task = world_.desk().table().Find(kMac);
    if (task != nullptr && task->task.id() == "t1") {
      EXPECT_FALSE(IsOpen(task->progress.status()));
    }
    ExpectAPath();
  }

  bool granted() { return !asked_.empty() && IsGranted(asked_.front()); }

  bool ended_by_itself() const { return !IsTold(); }

 private:
  static constexpr uplink::TableLimits kRoom{100, 1 << 20};

  bool Chance(unsigned one_in) { return random_() % one_in == 0; }

  asio::awaitable<std::vector<RefusedTask>> Push(const uplink::DesiredState& state) {
    std::vector<task::v1::BootTask> tasks;
    for (const auto& [mac, task] : state.tasks)
      tasks.push_back(task);
    return world_.desk().Replace(state.task_revision, std::move(tasks));
  }

  net::HttpRequest Request(const std::string& step) {
    const BootTable& table = world_.desk().table();
    return testing::RequestOf(step, testing::TokensOf(table, *table.Find(kMac)));
  }

  static Asked Prepare(const std::string& what) {
    Asked asked;
    asked.what = what;
    return asked;
  }

  asio::awaitable<bool> Ask(net::HttpRequest request, Asked* asked) {
    auto handle = http_->Handle(std::move(request));
    asked->reply = co_await std::move(handle);
    asked->cancelled_before = IsTold();
    co_return true;
  }

  template <class Work>
  void Spawn(Work work) {
    asio::co_spawn(world_.io, std::move(work), asio::detached);
  }

  // As t1's machine; what it holds is t1's, whatever the table has by now.
  void Begin(const std::string& step) {
    asked_.push_back(Prepare(step));
    Spawn(Ask(testing::RequestOf(step, tokens_), &asked_.back()));
  }

  void Turns() {
    for (auto left = random_() % (kMostTurns + 1); left > 0; --left) {
      // Blocks for what the pool does; 0 when there is nothing left to do.
      if (world_.io.run_one() == 0) return world_.io.restart();
      Look();
    }
  }

  // A script that begins t1's installation counts; one of the task that follows does not.
  bool IsGranted(const Asked& asked) {
    const unsigned status = asked.reply->status;
    if (asked.what != "script") return status == 200 || status == 204;
    const std::string& body = asked.reply->body;
    const TrackedTask* task = world_.desk().table().Find(kMac);
    const bool of_next = task != nullptr && task->task.id() == "t2" &&
                         (body.find(world_.desk().table().BootToken(*task)) != std::string::npos ||
                          body.find(world_.desk().table().AnswerToken(*task)) != std::string::npos);
    return testing::Boots(*asked.reply) && !of_next;
  }

  std::vector<std::string> Statuses() const {
    std::vector<std::string> statuses;
    for (const events::Event& event : world_.events.all) {
      if (event.type() != "task.status" || event.correlation_id() != "t1") continue;
      const auto body = boost::json::parse(event.body_json());
      statuses.emplace_back(body.at("status").as_string());
    }
    return statuses;
  }

  bool IsTold() const {
    const auto statuses = Statuses();
    return std::find(statuses.begin(), statuses.end(), "cancelled") != statuses.end();
  }

  // Killed now, the next process would have only this file.
  void Look() {
    if (!IsTold()) return;
    std::ifstream file(world_.temp.path() + "/tasks/52-54-00-65-d5-42.json");
    std::stringstream text;
    text << file.rdbuf();
    if (!file) return;
    const auto kept = ParseTaskFile(text.str());
    ASSERT_TRUE(kept.ok()) << kept.status();
    if (kept->task.id() == "t1") {
      EXPECT_FALSE(IsOpen(kept->progress.status())) << text.str();
    }
  }

  void ExpectAPath() const {
    const auto statuses = Statuses();
    bool cancelled = false;
    bool ended = false;
    for (const std::string& status : statuses) {
      if (cancelled) {
        EXPECT_EQ(status, "cancelled") << ::testing::PrintToString(statuses);
      }
      cancelled = cancelled || status == "cancelled";
      ended = ended || status == "complete" || status == "failed";
    }
    EXPECT_NE(cancelled, ended) << ::testing::PrintToString(statuses);
  }

  const std::string os_type_;
  std::mt19937_64 random_;
  testing::World world_;
  std::optional<BootHttp> http_;
  uplink::DesiredState desired_;
  testing::PlayedTokens tokens_;
  bool replaced_ = false;
  std::vector<Asked> asked_;
};

class CancelRace : public ::testing::TestWithParam<std::string> {};

TEST_P(CancelRace, AtEveryStateNothingIsGrantedAfterTheBackendWasTold) {
  const long runs = testing::EnvNumber("TENTACLE_TEST_CANCELS", 10);
  int granted = 0;
  int refused = 0;
  std::uint64_t seed = 0;
  for (const std::string& next : testing::StepsOf(GetParam())) {
    for (long run = 0; run < runs; ++run) {
      SCOPED_TRACE(next + ", seed " + std::to_string(++seed));
      Race race(GetParam(), seed);
      race.Reach(next);
      race.Run(next);
      if (!race.ended_by_itself()) race.ExpectOver();
      ++(race.granted() ? granted : refused);
      if (::testing::Test::HasFailure()) return;
    }
  }
  // Otherwise nothing was raced.
  EXPECT_GT(granted, 0);
  EXPECT_GT(refused, 0);
}

INSTANTIATE_TEST_SUITE_P(Of,
                         CancelRace,
                         ::testing::Values("linux-image", "debian-preseed"),
                         [](const auto& test) {
                           return test.param == "linux-image" ? "LinuxImage" : "DebianPreseed";
                         });

}  // namespace
}  // namespace tentacle::pxe
