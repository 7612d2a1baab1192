#include "libs/config/config.h"

#include <stdlib.h>

#include <fstream>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/config/secret_variable.h"
#include "tests/support/temp_dir.h"

namespace tentacle::config {
namespace {

using ::testing::HasSubstr;

Environment Variables(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const std::string& name) -> std::optional<std::string> {
    const auto at = values.find(name);
    if (at == values.end()) return std::nullopt;
    return at->second;
  };
}

std::string WhyNot(const std::string& yaml) {
  Layers layers;
  layers.yaml = yaml;
  const auto loaded = Load(layers);
  return loaded.ok() ? "" : std::string(loaded.status().message());
}

TEST(Config, DefaultsAreValid) {
  EXPECT_TRUE(Validate(Defaults()).ok());
}

TEST(Config, FileOverridesDefaults) {
  Layers layers;
  layers.yaml = "pxe:\n  http_port: 9999\n  interfaces: [eth0, eth1]\n  enabled: false\n";
  const auto loaded = Load(layers);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->pxe().http_port(), 9999u);
  EXPECT_EQ(loaded->pxe().interfaces_size(), 2);
  EXPECT_FALSE(loaded->pxe().enabled());
  EXPECT_EQ(loaded->cache().http_port(), 9081u);
}

TEST(Config, UnknownKeyNamesLineAndNearestKey) {
  EXPECT_THAT(
      WhyNot("log:\n  level: info\npxe:\n  htp_port: 1\n"),
      HasSubstr("config.yaml:4: unknown key \"pxe.htp_port\"; did you mean \"http_port\"?"));
}

TEST(Config, UnknownSectionFarFromAnyNameSuggestsNothing) {
  EXPECT_EQ(WhyNot("bananas: 1\n"), "config.yaml:1: unknown key \"bananas\"");
}

TEST(Config, WrongTypesAreNamed) {
  EXPECT_THAT(WhyNot("pxe:\n  http_port: many\n"),
              HasSubstr("config.yaml:2: \"pxe.http_port\": want a number"));
  EXPECT_THAT(WhyNot("pxe:\n  enabled: maybe\n"), HasSubstr("want true or false"));
  EXPECT_THAT(WhyNot("pxe: 3\n"), HasSubstr("want a section"));
  EXPECT_THAT(WhyNot("pxe:\n  interfaces: eth0\n"), HasSubstr("want a list"));
  EXPECT_THAT(WhyNot("pxe:\n  http_port: [1]\n"), HasSubstr("want a single value"));
  EXPECT_THAT(WhyNot("pxe:\n  http_port: -1\n"), HasSubstr("want a number"));
}

TEST(Config, RangesAreNamed) {
  EXPECT_THAT(WhyNot("pxe:\n  http_port: 70000\n"),
              HasSubstr("\"pxe.http_port\": want 1 to 65535, got 70000"));
  EXPECT_THAT(WhyNot("uplink:\n  mode: half\n"),
              HasSubstr("want one of full, relay, passive, got \"half\""));
  EXPECT_THAT(WhyNot("backend:\n  url: ftp://x\n"), HasSubstr("want https:// or http://"));
  EXPECT_THAT(WhyNot("pxe:\n  admin_listen: nowhere\n"), HasSubstr("pxe.admin_listen"));
}

TEST(Config, BrokenYamlIsALineNotACrash) {
  EXPECT_THAT(WhyNot("pxe: [\n"), HasSubstr("config.yaml:"));
  EXPECT_FALSE(WhyNot(std::string(100'000, '[')).empty());
  EXPECT_FALSE(WhyNot(std::string(300 * 1024, 'a')).empty());
}

TEST(Config, EnvironmentIsAboveFileAndRemote) {
  Layers layers;
  layers.yaml = "agent:\n  metrics_interval_s: 10\n";
  layers.remote_json = R"({"agent":{"metrics_interval_s":20}})";
  EXPECT_EQ(Load(layers)->agent().metrics_interval_s(), 20u);
  layers.environment =
      Variables({{"TENTACLE_AGENT_METRICS_INTERVAL_S", "30"}, {"TENTACLE_PXE_INTERFACES", "a,b"}});
  const auto loaded = Load(layers);
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded->agent().metrics_interval_s(), 30u);
  EXPECT_EQ(loaded->pxe().interfaces_size(), 2);
}

TEST(Config, WrongVariableIsNamed) {
  Layers layers;
  layers.environment = Variables({{"TENTACLE_PXE_HTTP_PORT", "x"}});
  EXPECT_THAT(std::string(Load(layers).status().message()), HasSubstr("TENTACLE_PXE_HTTP_PORT"));
}

TEST(Config, BackendMayNotSetWhatIsLocal) {
  for (const char* json :
       {R"({"backend":{"url":"https://evil"}})", R"({"node":{"id":"7"}})",
        R"({"agent":{"jobs_enabled":true}})", R"({"agent":{"update_root_keys":[]}})",
        R"({"pxe":{"admin_listen":"0.0.0.0:1"}})", R"({"pxe":{"boot_dir":"/etc"}})"}) {
    TentacleConfig config = Defaults();
    EXPECT_THAT(std::string(MergeRemote(json, &config).message()),
                HasSubstr("is set on the tentacle only"))
        << json;
  }
}

TEST(Config, RootKeysOfUpdatesAreKeys) {
  const std::string key(43, 'A');
  Layers layers;
  layers.yaml = "agent:\n  update_root_keys: [\"" + key + "=\"]\n";
  EXPECT_TRUE(Load(layers).ok());
  layers.yaml = "agent:\n  update_root_keys: [\"" + key.substr(4) + "=\"]\n";
  const auto wrong = Load(layers);
  EXPECT_THAT(std::string(wrong.status().message()), HasSubstr("agent.update_root_keys"));
}

TEST(Config, WrongRemoteConfigChangesNothing) {
  TentacleConfig config = Defaults();
  EXPECT_FALSE(
      MergeRemote(R"({"cache":{"max_bytes":5000000},"pxe":{"nonsense":1}})", &config).ok());
  EXPECT_EQ(config.cache().max_bytes(), Defaults().cache().max_bytes());
  EXPECT_FALSE(MergeRemote("[]", &config).ok());
  EXPECT_FALSE(MergeRemote("{", &config).ok());
}

TEST(Config, YamlOfAConfigReadsBackAsItself) {
  TentacleConfig config;
  config.mutable_backend()->set_url("https://octofleet.example");
  config.mutable_backend()->add_pins("abc=");
  config.mutable_node()->set_name("Berlin: \"Office\" #1");
  config.mutable_pxe()->set_enabled(false);
  TentacleConfig again;
  ASSERT_TRUE(MergeYaml(ToYaml(config), "x", &again).ok());
  EXPECT_EQ(again.SerializeAsString(), config.SerializeAsString());
}

TEST(RemoteConfig, TheSpecificationsExampleIsUnderstood) {
  TentacleConfig config = Defaults();
  const absl::Status status = MergeRemote(
      R"({"pxe_enabled":false,"cache_size_gb":100,"network_segment":"192.168.20.0/24",)"
      R"("discovery_enabled":true,"discovery_interval_min":45,"discovery":{"probes_per_second":50}})",
      &config);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_FALSE(config.pxe().enabled());
  EXPECT_EQ(config.cache().max_bytes(), 100'000'000'000u);
  EXPECT_TRUE(config.discovery().enabled());
  EXPECT_EQ(config.discovery().scan_interval_min(), 45u);
  EXPECT_EQ(config.discovery().probes_per_second(), 50u);
}

TEST(SecretVariable, IsReadOnceAndGoneFromTheMemoryThatProcShows) {
  std::string text = "TENTACLE_TEST_SECRET=abc123";
  ASSERT_EQ(::putenv(text.data()), 0);  // NOLINT(concurrency-mt-unsafe)
  EXPECT_EQ(TakeSecret("TENTACLE_TEST_SECRET"), "abc123");
  EXPECT_EQ(TakeSecret("TENTACLE_TEST_SECRET"), std::nullopt);
  EXPECT_EQ(text.find_first_of("abc123"), std::string::npos);
}

TEST(SecretVariable, OfAFileTheFirstLineCounts) {
  const TempDir dir;
  std::ofstream(dir.path() + "/token") << "secret\r\nnot this\n";
  EXPECT_EQ(FirstLineOf(dir.path() + "/token"), "secret");
  EXPECT_EQ(FirstLineOf(dir.path() + "/nothing"), "");
}

}  // namespace
}  // namespace tentacle::config
