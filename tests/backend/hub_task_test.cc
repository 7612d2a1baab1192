// Tasks on their way down, their progress on its way up, and what the page hears of it.
#include <fmt/format.h>

#include <absl/time/clock.h>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "tests/backend/hub_bench.h"

namespace tentacle::backend {
namespace {

namespace json = boost::json;

std::string At(absl::Duration from_now) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now() + from_now, absl::UTCTimeZone());
}

std::string TaskPath(const std::string& id) {
  return "/api/v1/provisioning/tasks/" + id;
}

json::object TaskStatus(const std::string& task, std::string_view status, absl::Duration from_now) {
  return {{"type", "task.status"}, {"taskId", task}, {"status", status}, {"time", At(from_now)}};
}

class HubTask : public ::testing::Test {
 protected:
  std::string Make(const std::string& mac) {
    return std::string(bench_.MakeTask(one_.id(), mac).at("id").as_string());
  }

  json::value Status(const std::string& task) { return bench_.Field(TaskPath(task), "/status"); }

  Bench& bench_ = Bench::Get();
  FakeTentacle one_;
};

TEST_F(HubTask, ANewTentacleIsGreetedWithAnEmptyTable) {
  ASSERT_EQ(one_.Connect(), absl::OkStatus());
  const json::object sync = one_.Next();
  EXPECT_EQ(sync.at("type"), "tasks.sync");
  EXPECT_TRUE(sync.at("tasks").as_array().empty());
  EXPECT_GT(sync.at("revision").to_number<int>(), 0);
}

TEST_F(HubTask, AConfigurationComesBeforeTheTable) {
  bench_.Json("PUT", "/api/v1/tentacles/" + one_.text_id(),
              {{"config", {{"cache", {{"max_bytes", 5000000}}}}}});
  ASSERT_EQ(one_.Connect(), absl::OkStatus());
  const json::object update = one_.Next();
  EXPECT_EQ(update.at("type"), "config.update");
  EXPECT_EQ(update.at("revision"), 1);
  EXPECT_EQ(update.at("config"), (json::value{{"cache", {{"max_bytes", 5000000}}}}));
  EXPECT_EQ(one_.Next().at("type"), "tasks.sync");
}

TEST_F(HubTask, AConfigurationThatIsChangedMeanwhileComesAtOnce) {
  one_.ConnectAndSync();
  bench_.Json("PUT", "/api/v1/tentacles/" + one_.text_id(),
              {{"config", {{"cache", {{"max_bytes", 6000000}}}}}});
  EXPECT_EQ(one_.Next().at("revision"), 1);
}

TEST_F(HubTask, ATaskThatIsOrderedWhileConnectedComesAtOnce) {
  const int before = one_.ConnectAndSync().at("revision").to_number<int>();
  const std::string id = Make("52:54:00:00:01:01");
  const json::object fresh = one_.Next();
  EXPECT_EQ(fresh.at("type"), "task.new");
  EXPECT_EQ(fresh.at("task").at("id").as_string(), id);
  EXPECT_EQ(fresh.at("task").at("mac"), "52:54:00:00:01:01");
  const json::object sync = one_.Next();
  EXPECT_EQ(sync.at("tasks").as_array().size(), 1U);
  EXPECT_GT(sync.at("revision").to_number<int>(), before);
}

TEST_F(HubTask, ATaskThatIsOrderedWhileAwayComesWithTheNextConnection) {
  const std::string id = Make("52:54:00:00:01:02");
  const json::object sync = one_.ConnectAndSync();
  ASSERT_EQ(sync.at("tasks").as_array().size(), 1U);
  EXPECT_EQ(sync.at("tasks").at(0).at("id").as_string(), id);
}

TEST_F(HubTask, ATaskOfAnotherTentacleIsNotToldHere) {
  FakeTentacle other;
  bench_.MakeTask(other.id(), "52:54:00:00:01:03");
  EXPECT_TRUE(one_.ConnectAndSync().at("tasks").as_array().empty());
}

TEST_F(HubTask, ACancelledTaskIsTakenBack) {
  const std::string id = Make("52:54:00:00:01:04");
  one_.ConnectAndSync();
  EXPECT_EQ(bench_.Call("DELETE", TaskPath(id)).status, 204U);
  const json::object cancel = one_.Next();
  EXPECT_EQ(cancel.at("type"), "task.cancel");
  EXPECT_EQ(cancel.at("taskId").as_string(), id);
  EXPECT_TRUE(one_.Next().at("tasks").as_array().empty());
}

TEST_F(HubTask, AStatusReachesTheTask) {
  const std::string id = Make("52:54:00:00:01:05");
  one_.ConnectAndSync();
  json::object report = TaskStatus(id, "installing", absl::ZeroDuration());
  report["stage"] = "applying";
  report["progress"] = 42;
  report["message"] = "writing";
  one_.Report("t/1/1", report);
  const json::value task = bench_.Json("GET", TaskPath(id));
  EXPECT_EQ(task.at("status"), "installing");
  EXPECT_EQ(task.at("stage"), "applying");
  EXPECT_EQ(task.at("progress"), 42);
  EXPECT_EQ(task.at("message"), "writing");
}

TEST_F(HubTask, AnOlderStatusChangesNothing) {
  const std::string id = Make("52:54:00:00:01:06");
  one_.ConnectAndSync();
  one_.Report("one", TaskStatus(id, "installing", absl::ZeroDuration()));
  one_.Report("two", TaskStatus(id, "booting", -absl::Minutes(1)));
  EXPECT_EQ(Status(id), "installing");
}

TEST_F(HubTask, AStatusCountsAlsoWhenTheTentaclesClockWasSetBack) {
  const std::string id = Make("52:54:00:00:01:16");
  one_.ConnectAndSync();
  one_.Report("t/1/1", TaskStatus(id, "installing", absl::ZeroDuration()));
  one_.Report("t/1/2", TaskStatus(id, "complete", -absl::Hours(1)));
  EXPECT_EQ(Status(id), "complete");
}

TEST_F(HubTask, AnEndIsKeptAgainstWhatComesLater) {
  const std::string id = Make("52:54:00:00:01:07");
  one_.ConnectAndSync();
  one_.Report("t/1/1", TaskStatus(id, "complete", absl::ZeroDuration()));
  one_.Report("t/1/2", TaskStatus(id, "failed", absl::Seconds(1)));
  one_.Report("t/1/3", TaskStatus(id, "installing", -absl::Seconds(1)));
  EXPECT_EQ(Status(id), "complete");
}

TEST_F(HubTask, AStatusThatIsNoneIsAcknowledgedAndChangesNothing) {
  const std::string id = Make("52:54:00:00:01:08");
  one_.ConnectAndSync();
  one_.Report("t/1/1", TaskStatus(id, "dancing", absl::ZeroDuration()));
  EXPECT_EQ(Status(id), "waiting");
}

TEST_F(HubTask, NobodySpeaksForAnothersMachines) {
  const std::string id = Make("52:54:00:00:01:09");
  FakeTentacle other;
  other.ConnectAndSync();
  other.Report("t/1/1", TaskStatus(id, "failed", absl::ZeroDuration()));
  other.Report(
      "t/1/2",
      {{"type", "task.timeline"}, {"taskId", id}, {"step", "x"}, {"detail", ""}, {"time", At({})}});
  EXPECT_EQ(Status(id), "waiting");
  EXPECT_EQ(bench_.Sql("SELECT count(*) FROM task_timeline WHERE task_id = " + id), "0");
}

TEST_F(HubTask, ARepeatedTimelineIsOneEntry) {
  const std::string id = Make("52:54:00:00:01:0a");
  const json::object entry{{"type", "task.timeline"},
                           {"taskId", id},
                           {"step", "offer"},
                           {"detail", "sent"},
                           {"time", At({})}};
  one_.ConnectAndSync();
  one_.Report("t/1/1", entry);
  one_.Report("t/1/1", entry);
  one_.ConnectAndSync();
  one_.Report("t/1/1", entry);
  EXPECT_EQ(bench_.Field(TaskPath(id), "/timeline").as_array().size(), 1U);
  EXPECT_EQ(bench_.Field(TaskPath(id), "/timeline/0/step"), "offer");
}

TEST_F(HubTask, TheSameIdOfAnotherTentacleIsAnotherMessage) {
  const std::string id = Make("52:54:00:00:01:0b");
  FakeTentacle other;
  other.ConnectAndSync();
  other.Report("t/1/1", {{"type", "link"}, {"latencyMs", 2}});
  one_.ConnectAndSync();
  one_.Report("t/1/1", TaskStatus(id, "booting", absl::ZeroDuration()));
  EXPECT_EQ(Status(id), "booting");
}

TEST_F(HubTask, AnInstallersCallbackIsTakenThoughTheTentaclesClockIsAhead) {
  const json::value task = bench_.MakeTask(one_.id(), "52:54:00:00:01:0c");
  const std::string id(task.at("id").as_string());
  one_.ConnectAndSync();
  one_.Report("t/1/1", TaskStatus(id, "booting", absl::Minutes(10)));
  const net::HeaderList token{
      {"Authorization", "Bearer " + std::string(task.at("callbackToken").as_string())}};
  EXPECT_EQ(bench_.Fetch("POST", TaskPath(id) + "/events", token, R"({"event":"applying"})").status,
            204U);
  EXPECT_EQ(Status(id), "installing");
  one_.Report("t/1/2", TaskStatus(id, "complete", absl::Minutes(11)));
  EXPECT_EQ(Status(id), "complete");
}

TEST_F(HubTask, ThePageHearsOfATasksProgressAndWhoseItIs) {
  const json::value task = bench_.MakeTask(one_.id(), "52:54:00:00:01:0d");
  const std::string id(task.at("id").as_string());
  one_.ConnectAndSync();
  FakePage page;
  one_.Report("t/1/1", TaskStatus(id, "booting", absl::ZeroDuration()));
  EXPECT_TRUE(page.Hears({{"kind", "task"}, {"id", id}, {"tentacleId", one_.text_id()}}));
}

TEST_F(HubTask, ThePageHearsWhoseTaskACallbackMoved) {
  const json::value task = bench_.MakeTask(one_.id(), "52:54:00:00:01:0e");
  const std::string id(task.at("id").as_string());
  FakePage page;
  const net::HeaderList token{
      {"Authorization", "Bearer " + std::string(task.at("callbackToken").as_string())}};
  EXPECT_EQ(bench_.Fetch("POST", TaskPath(id) + "/events", token, R"({"event":"done"})").status,
            204U);
  EXPECT_TRUE(page.Hears({{"kind", "task"}, {"id", id}, {"tentacleId", one_.text_id()}}));
}

}  // namespace
}  // namespace tentacle::backend
