#include "services/uplink/core/config_versions.h"

#include <string>

#include <gtest/gtest.h>

namespace tentacle::uplink {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'800'000'000);

TEST(TouchesLink, OnlyWhatTheConnectionIsMadeWith) {
  EXPECT_FALSE(TouchesLink(R"({"log":{"level":"debug"}})", "{}"));
  EXPECT_FALSE(TouchesLink(R"({"uplink":{}})", "{}"));
  EXPECT_FALSE(TouchesLink("", "{}"));
  EXPECT_FALSE(
      TouchesLink(R"({"uplink":{"mode":"full"},"log":{}})", R"({"uplink":{"mode":"full"}})"));
  EXPECT_TRUE(TouchesLink(R"({"uplink":{"ping_interval_s":5}})", "{}"));
  EXPECT_TRUE(TouchesLink(R"({"backend":{"pins":["a","b"]}})", R"({"backend":{"pins":["a"]}})"));
}

TEST(ConfigVersions, TrialThatFailsPutsTheOneBeforeBack) {
  ConfigVersions versions;
  versions.Accept(1, "one", false, kStart);
  versions.Accept(2, "two", true, kStart + absl::Seconds(1));
  EXPECT_TRUE(versions.on_trial());
  EXPECT_EQ(versions.current()->json, "two");
  EXPECT_EQ(versions.Revert("no connection", kStart + absl::Minutes(3)), "one");
  EXPECT_FALSE(versions.on_trial());
  EXPECT_EQ(versions.current()->json, "one");
  EXPECT_TRUE(versions.WasReverted(2, "two"));
  EXPECT_FALSE(versions.WasReverted(3, "two")) << "sent again on purpose";
}

TEST(ConfigVersions, FirstOneOnTrialFallsBackToTheLocalConfigurationAlone) {
  ConfigVersions versions;
  versions.Accept(1, "one", true, kStart);
  EXPECT_EQ(versions.Revert("no connection", kStart), "{}");
  EXPECT_EQ(versions.current(), nullptr);
}

TEST(ConfigVersions, TrialThatIsOvertakenIsNeverFallenBackTo) {
  ConfigVersions versions;
  versions.Accept(1, "one", false, kStart);
  versions.Accept(2, "two", true, kStart);
  versions.Accept(3, "three", true, kStart);
  EXPECT_EQ(versions.current()->json, "three");
  EXPECT_EQ(versions.Revert("", kStart), "one");
}

TEST(ConfigVersions, KeepsTheLastFiveAndAlwaysTheOneInForce) {
  ConfigVersions versions;
  versions.Accept(1, "in force", false, kStart);
  for (std::uint64_t revision = 2; revision <= 20; ++revision) {
    versions.Accept(revision, "trial", true, kStart);
    versions.Revert("", kStart);
  }
  EXPECT_EQ(versions.all().size(), ConfigVersions::kMax);
  EXPECT_EQ(versions.current()->json, "in force");
  EXPECT_EQ(versions.all().back().revision, 20u);
}

TEST(ConfigVersions, SurviveTheDisk) {
  ConfigVersions versions;
  versions.Accept(1, R"({"log":{"level":"info"}})", false, kStart);
  versions.Accept(2, "two \"quoted\"", true, kStart);
  versions.Revert("because", kStart + absl::Seconds(9));
  versions.Accept(3, "three", true, kStart);
  const ConfigVersions read = ConfigVersions::Parse(versions.Serialize());
  ASSERT_EQ(read.all().size(), 3u);
  EXPECT_EQ(read.all()[1].reason, "because");
  EXPECT_EQ(read.all()[1].since, kStart + absl::Seconds(9));
  EXPECT_EQ(read.current()->json, "three");
  EXPECT_TRUE(read.on_trial());
  for (const char* broken : {"", "{}", "[1]", "[{}]", R"([{"standing":"odd"}])", "[{"}) {
    EXPECT_TRUE(ConfigVersions::Parse(broken).all().empty()) << broken;
  }
}

}  // namespace
}  // namespace tentacle::uplink
