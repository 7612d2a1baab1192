// Passwords in the database: never as they are, there for who needs them, gone when they are of no
// use any more.
#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include "tests/backend/hub_bench.h"

namespace tentacle::backend {
namespace {

namespace json = boost::json;

constexpr char kPassword[] = "m4rker-of-the-test";
constexpr char kMac[] = "52:54:00:00:07:01";

class HubSecret : public ::testing::Test {
 protected:
  std::string Order() {
    const json::object order{
        {"mac", kMac},
        {"hostname", "pc"},
        {"osType", "debian-preseed"},
        {"platform", "kvm-libvirt"},
        {"tentacleId", one_.text_id()},
        {"adminPassword", kPassword},
        {"domain", {{"name", "corp.local"}, {"user", "join"}, {"password", kPassword}}},
        {"network", {{"dhcp", true}}}};
    const json::value task = bench_.Json("POST", "/api/v1/provisioning/tasks", order);
    return std::string(task.at("id").as_string());
  }

  std::string Wake() {
    const json::value wake =
        bench_.Json("POST", "/api/v1/tentacles/" + one_.text_id() + "/wake",
                    {{"mac", "52:54:00:00:07:02"}, {"password", "01:02:03:04:05:06"}});
    return std::string(wake.at("commandId").as_string());
  }

  std::string Rows(const std::string& table, const std::string& pattern) {
    return bench_.Sql(
        fmt::format("SELECT count(*) FROM {} AS row WHERE row::text LIKE '%{}%'", table, pattern));
  }

  std::string Sealed(const std::string& task) {
    return bench_.Sql("SELECT sealed_secrets FROM provisioning_tasks WHERE id = " + task);
  }

  void Cancel(const std::string& task) {
    bench_.Call("DELETE", "/api/v1/provisioning/tasks/" + task);
  }

  Bench& bench_ = Bench::Get();
  FakeTentacle one_;
};

TEST_F(HubSecret, ATasksPasswordsAreSealedAndReachItsTentacle) {
  const std::string id = Order();
  EXPECT_EQ(Rows("provisioning_tasks", kPassword), "0");
  EXPECT_EQ(Rows("provisioning_tasks", "corp.local"), "0");
  const json::object sync = one_.ConnectAndSync();
  ASSERT_EQ(sync.at("tasks").as_array().size(), 1U);
  const json::value& task = sync.at("tasks").at(0);
  EXPECT_EQ(task.at("id").as_string(), id);
  EXPECT_EQ(task.at("adminPassword"), kPassword);
  EXPECT_EQ(task.at("domain").at("password"), kPassword);
  Cancel(id);
}

TEST_F(HubSecret, OfATaskThatIsOverNothingIsLeft) {
  const std::string cancelled = Order();
  EXPECT_NE(Sealed(cancelled), "");
  Cancel(cancelled);
  EXPECT_EQ(Sealed(cancelled), "");
  const std::string complete = Order();
  one_.ConnectAndSync();
  one_.Report("t/1/1", {{"type", "task.status"}, {"taskId", complete}, {"status", "complete"}});
  EXPECT_EQ(Sealed(complete), "");
}

TEST_F(HubSecret, WhatCannotBeOpenedFailsAndSaysSo) {
  const std::string id = Order();
  bench_.Sql("UPDATE provisioning_tasks SET sealed_secrets = 'AAECAwQF' WHERE id = " + id +
             " RETURNING id");
  EXPECT_TRUE(one_.ConnectAndSync().at("tasks").as_array().empty());
  const json::value task = bench_.Json("GET", "/api/v1/provisioning/tasks/" + id);
  EXPECT_EQ(task.at("status"), "failed");
  EXPECT_NE(task.at("message").as_string().find("cannot be opened"), std::string::npos);
}

TEST_F(HubSecret, ACommandsPasswordIsSealedUntilItIsTaken) {
  const std::string id = Wake();
  EXPECT_EQ(Rows("outgoing_commands", "01:02:03:04:05:06"), "0");
  const std::string sealed = fmt::format(
      "SELECT sealed_secrets <> '' FROM outgoing_commands WHERE 'cmd-' || id = '{}'", id);
  EXPECT_EQ(bench_.Sql(sealed), "t");
  one_.ConnectAndSync();
  const json::object wake = one_.Await("wake");
  EXPECT_EQ(wake.at("password"), "01:02:03:04:05:06");
  one_.Send(json::object{{"type", "ack"}, {"id", wake.at("id")}});
  EXPECT_TRUE(bench_.Until([&] { return bench_.Sql(sealed) == "f"; }));
}

TEST_F(HubSecret, ACommandThatCannotBeOpenedFailsAndTheNextOneComes) {
  const std::string broken = Wake();
  bench_.Sql(fmt::format(
      "UPDATE outgoing_commands SET sealed_secrets = 'AAEC' WHERE 'cmd-' || id = '{}' RETURNING id",
      broken));
  const std::string next = Wake();
  one_.ConnectAndSync();
  EXPECT_EQ(one_.Await("wake").at("id").as_string(), next);
  EXPECT_NE(bench_.Sql(fmt::format("SELECT reason FROM outgoing_commands WHERE 'cmd-' || id = '{}'",
                                   broken)),
            "");
}

TEST_F(HubSecret, WhatAnOlderBackendLeftIsSealedAtTheNextStart) {
  const std::string id = Order();
  const std::string command = Wake();
  bench_.Sql(
      fmt::format("UPDATE provisioning_tasks SET sealed_secrets = '', secrets = "
                  "'{{\"adminPassword\": \"{}\"}}' WHERE id = {} RETURNING id",
                  kPassword, id));
  bench_.Sql(fmt::format(
      "UPDATE outgoing_commands SET sealed_secrets = '', body = body || "
      "'{{\"password\": \"01:02:03:04:05:06\"}}' WHERE 'cmd-' || id = '{}' RETURNING id",
      command));
  { const BackendProcess next(bench_.dir()); }
  EXPECT_EQ(Rows("provisioning_tasks", kPassword), "0");
  EXPECT_EQ(Rows("outgoing_commands", "01:02:03:04:05:06"), "0");
  EXPECT_EQ(one_.ConnectAndSync().at("tasks").at(0).at("adminPassword"), kPassword);
  EXPECT_EQ(one_.Await("wake").at("password"), "01:02:03:04:05:06");
  Cancel(id);
}

TEST_F(HubSecret, AJobsCredentialsLieSealedBesideItsOrder) {
  const json::value job =
      bench_.Json("POST", "/api/v1/jobs",
                  {{"targetType", "device"},
                   {"targetId", one_.text_id()},
                   {"commandType", "script"},
                   {"commandData", {{"script", "true"}, {"credentials", {{"db", kPassword}}}}}});
  EXPECT_EQ(job.at("commandData").at("credentials"), (json::array{"db"}));
  EXPECT_EQ(Rows("jobs", kPassword), "0");
  EXPECT_EQ(Rows("outgoing_commands", kPassword), "0");
  one_.ConnectAndSync();
  const json::object run = one_.Await("job.run");
  const std::string beside(run.at("credentials").as_string());
  EXPECT_EQ(json::parse(beside).at("credentials"), (json::object{{"db", kPassword}}));
  const json::value order = json::parse(run.at("order").as_string());
  EXPECT_EQ(order.at("job").at("credentialsSha256").as_string(), identity::Sha256Hex(beside));
  EXPECT_FALSE(order.at("job").as_object().contains("credentials"));
  one_.Send(json::object{{"type", "ack"}, {"id", run.at("id")}});
  EXPECT_TRUE(bench_.Until([&] {
    return bench_.Sql(
               "SELECT count(*) FROM outgoing_commands WHERE type = 'job.run' AND "
               "sealed_secrets <> ''") == "0";
  }));
  EXPECT_EQ(bench_.Log().find(kPassword), std::string::npos);
}

}  // namespace
}  // namespace tentacle::backend
