// What discovery reports, on a real database.
#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/backend/hub_bench.h"

namespace tentacle::backend {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;
using ::testing::Not;

class HubDiscovery : public ::testing::Test {
 protected:
  HubDiscovery() { one_.ConnectAndSync(); }

  std::string Path(const std::string& rest) { return "/api/v1/tentacles/" + one_.text_id() + rest; }

  json::value Devices() { return bench_.Field(Path("/devices"), "/devices"); }

  json::object Device(const std::string& mac, const std::string& name) {
    return {{"mac", mac},     {"ip", "10.0.0.7"}, {"hostname", name},
            {"state", "new"}, {"vlan", 20},       {"ports", {{{"port", 22}, {"service", "ssh"}}}}};
  }

  Bench& bench_ = Bench::Get();
  FakeTentacle one_;
};

TEST_F(HubDiscovery, AChangeThatFollowsNothingKnownAsksForEverything) {
  one_.Report("r/1/1", {{"type", "device.changed"},
                        {"previous", 7},
                        {"revision", 8},
                        {"devices", {Device("52:54:00:00:03:01", "a")}},
                        {"forgotten", json::array()}});
  const json::object order = one_.Await("discovery.sync");
  ASSERT_TRUE(order.contains("id"));
  one_.Send(json::object{{"type", "ack"}, {"id", order.at("id")}});
  one_.Report("r/1/2", {{"type", "device.snapshot"},
                        {"revision", 8},
                        {"part", 1},
                        {"parts", 2},
                        {"devices", {Device("52:54:00:00:03:02", "b")}}});
  // Until the last part is there nobody is gone.
  EXPECT_EQ(Devices().as_array().size(), 2U);
  one_.Report("r/1/3", {{"type", "device.snapshot"},
                        {"revision", 8},
                        {"part", 2},
                        {"parts", 2},
                        {"devices", {Device("52:54:00:00:03:03", "c")}}});
  ASSERT_EQ(Devices().as_array().size(), 2U);
  EXPECT_THAT(json::serialize(Devices()), Not(HasSubstr("52:54:00:00:03:01")));
  // What follows is taken as it is.
  one_.Report("r/1/4", {{"type", "device.changed"},
                        {"previous", 8},
                        {"revision", 9},
                        {"devices", json::array()},
                        {"forgotten", {"52:54:00:00:03:02"}}});
  EXPECT_EQ(Devices().as_array().size(), 1U);
  EXPECT_TRUE(one_.IsQuiet());
}

TEST_F(HubDiscovery, AGapSoonAfterASnapshotIsAskedForWithALaterChange) {
  const auto change = [](int previous, int revision) -> json::object {
    return {{"type", "device.changed"},
            {"previous", previous},
            {"revision", revision},
            {"devices", json::array()},
            {"forgotten", json::array()}};
  };
  one_.Report("r/1/1", change(7, 8));
  const json::object order = one_.Await("discovery.sync");
  one_.Send(json::object{{"type", "ack"}, {"id", order.at("id")}});
  one_.Report("r/1/2", {{"type", "device.snapshot"},
                        {"revision", 8},
                        {"part", 1},
                        {"parts", 1},
                        {"devices", json::array()}});
  one_.Report("r/1/3", change(11, 12));
  EXPECT_TRUE(one_.IsQuiet());
  bench_.Sql(
      "UPDATE outgoing_commands SET acknowledged_at = acknowledged_at - interval '2 minutes' WHERE "
      "node_id = " +
      one_.text_id());
  one_.Report("r/1/4", change(12, 13));
  EXPECT_TRUE(one_.Await("discovery.sync").contains("id"));
}

TEST_F(HubDiscovery, ADeviceIsShownWithAllThatWasToldOfIt) {
  one_.Report("r/1/1", {{"type", "discovery.result"},
                        {"scanId", "1"},
                        {"devices", {Device("52:54:00:00:03:04", "=cmd|' /C calc'!A0")}}});
  const json::value device = Devices().at(0);
  EXPECT_EQ(device.at("state"), "new");
  EXPECT_EQ(device.at("vlan"), 20);
  EXPECT_EQ(device.at("openPorts"), json::array{22});
  const net::ClientReply csv = bench_.Call("GET", Path("/devices.csv"));
  EXPECT_EQ(csv.status, 200U);
  EXPECT_THAT(csv.body, HasSubstr("\"'=cmd|' /C calc'!A0\""));
  EXPECT_THAT(csv.body, HasSubstr("\"52:54:00:00:03:04\""));
}

TEST_F(HubDiscovery, AlertsAreListedTheNewestFirst) {
  one_.Report("r/1/1",
              {{"type", "network.alert"}, {"kind", "flood"}, {"time", "2026-01-01T00:00:00Z"}});
  one_.Report("r/1/2", {{"type", "dhcp.rogue"}, {"ip", "10.0.0.66"}, {"reasons", {"offers_boot"}}});
  const json::value events = bench_.Field(Path("/network-events"), "/events");
  ASSERT_EQ(events.as_array().size(), 2U);
  EXPECT_EQ(events.at(0).at("kind"), "rogue-dhcp");
  EXPECT_EQ(events.at(0).at("ip"), "10.0.0.66");
  EXPECT_EQ(events.at(1).at("kind"), "flood");
}

TEST_F(HubDiscovery, AWakeIsARowWithWhatCameOfIt) {
  one_.Report("r/1/1", {{"type", "discovery.result"},
                        {"scanId", "1"},
                        {"devices", {Device("52:54:00:00:03:05", "pc")}}});
  const json::value ordered = bench_.Json(
      "POST", Path("/wake"), {{"mac", "52:54:00:00:03:05"}, {"password", "01:02:03:04:05:06"}});
  const json::object order = one_.Await("wake");
  EXPECT_EQ(order.at("password"), "01:02:03:04:05:06");
  one_.Send(json::object{{"type", "ack"}, {"id", order.at("id")}});
  const std::string id(ordered.at("commandId").as_string());
  one_.Report(
      "r/1/2",
      {{"type", "wake.sent"}, {"commandId", id}, {"mac", "52:54:00:00:03:05"}, {"packets", 15}});
  one_.Report("r/1/3", {{"type", "wake.result"},
                        {"commandId", id},
                        {"mac", "52:54:00:00:03:05"},
                        {"state", "woke"},
                        {"afterMs", 4200},
                        {"methods", {"udp"}}});
  const json::value wakes = bench_.Field(Path("/wakes"), "/wakes");
  ASSERT_EQ(wakes.as_array().size(), 1U);
  EXPECT_EQ(wakes.at(0).at("state"), "woke");
  EXPECT_EQ(wakes.at(0).at("afterMs"), 4200);
  EXPECT_FALSE(wakes.at(0).at("orderedAt").is_null());
  EXPECT_EQ(Devices().at(0).at("lastWake").at("state"), "woke");
}

TEST_F(HubDiscovery, TheTopologyIsJsonAndAGraph) {
  one_.Report(
      "r/1/1",
      {{"type", "network.segment"},
       {"time", "2026-01-01T00:00:00Z"},
       {"dhcpServers", json::array()},
       {"topology",
        {{"nodes", {{{"id", "a"}, {"kind", "device"}, {"label", "x\"];evil"}, {"detail", ""}}}},
         {"edges",
          {{{"from", "a"}, {"to", "a"}, {"label", ""}, {"evidence", "arp"}, {"seen", "t"}}}},
         {"omittedDevices", 0}}}});
  EXPECT_EQ(bench_.Field(Path("/topology"), "/nodes/0/id"), "a");
  const net::ClientReply dot = bench_.Call("GET", Path("/topology?format=dot"));
  EXPECT_THAT(dot.body, HasSubstr("label=\"x\\\"];evil\""));
  EXPECT_EQ(bench_.Call("GET", Path("/topology?format=png")).status, 422U);
}

}  // namespace
}  // namespace tentacle::backend
