#include "services/uplink/core/desired_state.h"

#include <gtest/gtest.h>

namespace tentacle::uplink {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

using task::v1::BootTask;

constexpr TableLimits kLimits{4, 1024};

BootTask Task(const std::string& id, const std::string& mac, const std::string& hostname = "web") {
  BootTask task;
  task.set_id(id);
  task.set_mac(mac);
  task.set_hostname(hostname);
  return task;
}

DesiredState With(const std::vector<BootTask>& tasks) {
  DesiredState state;
  Apply(SyncTasks(state, tasks, kLimits), state);
  return state;
}

TEST(AddTask, MakesANewRevision) {
  DesiredState state = With({Task("1", "a")});
  const auto change = AddTask(state, Task("2", "b"), kLimits);
  Apply(change, state);
  EXPECT_EQ(state.task_revision, 2u);
  EXPECT_EQ(state.tasks.size(), 2u);
}

TEST(ForgetTasks, OnlyThoseThatAreNamedGo) {
  DesiredState state = With({Task("1", "a"), Task("2", "b")});
  Apply(ForgetTasks(state, {"2", "unknown"}), state);
  ASSERT_EQ(state.tasks.size(), 1u);
  EXPECT_EQ(state.tasks.at("a").id(), "1");
  EXPECT_EQ(state.task_revision, 2u);
  EXPECT_TRUE(ForgetTasks(state, {"2"}).empty());
}

TEST(AddTask, SameTaskAgainChangesNothing) {
  const DesiredState state = With({Task("1", "a")});
  EXPECT_TRUE(AddTask(state, Task("1", "a"), kLimits).empty());
}

TEST(AddTask, LaterTaskForTheMachineReplacesTheEarlier) {
  DesiredState state = With({Task("1", "a")});
  Apply(AddTask(state, Task("2", "a"), kLimits), state);
  ASSERT_EQ(state.tasks.size(), 1u);
  EXPECT_EQ(state.tasks.at("a").id(), "2");
}

TEST(AddTask, TaskThatMovesToAnotherMachineLeavesTheFirst) {
  DesiredState state = With({Task("1", "a")});
  Apply(AddTask(state, Task("1", "b"), kLimits), state);
  ASSERT_EQ(state.tasks.size(), 1u);
  EXPECT_TRUE(state.tasks.contains("b"));
}

TEST(AddTask, FullTableRefusesByName) {
  const DesiredState state = With({Task("1", "a"), Task("2", "b"), Task("3", "c"), Task("4", "d")});
  const auto change = AddTask(state, Task("5", "e"), kLimits);
  EXPECT_TRUE(change.empty());
  ASSERT_EQ(change.refused.size(), 1u);
  EXPECT_EQ(change.refused.front().task_id, "5");
  EXPECT_FALSE(AddTask(state, Task("5", "d"), kLimits).empty()) << "a replacement needs no room";
}

TEST(AddTask, TooManyBytesAreRefused) {
  const DesiredState state = With({Task("1", "a")});
  const auto change = AddTask(state, Task("2", "b", std::string(1024, 'h')), kLimits);
  EXPECT_TRUE(change.empty());
  EXPECT_EQ(change.refused.size(), 1u);
}

TEST(CancelTask, TakesItOut) {
  DesiredState state = With({Task("1", "a"), Task("2", "b")});
  Apply(CancelTask(state, "1"), state);
  EXPECT_EQ(state.tasks.size(), 1u);
  EXPECT_EQ(state.task_revision, 2u);
}

TEST(CancelTask, UnknownIdChangesNothing) {
  EXPECT_TRUE(CancelTask(With({Task("1", "a")}), "9").empty());
}

TEST(SyncTasks, ReplacesWhatWasSaidBefore) {
  DesiredState state = With({Task("1", "a"), Task("2", "b")});
  Apply(SyncTasks(state, {Task("2", "b", "new"), Task("3", "c")}, kLimits), state);
  EXPECT_EQ(state.task_revision, 2u);
  ASSERT_EQ(state.tasks.size(), 2u);
  EXPECT_EQ(state.tasks.at("b").hostname(), "new");
  EXPECT_TRUE(state.tasks.contains("c"));
}

TEST(SyncTasks, SameTableKeepsTheRevision) {
  const DesiredState state = With({Task("1", "a"), Task("2", "b")});
  EXPECT_TRUE(SyncTasks(state, {Task("2", "b"), Task("1", "a")}, kLimits).empty());
}

TEST(SyncTasks, FirstTableCountsEvenIfEmpty) {
  DesiredState state;
  Apply(SyncTasks(state, {}, kLimits), state);
  EXPECT_EQ(state.task_revision, 1u);
}

TEST(SyncTasks, OfTwoTasksForOneMachineTheLaterIsTaken) {
  DesiredState state;
  const auto change = SyncTasks(state, {Task("1", "a"), Task("2", "a")}, kLimits);
  Apply(change, state);
  EXPECT_EQ(state.tasks.at("a").id(), "2");
  ASSERT_EQ(change.refused.size(), 1u);
  EXPECT_EQ(change.refused.front().task_id, "1");
}

TEST(UpdateConfig, TakesTheRevisionOfTheBackend) {
  DesiredState state;
  Apply(UpdateConfig(state, 4, "{}", kNow), state);
  EXPECT_EQ(state.config_revision, 4u);
}

TEST(UpdateConfig, CountsByItselfForABackendWithoutRevisions) {
  DesiredState state;
  Apply(UpdateConfig(state, std::nullopt, R"({"a":1})", kNow), state);
  EXPECT_EQ(state.config_revision, 1u);
  EXPECT_TRUE(UpdateConfig(state, std::nullopt, R"({"a":1})", kNow).empty());
  Apply(UpdateConfig(state, std::nullopt, R"({"a":2})", kNow), state);
  EXPECT_EQ(state.config_revision, 2u);
}

TEST(UpdateConfig, BackendThatWasSetBackStillGetsItsWay) {
  DesiredState state;
  Apply(UpdateConfig(state, 9, R"({"a":1})", kNow), state);
  Apply(UpdateConfig(state, 3, R"({"a":2})", kNow), state);
  EXPECT_EQ(state.config_revision, 10u);
  EXPECT_EQ(state.config_json, R"({"a":2})");
}

TEST(UpdateConfig, NewerRevisionOfTheSameContentIsTaken) {
  DesiredState state;
  Apply(UpdateConfig(state, 1, "{}", kNow), state);
  Apply(UpdateConfig(state, 5, "{}", kNow), state);
  EXPECT_EQ(state.config_revision, 5u);
  EXPECT_TRUE(UpdateConfig(state, 5, "{}", kNow).empty());
}

TEST(ForgetPins, LeavesTheRestAndHidesThoseOfTheFile) {
  DesiredState state;
  Apply(ForgetPins(state, kNow), state);
  EXPECT_EQ(state.config_json, R"({"backend":{"pins":[]}})");
  EXPECT_EQ(state.config_revision, 1u);
  EXPECT_FALSE(state.configs.on_trial());
  const std::string theirs = R"({"log":{"level":"debug"},"backend":{"pins":["a","b"]}})";
  Apply(UpdateConfig(state, 7, theirs, kNow), state);
  EXPECT_TRUE(state.configs.on_trial());
  Apply(ForgetPins(state, kNow), state);
  EXPECT_EQ(state.config_json, R"({"log":{"level":"debug"},"backend":{"pins":[]}})");
  EXPECT_EQ(state.config_revision, 8u);
  EXPECT_FALSE(state.configs.on_trial());
  // Sent again by a backend that has not heard of it.
  Apply(UpdateConfig(state, 7, theirs, kNow), state);
  EXPECT_TRUE(state.configs.on_trial());
  EXPECT_EQ(state.config_json, theirs);
}

TEST(Outbid, RaisesOursAboveWhatTheServiceRemembers) {
  DesiredState state = With({Task("1", "a")});
  Apply(UpdateConfig(state, 2, "{}", kNow), state);
  Apply(OutbidTasks(state, 57), state);
  Apply(OutbidConfig(state, 8), state);
  EXPECT_EQ(state.task_revision, 58u);
  EXPECT_EQ(state.config_revision, 9u);
  EXPECT_EQ(state.tasks.size(), 1u);
}

TEST(Outbid, SaysNothingBeforeTheBackendHasSpoken) {
  const DesiredState state;
  EXPECT_TRUE(OutbidTasks(state, 57).empty());
  EXPECT_TRUE(OutbidConfig(state, 57).empty());
  EXPECT_TRUE(OutbidTasks(With({}), 1).empty()) << "an equal revision is no newer one";
}

}  // namespace
}  // namespace tentacle::uplink
