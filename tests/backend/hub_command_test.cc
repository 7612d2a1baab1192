// Commands and jobs: held until acknowledged, delivered once, and how they ended.
#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "tests/backend/hub_bench.h"

namespace tentacle::backend {
namespace {

namespace json = boost::json;

class HubCommand : public ::testing::Test {
 protected:
  std::string Path(const std::string& rest = "") const {
    return "/api/v1/tentacles/" + one_.text_id() + rest;
  }

  // The id of a job's instance, "job-7", beside that of the job.
  std::pair<std::string, std::string> MakeJob(const std::string& script = "true") {
    const json::value job = bench_.Json("POST", "/api/v1/jobs",
                                        {{"targetType", "device"},
                                         {"targetId", one_.text_id()},
                                         {"commandType", "script"},
                                         {"commandData", {{"script", script}}}});
    return {std::string(job.at("id").as_string()),
            std::string(job.at("instances").at(0).at("id").as_string())};
  }

  // Acknowledges and waits until the row says so.
  void Acknowledge(const std::string& command) {
    one_.Send(json::object{{"type", "ack"}, {"id", command}});
    EXPECT_TRUE(bench_.Until([&] {
      return bench_.Sql(fmt::format("SELECT acknowledged_at IS NOT NULL FROM outgoing_commands "
                                    "WHERE 'cmd-' || id = '{}'",
                                    command)) == "t";
    }));
  }

  Bench& bench_ = Bench::Get();
  FakeTentacle one_;
};

TEST_F(HubCommand, AJobForATentacleThatIsAwayComesWithItsNextConnectionUntilAcknowledged) {
  const auto [job, instance] = MakeJob("id -u");
  one_.ConnectAndSync();
  const json::object run = one_.Next();
  EXPECT_EQ(run.at("type"), "job.run");
  EXPECT_EQ(run.at("job").at("id").as_string(), instance);
  const json::value order = json::parse(run.at("order").as_string());
  EXPECT_EQ(order.at("nodeId").as_string(), one_.text_id());
  EXPECT_EQ(order.at("job").at("script"), "id -u");
  EXPECT_EQ(order.at("job").at("timeoutSeconds"), 300);
  one_.ConnectAndSync();
  json::object again = one_.Next();
  EXPECT_LE(again.at("ttlSeconds").as_int64(), run.at("ttlSeconds").as_int64());
  again["ttlSeconds"] = run.at("ttlSeconds");
  EXPECT_EQ(again, run) << "not acknowledged: the same again";
  Acknowledge(std::string(run.at("id").as_string()));
  one_.ConnectAndSync();
  one_.Report("c/1/1",
              {{"type", "link"}, {"latencyMs", 1}});  // Fails when a job.run came before it.
}

TEST_F(HubCommand, AJobForATentacleThatIsThereComesAtOnce) {
  one_.ConnectAndSync();
  const auto [job, instance] = MakeJob();
  EXPECT_EQ(one_.Next().at("job").at("id").as_string(), instance);
}

TEST_F(HubCommand, AnAcknowledgementOfAnothersCommandIsNone) {
  MakeJob();
  one_.ConnectAndSync();
  const std::string command(one_.Next().at("id").as_string());
  FakeTentacle other;
  other.ConnectAndSync();
  other.Send(json::object{{"type", "ack"}, {"id", command}});
  other.Report("c/1/1", {{"type", "link"}, {"latencyMs", 1}});
  one_.ConnectAndSync();
  EXPECT_EQ(one_.Next().at("type"), "job.run");
}

TEST_F(HubCommand, AResultLandsInItsJobAndOnlyThere) {
  const auto [job, instance] = MakeJob();
  FakeTentacle other;
  other.ConnectAndSync();
  json::object result{{"type", "job.result"}, {"jobId", instance},  {"status", "completed"},
                      {"success", true},      {"exitCode", 0},      {"stdout", "root\n"},
                      {"stderr", "warned"},   {"errorMessage", ""}, {"durationMs", 12}};
  other.Report("c/1/1", result);
  EXPECT_EQ(bench_.Field("/api/v1/jobs/" + job, "/instances/0/status"), "pending");
  one_.ConnectAndSync();
  FakePage page;
  one_.Await("job.run");
  one_.Report("c/1/1", result);
  const json::value done = bench_.Field("/api/v1/jobs/" + job, "/instances/0");
  EXPECT_EQ(done.at("success"), true);
  EXPECT_EQ(done.at("exitCode"), 0);
  EXPECT_EQ(done.at("stdout"), "root\n");
  EXPECT_EQ(done.at("stderr"), "warned");
  EXPECT_EQ(done.at("durationMs"), 12);
  EXPECT_TRUE(page.Hears({{"kind", "job"}, {"id", job}, {"tentacleId", one_.text_id()}}));
}

// PostgreSQL's text has no U+0000; a result that holds one must not be lost for it.
TEST_F(HubCommand, AResultWithANulCharacterLands) {
  const auto [job, instance] = MakeJob();
  one_.ConnectAndSync();
  one_.Await("job.run");
  one_.Report("c/1/1", {{"type", "job.result"},
                        {"jobId", instance},
                        {"status", "completed"},
                        {"success", true},
                        {"exitCode", 0},
                        {"stdout", json::string("a\0b", 3)},
                        {"stderr", ""},
                        {"durationMs", 1}});
  EXPECT_EQ(bench_.Field("/api/v1/jobs/" + job, "/instances/0/stdout"),
            "a\xEF\xBF\xBD"
            "b");
}

TEST_F(HubCommand, TheListOfJobsIsThatOfANodeAndHoldsNoOutput) {
  const auto [job, instance] = MakeJob();
  FakeTentacle other;
  const json::value list = bench_.Json("GET", "/api/v1/jobs?nodeId=" + one_.text_id());
  ASSERT_EQ(list.at("jobs").as_array().size(), 1U);
  EXPECT_EQ(list.at("jobs").at(0).at("id").as_string(), job);
  const json::object& first = list.at("jobs").at(0).at("instances").at(0).as_object();
  EXPECT_EQ(first.at("status"), "pending");
  EXPECT_FALSE(first.contains("stdout"));
  EXPECT_FALSE(first.contains("stderr"));
  EXPECT_TRUE(bench_.Field("/api/v1/jobs?nodeId=" + other.text_id(), "/jobs").as_array().empty());
  EXPECT_FALSE(bench_.Field("/api/v1/jobs", "/jobs").as_array().empty());
  EXPECT_EQ(bench_.Call("GET", "/api/v1/jobs?nodeId=x").status, 422U);
}

TEST_F(HubCommand, AScanTellsItsCommandIdAlsoWhenItWasHeld) {
  const json::value held = bench_.Json("POST", Path("/scan"), json::object{});
  one_.ConnectAndSync();
  const json::object late = one_.Next();
  EXPECT_EQ(late.at("type"), "scan.start");
  EXPECT_EQ(late.at("commandId"), held.at("commandId"));
  const json::value now = bench_.Json("POST", Path("/scan"), json::object{});
  EXPECT_EQ(one_.Next().at("commandId"), now.at("commandId"));
}

TEST_F(HubCommand, AWakeAndAPrepullSayWhat) {
  one_.ConnectAndSync();
  bench_.Json("POST", Path("/wake"), {{"mac", "52-54-00-AA-00-01"}});
  const json::object wake = one_.Next();
  EXPECT_EQ(wake.at("type"), "wake");
  EXPECT_EQ(wake.at("mac"), "52:54:00:aa:00:01");
  bench_.Json("POST", Path("/prepull"), {{"imageId", "7"}});
  const json::object prepull = one_.Next();
  EXPECT_EQ(prepull.at("type"), "image.prepull");
  EXPECT_EQ(prepull.at("imageId"), "7");
}

TEST_F(HubCommand, ACommandThatFailedIsSeenAtItsNodeUntilTheNextOfItsKind) {
  const json::value scan = bench_.Json("POST", Path("/scan"), json::object{});
  one_.ConnectAndSync();
  FakePage page;
  one_.Await("scan.start");
  one_.Report("c/1/1", {{"type", "command.failed"},
                        {"commandId", scan.at("commandId")},
                        {"command", "scan.start"},
                        {"reason", "discovery is switched off"}});
  EXPECT_TRUE(
      page.Hears({{"kind", "node"}, {"id", one_.text_id()}, {"tentacleId", one_.text_id()}}));
  const json::value failed = bench_.Field(Path(), "/commandsFailed");
  ASSERT_EQ(failed.as_array().size(), 1U);
  EXPECT_EQ(failed.at(0).at("commandId"), scan.at("commandId"));
  EXPECT_EQ(failed.at(0).at("command"), "scan.start");
  EXPECT_EQ(failed.at(0).at("reason"), "discovery is switched off");
  bench_.Json("POST", Path("/wake"), {{"mac", "52:54:00:aa:00:01"}});
  EXPECT_EQ(bench_.Field(Path(), "/commandsFailed").as_array().size(), 1U);
  bench_.Json("POST", Path("/scan"), json::object{});
  EXPECT_TRUE(bench_.Field(Path(), "/commandsFailed").as_array().empty());
}

TEST_F(HubCommand, ACommandThatFailedIsNotSentAgain) {
  const json::value scan = bench_.Json("POST", Path("/scan"), json::object{});
  one_.ConnectAndSync();
  one_.Await("scan.start");
  one_.Report("c/1/1", {{"type", "command.failed"},
                        {"commandId", scan.at("commandId")},
                        {"command", "scan.start"},
                        {"reason", "no"}});
  one_.ConnectAndSync();
  one_.Report("c/1/2", {{"type", "link"}, {"latencyMs", 1}});
}

TEST_F(HubCommand, ACommandGoesDownWithTheTimeThatIsLeft) {
  bench_.Json("POST", Path("/scan"), {{"ttlSeconds", 90}});
  bench_.Sql(
      "UPDATE outgoing_commands SET expires_at = expires_at - interval '30 seconds' WHERE node_id "
      "= " +
      one_.text_id());
  one_.ConnectAndSync();
  const auto left = one_.Next().at("ttlSeconds").as_int64();
  EXPECT_LE(left, 60);
  EXPECT_GT(left, 30);
  EXPECT_EQ(bench_.Call("POST", Path("/scan"), {{"ttlSeconds", 0}}).status, 422U);
  EXPECT_EQ(bench_.Call("POST", Path("/scan"), {{"ttlSeconds", 3'000'000}}).status, 422U);
}

TEST_F(HubCommand, WhatWaitsTooLongFailsAndSaysSoAndIsNotSentAnyMore) {
  const auto [job, instance] = MakeJob();
  bench_.Json("POST", Path("/scan"), json::object{});
  FakePage page;
  bench_.Sql(
      "UPDATE outgoing_commands SET expires_at = now() - interval '1 minute' WHERE node_id = " +
      one_.text_id());
  EXPECT_TRUE(bench_.Until([&, id = job] {
    return bench_.Field("/api/v1/jobs/" + id, "/instances/0/status") == "failed";
  }));
  const json::value failed = bench_.Field("/api/v1/jobs/" + job, "/instances/0");
  EXPECT_EQ(failed.at("success"), false);
  EXPECT_EQ(std::string(failed.at("errorMessage").as_string()).substr(0, 8), "expired:");
  const json::value commands = bench_.Field(Path(), "/commandsFailed");
  ASSERT_EQ(commands.as_array().size(), 2U);
  EXPECT_EQ(std::string(commands.at(0).at("reason").as_string()).substr(0, 8), "expired:");
  EXPECT_TRUE(page.Hears({{"kind", "node"}, {"id", one_.text_id()}}));
  one_.ConnectAndSync();
  one_.Report("c/1/1", {{"type", "link"}, {"latencyMs", 1}});
}

// More than one portion, for a branch that was away for long.
TEST_F(HubCommand, ManyCommandsComeInPortionsAndInOrder) {
  bench_.Sql("INSERT INTO outgoing_commands (node_id, type, body) SELECT " + one_.text_id() +
             ", 'scan.start', '{}' FROM generate_series(1, 250)");
  one_.ConnectAndSync();
  std::string last;
  for (int i = 0; i < 250 && !HasFailure(); ++i) {
    const std::string id(one_.Next().at("id").as_string());
    EXPECT_TRUE(last.size() < id.size() || last < id) << last << " before " << id;
    last = id;
    one_.Send(json::object{{"type", "ack"}, {"id", id}});
  }
}

TEST_F(HubCommand, NobodyFailsAnothersCommand) {
  const json::value scan = bench_.Json("POST", Path("/scan"), json::object{});
  FakeTentacle other;
  other.ConnectAndSync();
  other.Report("c/1/1", {{"type", "command.failed"},
                         {"commandId", scan.at("commandId")},
                         {"command", "scan.start"},
                         {"reason", "no"}});
  EXPECT_TRUE(bench_.Field(Path(), "/commandsFailed").as_array().empty());
}

}  // namespace
}  // namespace tentacle::backend
