#include "services/uplink/core/routing.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/uplink/core/planning_orders.h"
#include "services/uplink/core/reports.h"
#include "tests/support/golden.h"

namespace tentacle::uplink {
namespace {

using backend_link::Message;

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

std::string Text(const Action& action) {
  return std::visit(
      Overloaded{
          [](const AddTaskAction& a) {
            return fmt::format("add task {} {}", a.task.id(), a.task.mac());
          },
          [](const CancelTaskAction& a) { return fmt::format("cancel task {}", a.task_id); },
          [](const SyncTasksAction& a) { return fmt::format("sync {} tasks", a.tasks.size()); },
          [](const UpdateConfigAction& a) {
            return fmt::format("config {} {}", a.revision.value_or(0), a.config_json);
          },
          [](const CommandAction& a) {
            return fmt::format(
                "command {} for {}: reference={} mac={} order={} signature={} ttl={}",
                a.command.type(), ServiceName(a.command.service()), a.command.reference,
                a.command.mac, a.command.order, a.command.signature,
                std::string(absl::FormatDuration(a.command.time_to_live)));
          },
          [](const RefuseTaskAction& a) {
            return fmt::format("refuse task {}: {}", a.refused.task_id, a.refused.reason);
          },
          [](const AckedAction& a) { return fmt::format("acknowledged {}", a.id); },
          [](const CreditAction& a) { return fmt::format("credit of {} events", a.events); },
          [](const GoodbyeAction& a) {
            return fmt::format("goodbye, back after {}",
                               std::string(absl::FormatDuration(a.reconnect_after)));
          },
          [](const QuarantineAction& a) { return fmt::format("quarantine: {}", a.reason); },
          [](const RemovedAction&) { return std::string("removed"); },
          [](const UnknownTypeAction& a) { return fmt::format("unknown type {}", a.type); },
          [](const BadFieldAction& a) { return fmt::format("bad field: {}", a.reason); }},
      action);
}

std::string Routed(const std::string& frame) {
  const auto message = backend_link::Parse(frame);
  if (!message.ok()) return std::string(message.status().message());
  std::string text;
  for (const Action& action : Route(*message))
    text += Text(action) + "\n";
  return text;
}

// What every message of the protocol, as the golden files of backend_link print it, leads to.
TEST(Route, TableOfEveryMessageThatComesDown) {
  std::string table;
  for (const char* file : {"task.new",
                           "task.new.plain",
                           "task.cancel",
                           "tasks.sync",
                           "config.update",
                           "image.prepull",
                           "image.prepull.scheduled",
                           "prepull.cancel",
                           "peers.sync",
                           "scan.start",
                           "discovery.sync",
                           "wake",
                           "job.run",
                           "job.cancel",
                           "inventory.request",
                           "update.start",
                           "ack",
                           "credit",
                           "goodbye",
                           "quarantine",
                           "node.removed"}) {
    const std::string frame = testing::ReadGolden(fmt::format("backend_link/{}.json", file));
    table += fmt::format("{:<15} {}", file, Routed(frame));
  }
  testing::ExpectGolden("uplink/routing.txt", table);
}

struct Case {
  std::string name;
  std::string frame;
  std::string expected;
};

class Routes : public ::testing::TestWithParam<Case> {};

TEST_P(Routes, AreTheseActions) {
  EXPECT_EQ(Routed(GetParam().frame), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Route,
    Routes,
    ::testing::Values(
        Case{"UnknownType", R"({"type":"dance"})", "unknown type dance\n"},
        Case{"OneThatGoesUp", R"({"type":"status","online":true})", "unknown type status\n"},
        Case{"TaskIsMissing", R"({"type":"task.new"})",
             "bad field: task.new: task is not an object\n"},
        Case{"WrongTaskIsReported", R"({"type":"task.new","task":{"id":"7","mac":"x"}})",
             "refuse task 7: the task is wrong: mac: is not a MAC address\n"},
        Case{
            "OneWrongTaskDoesNotCostTheOthers",
            R"({"type":"tasks.sync","tasks":[{"id":"7","mac":"x"},4,)"
            R"({"id":"8","mac":"52:54:00:00:00:01","hostname":"a","imageId":"i","osType":"linux-image"}]})",
            "refuse task 7: the task is wrong: mac: is not a MAC address\n"
            "bad field: tasks.sync: a task is not an object\nsync 1 tasks\n"},
        Case{
            "SharedTasksAreTasksToo",
            R"({"type":"tasks.sync","tasks":[],"shared":[{"id":"8","mac":"52:54:00:00:00:01","hostname":"a","imageId":"i","osType":"linux-image",)"
            R"("relay":"standby"}]})",
            "sync 1 tasks\n"},
        Case{
            "ASharedTaskSaysWhoseItIs",
            R"({"type":"tasks.sync","tasks":[],"shared":[{"id":"8","mac":"52:54:00:00:00:01","hostname":"a","imageId":"i","osType":"linux-image"}]})",
            "bad field: tasks.sync: task 8 is in the wrong list for its relay\nsync 0 tasks\n"},
        Case{
            "ATaskThatIsSharedIsAmongThem",
            R"({"type":"tasks.sync","tasks":[{"id":"8","mac":"52:54:00:00:00:01","hostname":"a","imageId":"i","osType":"linux-image",)"
            R"("relay":"owner"}]})",
            "bad field: tasks.sync: task 8 is in the wrong list for its relay\nsync 0 tasks\n"},
        Case{"SharedIsNoList", R"({"type":"tasks.sync","tasks":[],"shared":7})",
             "bad field: tasks.sync: shared is not a list\n"},
        Case{"TasksIsNoList", R"({"type":"tasks.sync","tasks":{}})",
             "bad field: tasks.sync: tasks is not a list\n"},
        Case{"CancelWithoutId", R"({"type":"task.cancel"})",
             "bad field: task.cancel: taskId is missing\n"},
        Case{"ConfigIsNoObject", R"({"type":"config.update","config":[]})",
             "bad field: config.update: config is not an object\n"},
        Case{"ConfigWithoutRevision", R"({"type":"config.update","config":{}})", "config 0 {}\n"},
        Case{"PrepullWithAWrongWindow",
             R"({"type":"image.prepull","imageId":"7","windows":["always"]})",
             "bad field: image.prepull: \"always\": want days and times such as \"Mon-Fri "
             "22:00-06:00\", \"Sat,Sun 00:00-24:00\" or \"daily 12:00-13:00\"\n"},
        Case{"PrepullWithAWrongDeadline",
             R"({"type":"image.prepull","imageId":"7","deadline":"soon"})",
             "bad field: image.prepull: deadline is no time\n"},
        Case{"PeersIsNoList", R"({"type":"peers.sync","peers":{}})",
             "bad field: peers.sync: peers is not a list\n"},
        Case{"PrepullWithoutId", R"({"type":"image.prepull","imageId":""})",
             "bad field: image.prepull: imageId is missing\n"},
        Case{"WakeWithoutMac", R"({"type":"wake","commandId":"c"})",
             "bad field: wake: mac is missing\n"},
        Case{"JobWithoutId", R"({"type":"job.run","job":{"script":"x"}})",
             "bad field: job.run: job.id is missing\n"},
        Case{"QuarantineWithoutAReason", R"({"type":"quarantine"})", "quarantine: \n"},
        Case{"UnsignedJobIsTheAgentsToRefuse",
             R"({"type":"job.run","job":{"id":"j","script":"x"}})",
             "command job.run for agent: reference=j mac= order= signature= ttl=1h\n"},
        Case{"OrderIsPassedOnAsItCame",
             R"({"type":"job.cancel","commandId":"cmd-9","order":" {\"a\":1}","signature":"c2ln"})",
             "command job.cancel for agent: reference=cmd-9 mac= order= {\"a\":1} signature=c2ln "
             "ttl=1h\n"},
        Case{"AckWithoutId", R"({"type":"ack"})", "bad field: ack: id is missing\n"}),
    [](const auto& param_info) { return param_info.param.name; });

// Every object of a message gets a member that no release knows yet.
void Grow(boost::json::value& value) {
  if (value.is_array()) {
    for (auto& element : value.as_array())
      Grow(element);
  }
  if (!value.is_object()) return;
  for (auto& [name, member] : value.as_object())
    Grow(member);
  value.as_object()["xLater"] = {{"a", 1}, {"b", {true, nullptr}}};
}

// docs/adr/0015: a newer backend may say more in each message. Only a configuration is strict.
TEST(Route, WhatANewerBackendSaysBesidesIsIgnored) {
  for (const char* file :
       {"task.new", "task.new.plain", "task.cancel", "tasks.sync", "image.prepull", "scan.start",
        "wake", "ack", "credit", "goodbye", "quarantine", "node.removed"}) {
    const std::string frame = testing::ReadGolden(fmt::format("backend_link/{}.json", file));
    boost::json::value newer = boost::json::parse(frame);
    Grow(newer);
    EXPECT_EQ(Routed(boost::json::serialize(newer)), Routed(frame)) << file;
  }
}

TEST(Reports, RefusedTaskGoesUpAsFailed) {
  const auto event = TaskFailed({"7", "mac: is not a MAC address"}, absl::FromUnixSeconds(0));
  EXPECT_EQ(event.type(), "task.status");
  EXPECT_EQ(event.priority(), event::v1::PRIORITY_RESULT);
  EXPECT_EQ(event.body_json(),
            R"({"taskId":"7","status":"failed","message":"mac: is not a MAC address",)"
            R"("time":"1970-01-01T00:00:00.000Z"})");
}

TEST(Reports, CommandThatIsNotCarriedOutSaysWhyInItsOwnWay) {
  Command command{
      .kind = CommandKind::kJob, .reference = "j", .mac = {}, .order = {}, .signature = {}};
  EXPECT_EQ(CommandFailed(command, "no", absl::Now()).type(), "job.result");
  command.kind = CommandKind::kPrepull;
  EXPECT_EQ(CommandFailed(command, "no", absl::Now()).type(), "image.progress");
  command.prepull.set_id("12");
  EXPECT_EQ(CommandFailed(command, "no", absl::Now()).body_json(),
            R"({"scheduleId":"12","state":"failed","reason":"no"})");
  command.prepull.set_id(PlainPrepullId("j"));
  EXPECT_EQ(CommandFailed(command, "no", absl::Now()).type(), "image.progress");
  EXPECT_EQ(CommandFailed(command, "no", absl::Now()).body_json(),
            R"({"imageId":"j","state":"failed","reason":"no"})");
  command.kind = CommandKind::kWake;
  const auto event = CommandFailed(command, "no", absl::Now());
  EXPECT_EQ(event.type(), "command.failed");
  EXPECT_EQ(event.body_json(), R"({"commandId":"j","command":"wake","reason":"no"})");
}

TEST(Reports, EventBecomesAMessageWithItsId) {
  event::v1::Event event;
  event.set_type("image.cached");
  event.set_body_json(R"({"imageId":"i","size":4500000000})");
  const auto message = EventMessage({Service::kCache, "e", 3}, event);
  ASSERT_TRUE(message.ok());
  EXPECT_EQ(backend_link::Serialize(*message),
            R"({"type":"image.cached","id":"cache/e/3","imageId":"i","size":4500000000})");
}

TEST(Reports, EventThatIsNoJsonOrTooLargeIsRefused) {
  event::v1::Event event;
  event.set_type("inventory");
  for (const std::string& body :
       {std::string("{"), std::string("[]"), std::string(),
        "{\"a\":\"" + std::string(backend_link::kMaxMessageBytes, 'x') + "\"}"}) {
    event.set_body_json(body);
    EXPECT_FALSE(EventMessage({Service::kAgent, "e", 1}, event).ok());
  }
}

}  // namespace
}  // namespace tentacle::uplink
