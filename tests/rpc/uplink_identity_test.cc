// Another machine with our key, and a tentacle that was removed.
#include <fmt/format.h>

#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rpc/uplink_fixture.h"

namespace tentacle::testing {
namespace {

using ::testing::HasSubstr;

TEST_F(UplinkTest, ProcessNamesItselfAndItsBoot) {
  StartUplinkAndWait();
  const std::string first = backend_.last_instance();
  EXPECT_THAT(first, ::testing::ContainsRegex("^[0-9a-f-]{36}\\.[0-9a-f]{16}$"));
  backend_.HangUp();
  WaitFor("another connection", [this] { return backend_.connections() == 2; });
  EXPECT_EQ(backend_.last_instance(), first) << "the same process";
  StopUplink();
  StartUplinkAndWait();
  EXPECT_NE(backend_.last_instance(), first) << "another one";
}

// What it wrote before it knew is not taken for delivered, however long the backend is silent.
TEST_F(UplinkTest, WhoIsSetApartStaysConnectedSaysSoAndLosesNothing) {
  backend_.acknowledges = false;
  backend_.greeting = {R"({"type":"quarantine","reason":"another has your key"})"};
  FakeService& agent = Start("agent");
  StartUplink();
  WaitFor("it says so", [this] {
    return uplink_->Detail("backend_link").find("quarantined: another has your key") !=
           std::string::npos;
  });
  EXPECT_FALSE(uplink_->Condition("backend_link"));
  agent.Append("job.result", "{}");
  clock_.ahead = absl::Minutes(5);
  // A round through uplink: there was time to send and to confirm wrongly.
  Order("m1", R"("type":"task.cancel","taskId":"none")");
  EXPECT_EQ(backend_.Count("job.result"), 0u);
  EXPECT_EQ(agent.confirmed(), 0u);
  EXPECT_EQ(backend_.connections(), 1u);
  // The other one is gone.
  backend_.greeting.clear();
  backend_.acknowledges = true;
  backend_.HangUp();
  WaitFor("the log may forget it", [&] { return agent.confirmed() == 1; });
  EXPECT_TRUE(uplink_->Condition("backend_link"));
}

TEST_F(UplinkTest, WhoIsRemovedWipesItsSecrets) {
  Start("pxe");
  StartUplinkAndWait();
  Order("m1", fmt::format(R"("type":"tasks.sync","revision":1,"tasks":[{}])", TaskJson("t1", 1)));
  Order("m2", R"("type":"job.run","job":{"id":"j1","script":"secret"})");  // No agent: it waits.
  WaitFor("pxe has the table", [this] { return !told_.tables.empty(); });
  backend_.Send(R"({"type":"node.removed"})");
  WaitFor("the key is gone", [this] { return !std::filesystem::exists(folder_ / "tentacle.key"); });
  WaitFor("pxe has an empty table", [this] { return told_.tables.back().tasks().empty(); });
  WaitFor("it says so", [this] {
    return uplink_->Detail("enrolled").find("removed from the backend") != std::string::npos;
  });
  // Nor after a restart.
  StopUplink();
  const std::size_t connections = backend_.connections();
  Start("agent");
  StartUplink();
  WaitFor("it looks for an identity", [this] { return !uplink_->Detail("enrolled").empty(); });
  EXPECT_TRUE(told_.jobs.empty());
  EXPECT_EQ(backend_.connections(), connections);
}

TEST_F(UplinkTest, WhoWasRemovedWhileAwayLearnsItAtTheDoor) {
  backend_.removed = true;
  StartUplink();
  WaitFor("the key is gone", [this] { return !std::filesystem::exists(folder_ / "tentacle.key"); });
}

// Any other 401 may be a mistake of the backend's.
TEST_F(UplinkTest, WhoIsMerelyRefusedKeepsItsKey) {
  const auto stranger = *identity::IdentityKey::Generate();
  std::filesystem::remove(folder_ / "tentacle.key");
  ASSERT_TRUE(stranger.Save(folder_ / "tentacle.key").ok());
  StartUplink();
  WaitFor("two attempts",
          [this] { return uplink_->Metric("tentacle_uplink_connects_total") >= 2; });
  EXPECT_TRUE(std::filesystem::exists(folder_ / "tentacle.key"));
}

}  // namespace
}  // namespace tentacle::testing
