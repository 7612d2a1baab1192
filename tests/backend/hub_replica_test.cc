// Several backends on one database: whoever holds the socket delivers, and the death of one is
// outlived.
#include <fmt/format.h>

#include <atomic>
#include <cstdlib>
#include <set>

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "tests/backend/hub_bench.h"

namespace tentacle::backend {
namespace {

namespace json = boost::json;

// The bench's backend is where people order; the tentacle is connected to the other one.
class HubReplica : public ::testing::Test {
 protected:
  HubReplica() {
    one_.instance = "boot-1.process-1";
    one_.base = other_->base();
    // It knows of the first one once its own heart has beaten.
    EXPECT_TRUE(bench_.Until([&] {
      net::ClientRequest request;
      request.url = other_->base() + "/metrics";
      const auto reply = net::Fetch(request);
      const auto at =
          reply.ok() ? reply->body.find("\noctofleet_backend_replicas ") : std::string::npos;
      return at != std::string::npos && std::atoi(reply->body.c_str() + at + 28) >= 2;
    }));
  }

  json::value Node(const std::string& pointer) {
    return bench_.Field("/api/v1/tentacles/" + one_.text_id(), pointer);
  }

  std::string Path(const std::string& rest) const {
    return "/api/v1/tentacles/" + one_.text_id() + rest;
  }

  Bench& bench_ = Bench::Get();
  std::unique_ptr<BackendProcess> other_ = std::make_unique<BackendProcess>(bench_.dir());
  FakeTentacle one_;
};

TEST_F(HubReplica, WhatIsOrderedAtOneGoesOutAtTheOther) {
  one_.ConnectAndSync();
  EXPECT_EQ(Node("/online"), true);
  // Tables may come between: a backend that begins to listen goes through its sessions once more.
  bench_.Json("POST", Path("/scan"), json::object{});
  one_.Await("scan.start");
  const json::value task = bench_.MakeTask(one_.id(), "52:54:00:00:77:01");
  EXPECT_EQ(one_.Await("task.new").at("task").at("id"), task.at("id"));
  one_.Await("tasks.sync");
  bench_.Json("PUT", Path(""), {{"config", {{"log", {{"level", "debug"}}}}}});
  one_.Await("config.update");
  bench_.Call("DELETE", "/api/v1/provisioning/tasks/" + std::string(task.at("id").as_string()));
  one_.Await("task.cancel");
}

TEST_F(HubReplica, APageHearsWhatATentacleOfTheOtherReports) {
  FakePage page;
  one_.ConnectAndSync();
  one_.Report("a/1/1", {{"type", "link"}, {"latencyMs", 1}});
  EXPECT_TRUE(page.Hears({{"kind", "node"}, {"id", one_.text_id()}}));
}

TEST_F(HubReplica, ARemovalAtOneEndsTheSessionAtTheOther) {
  one_.ConnectAndSync();
  EXPECT_EQ(bench_.Call("DELETE", Path("")).status, 204U);
  EXPECT_EQ(one_.Next().at("type"), "node.removed");
  EXPECT_FALSE(one_.End().ok());
}

TEST_F(HubReplica, ACloneIsFoundAcrossBoth) {
  one_.ConnectAndSync();
  FakeTentacle second(one_);
  second.instance = "boot-2.process-1";
  one_.AnswerWhile([&] {
    EXPECT_EQ(second.Connect(), absl::OkStatus());
    EXPECT_EQ(second.Next().at("type"), "quarantine");
  });
  one_.Report("a/1/1", {{"type", "link"}, {"latencyMs", 1}});
}

TEST_F(HubReplica, ATentacleThatMovesToAnotherStaysOnline) {
  one_.ConnectAndSync();
  FakeTentacle moved(one_);
  one_.AnswerWhile([&] { moved.ConnectAndSync(); });
  EXPECT_FALSE(one_.End().ok());
  moved.Report("a/1/1", {{"type", "link"}, {"latencyMs", 1}});
  EXPECT_EQ(Node("/online"), true);
}

// Jobs are ordered at one while the other, which delivers them, is killed in the middle.
TEST_F(HubReplica, KilledInTheMiddleOfADeliveryCostsNothing) {
  constexpr int kJobs = 60;
  one_.ConnectAndSync();
  std::set<std::string> ordered;
  std::atomic<int> count = 0;
  std::thread orders([&] {
    for (int i = 0; i < kJobs; ++i) {
      const json::value job = bench_.Json("POST", "/api/v1/jobs",
                                          {{"targetType", "device"},
                                           {"targetId", one_.text_id()},
                                           {"commandType", "script"},
                                           {"commandData", {{"script", "true"}}}});
      ordered.insert(std::string(job.at("instances").at(0).at("id").as_string()));
      ++count;
    }
  });
  std::set<std::string> taken;     // What the tentacle has carried out.
  std::set<std::string> messages;  // Ids that it remembers.
  const auto take = [&](const json::object& message) {
    if (message.empty() || message.at("type") != "job.run") return;
    const std::string id(message.at("id").as_string());
    if (messages.insert(id).second) {
      EXPECT_TRUE(taken.insert(std::string(message.at("job").at("id").as_string())).second);
    }
    one_.Send(json::object{{"type", "ack"}, {"id", id}});
  };
  for (int i = 0; i < 10; ++i)
    take(one_.Next());
  other_->Kill();
  EXPECT_FALSE(one_.End().ok());
  one_.base.clear();
  // Not ConnectAndSync(): it passes over what comes before the table, and an order is not said
  // twice in a connection.
  EXPECT_EQ(one_.Connect(), absl::OkStatus());
  orders.join();
  while (taken.size() < kJobs && !::testing::Test::HasFailure())
    take(one_.Next());
  EXPECT_EQ(taken, ordered);
  EXPECT_TRUE(bench_.Until([&] {
    return bench_.Sql(fmt::format("SELECT count(*) FROM outgoing_commands WHERE node_id = {} AND "
                                  "acknowledged_at IS NULL",
                                  one_.id())) == "0";
  }));
}

TEST_F(HubReplica, OfAKilledOneTheTentaclesThatStayAwayAreOfflineSoon) {
  one_.ConnectAndSync();
  other_->Kill();
  EXPECT_TRUE(bench_.Until([&] { return Node("/online") == false; }));
  EXPECT_EQ(Node("/reason"), "the backend that held its connection is gone");
}

TEST_F(HubReplica, OneThatStopsInOrderNamesATimeToComeBack) {
  one_.ConnectAndSync();
  one_.AnswerWhile([&] { other_->Terminate(); });
  const json::object goodbye = one_.Next();
  EXPECT_EQ(goodbye.at("type"), "goodbye");
  EXPECT_GE(goodbye.at("reconnectAfterMs").as_int64(), 2000);
  EXPECT_LE(goodbye.at("reconnectAfterMs").as_int64(), 5000);
  EXPECT_TRUE(bench_.Until([&] { return Node("/online") == false; }));
  EXPECT_EQ(Node("/reason"), "the backend was stopped");
}

// PostgreSQL ends the connection that listens: what was sent meanwhile is made up for.
TEST_F(HubReplica, NotificationsThatWereMissedAreMadeUpFor) {
  one_.base.clear();
  one_.ConnectAndSync();
  bench_.Sql(
      "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE "
      "'octofleet-backend %'");
  bench_.Sql(fmt::format(
      "INSERT INTO outgoing_commands (node_id, type, body) VALUES ({}, 'scan.start', '{{}}')",
      one_.id()));
  EXPECT_EQ(one_.Await("scan.start").at("type"), "scan.start");
  EXPECT_EQ(Node("/online"), true);
}

}  // namespace
}  // namespace tentacle::backend
