// Bar B6 at the backend: two tentacles are told of one task, and one of them is given it.
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "tests/backend/hub_bench.h"

namespace tentacle::backend {
namespace {

namespace json = boost::json;

class HubStandby : public ::testing::Test {
 protected:
  // Ordered, and known to both.
  std::string Make(const std::string& mac) {
    const std::string id(bench_.MakeTask(own_.id(), mac, standby_.id()).at("id").as_string());
    EXPECT_EQ(Role(own_.ConnectAndSync()), "owner");
    EXPECT_EQ(Role(standby_.ConnectAndSync()), "standby");
    return id;
  }

  // Of the one task in the table: "none" when there is no task, "" when it is nobody else's.
  static std::string Role(const json::object& sync) {
    const auto* shared = sync.if_contains("shared");
    if (shared != nullptr) {
      EXPECT_TRUE(sync.at("tasks").as_array().empty());
      return std::string(shared->at(0).at("relay").as_string());
    }
    const auto& tasks = sync.at("tasks").as_array();
    if (tasks.empty()) return "none";
    EXPECT_FALSE(tasks.at(0).as_object().contains("relay"));
    return "";
  }

  static json::object Status(const std::string& task, std::string_view status) {
    return {{"type", "task.status"}, {"taskId", task}, {"status", status}};
  }

  static json::object TakenOver(const std::string& task) {
    json::object report = Status(task, "booting");
    report["tookOver"] = true;
    return report;
  }

  // The table that a report changes may come before its acknowledgement.
  static void Report(FakeTentacle& tentacle, const std::string& id, const json::object& message) {
    tentacle.Report(id, message, FakeTentacle::Tables::kKept);
  }

  // Skips tables of before.
  static bool ComesToBe(FakeTentacle& tentacle, std::string_view role) {
    for (;;) {
      const json::object sync = tentacle.Await("tasks.sync");
      if (sync.empty()) return false;
      if (Role(sync) == role) return true;
    }
  }

  json::value Field(const std::string& task, const std::string& pointer) {
    return bench_.Field("/api/v1/provisioning/tasks/" + task, pointer);
  }

  Bench& bench_ = Bench::Get();
  FakeTentacle own_;
  FakeTentacle standby_;
};

TEST_F(HubStandby, ANewTaskIsToldToBothWithItsRole) {
  own_.ConnectAndSync();
  standby_.ConnectAndSync();
  const std::string id(
      bench_.MakeTask(own_.id(), "52:54:00:00:0b:01", standby_.id()).at("id").as_string());
  // An older tentacle would take a task.new for its own.
  json::object first = own_.Next();
  EXPECT_EQ(first.at("type"), "tasks.sync");
  EXPECT_EQ(Role(first), "owner");
  EXPECT_EQ(Role(standby_.Next()), "standby");
  EXPECT_EQ(Field(id, "/standbyTentacleId"), json::value(standby_.text_id()));
  EXPECT_EQ(bench_.Call("DELETE", "/api/v1/provisioning/tasks/" + id).status, 204U);
  EXPECT_EQ(own_.Await("task.cancel").at("taskId").as_string(), id);
  EXPECT_EQ(standby_.Await("task.cancel").at("taskId").as_string(), id);
}

TEST_F(HubStandby, OneThatWasClaimedIsNotSharedAgain) {
  const std::string id = Make("52:54:00:00:0b:07");
  Report(own_, "t/1/1", Status(id, "booting"));
  Report(own_, "t/1/2", Status(id, "waiting"));  // It has lost what it knew.
  EXPECT_EQ(Field(id, "/status"), "waiting");
  Report(standby_, "t/1/1", TakenOver(id));
  EXPECT_EQ(Field(id, "/tentacleId"), json::value(own_.text_id()));
}

TEST_F(HubStandby, WhatARemovedTentacleHasNotBegunIsItsStandbys) {
  const std::string id = Make("52:54:00:00:0b:08");
  EXPECT_EQ(bench_.Call("DELETE", "/api/v1/tentacles/" + own_.text_id()).status, 204U);
  EXPECT_TRUE(ComesToBe(standby_, ""));
  EXPECT_EQ(Field(id, "/tentacleId"), json::value(standby_.text_id()));
  EXPECT_EQ(Field(id, "/status"), "waiting");
}

TEST_F(HubStandby, WhoseStandbyIsRemovedHasItsTaskAlone) {
  const std::string id = Make("52:54:00:00:0b:09");
  EXPECT_EQ(bench_.Call("DELETE", "/api/v1/tentacles/" + standby_.text_id()).status, 204U);
  EXPECT_TRUE(ComesToBe(own_, ""));
  EXPECT_EQ(Field(id, "/standbyTentacleId"), json::value(nullptr));
}

TEST_F(HubStandby, WhoseMachineBootsHasItForItself) {
  const std::string id = Make("52:54:00:00:0b:02");
  Report(own_, "t/1/1", Status(id, "booting"));
  EXPECT_TRUE(ComesToBe(own_, ""));
  EXPECT_TRUE(ComesToBe(standby_, "none"));
  Report(standby_, "t/1/1", TakenOver(id));
  EXPECT_EQ(Field(id, "/tentacleId"), json::value(own_.text_id())) << "it comes too late";
}

TEST_F(HubStandby, AStandbyThatTookOverChangesPlaces) {
  const std::string id = Make("52:54:00:00:0b:03");
  Report(standby_, "t/1/1", TakenOver(id));
  EXPECT_TRUE(ComesToBe(standby_, ""));
  EXPECT_TRUE(ComesToBe(own_, "none"));
  EXPECT_EQ(Field(id, "/tentacleId"), json::value(standby_.text_id()));
  EXPECT_EQ(Field(id, "/standbyTentacleId"), json::value(own_.text_id()));
  EXPECT_EQ(Field(id, "/status"), "booting");
  Report(own_, "t/1/1", Status(id, "booting"));
  Report(own_, "t/1/2", Status(id, "failed"));
  EXPECT_EQ(Field(id, "/tentacleId"), json::value(standby_.text_id())) << "it comes too late";
  EXPECT_EQ(Field(id, "/status"), "booting");
  Report(standby_, "t/1/2", Status(id, "complete"));
  EXPECT_EQ(Field(id, "/status"), "complete");
}

TEST_F(HubStandby, AStandbyThatTookNothingOverIsNotHeard) {
  const std::string id = Make("52:54:00:00:0b:04");
  Report(standby_, "t/1/1", Status(id, "booting"));
  Report(standby_, "t/1/2", Status(id, "failed"));
  EXPECT_EQ(Field(id, "/status"), "waiting");
  EXPECT_EQ(Field(id, "/tentacleId"), json::value(own_.text_id()));
}

TEST_F(HubStandby, AnEndWithoutABootIsToldToTheStandby) {
  const std::string id = Make("52:54:00:00:0b:05");
  Report(own_, "t/1/1", Status(id, "failed"));
  EXPECT_TRUE(ComesToBe(standby_, "none"));
}

TEST_F(HubStandby, AStandbyIsAnotherTentacleThatThereIs) {
  const auto order = [&](const std::string& standby) {
    return bench_.Call("POST", "/api/v1/provisioning/tasks",
                       {{"mac", "52:54:00:00:0b:06"},
                        {"hostname", "vm"},
                        {"osType", "local-boot"},
                        {"platform", "kvm-libvirt"},
                        {"tentacleId", own_.text_id()},
                        {"standbyTentacleId", standby},
                        {"network", {{"dhcp", true}}}});
  };
  EXPECT_EQ(order(own_.text_id()).status, 422U);
  EXPECT_EQ(order("999999").status, 422U);
  EXPECT_EQ(order(standby_.text_id()).status, 201U);
}

}  // namespace
}  // namespace tentacle::backend
