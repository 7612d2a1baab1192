#include "services/discovery/report.h"

#include <list>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <gtest/gtest.h>

#include "services/discovery/limits.h"

namespace tentacle::discovery {
namespace {

namespace json = boost::json;

const absl::Time kNoon = absl::FromUnixMillis(1'700'000'000'123);

Device MakeDevice(std::uint32_t n) {
  Device device;
  device.mac.octets = {
      0x00, 0x0c, 0x29, 0, static_cast<std::uint8_t>(n >> 8), static_cast<std::uint8_t>(n)};
  device.address = 0x0a000000 + n;
  device.vendor = "VMware, Inc";
  device.interface = "eth0";
  device.first_seen = kNoon;
  device.last_seen = kNoon + absl::Seconds(5);
  return device;
}

std::vector<std::string> ScanResultBodies(std::uint32_t count, std::string_view scan_id) {
  ScanResult result;
  result.started_at = kNoon;
  result.finished_at = kNoon + absl::Seconds(12);
  result.targets = 253;
  std::list<Device> devices;
  std::vector<const Device*> found;
  for (std::uint32_t n = 1; n <= count; ++n)
    found.push_back(&devices.emplace_back(MakeDevice(n)));
  Devices left(found);
  std::vector<std::string> bodies;
  do {
    bodies.push_back(ScanResultBody(result, scan_id, 0, &left));
  } while (!left.empty());
  return bodies;
}

TEST(Report, ASweepHasTheFieldsOfTheProtocol) {
  const auto bodies = ScanResultBodies(1, "cmd-7");
  ASSERT_EQ(bodies.size(), 1u);
  const json::value expected = json::parse(R"({
    "scanId": "cmd-7",
    "startedAt": "2023-11-14T22:13:20.123Z",
    "finishedAt": "2023-11-14T22:13:32.123Z",
    "targets": 253,
    "devices": [{
      "mac": "00:0c:29:00:00:01", "ip": "10.0.0.1", "hostname": "", "vendor": "VMware, Inc",
      "interface": "eth0", "firstSeen": "2023-11-14T22:13:20.123Z",
      "lastSeen": "2023-11-14T22:13:25.123Z", "state": "new"}]})");
  EXPECT_EQ(json::parse(bodies[0]), expected) << bodies[0];
}

TEST(Report, ASweepThatFoundNobodyIsOneBodyWithAnEmptyList) {
  const auto bodies = ScanResultBodies(0, "s");
  ASSERT_EQ(bodies.size(), 1u);
  EXPECT_TRUE(json::parse(bodies[0]).at("devices").as_array().empty());
}

TEST(Report, ExactlyOnePartIsNotFollowedByAnEmptyOne) {
  EXPECT_EQ(ScanResultBodies(limits::kMaxDevicesPerEvent, "s").size(), 1u);
}

TEST(Report, ManyDevicesAreSplitAndEachIsToldOnce) {
  const auto bodies = ScanResultBodies(1201, "s");
  ASSERT_EQ(bodies.size(), 3u);
  std::uint32_t next = 1;
  for (const std::string& body : bodies) {
    const json::value parsed = json::parse(body);
    EXPECT_EQ(parsed.at("scanId").as_string(), "s");
    EXPECT_LE(parsed.at("devices").as_array().size(), limits::kMaxDevicesPerEvent);
    for (const json::value& device : parsed.at("devices").as_array()) {
      EXPECT_EQ(device.at("mac").as_string(), MakeDevice(next++).mac.ToString());
    }
  }
  EXPECT_EQ(next, 1202u);
}

TEST(Report, ASegmentWithPingsTellsHowTheyAnswered) {
  PingReport ping{0x0a000001, {absl::Microseconds(1260), 5, 99.96, 98.74, 97}};
  const json::value body = json::parse(SegmentBody({}, {}, {ping}));
  const json::value expected = json::parse(R"([{"ip": "10.0.0.1", "roundTripMs": 1.3,
    "lossPercent": 5.0, "hourPercent": 100.0, "dayPercent": 98.7, "weekPercent": 97.0}])");
  EXPECT_EQ(body.at("pings"), expected) << body;
  EXPECT_FALSE(json::parse(SegmentBody({}, {}, {})).as_object().contains("pings"));
}

TEST(Report, AWakeOfACommandNamesIt) {
  EXPECT_EQ(json::parse(WakeSentBody("cmd-1", MakeDevice(1).mac, 9)),
            json::parse(R"({"commandId":"cmd-1","mac":"00:0c:29:00:00:01","packets":9})"));
}

TEST(Report, AWakeOfNobodyHasNoCommandId) {
  EXPECT_EQ(json::parse(WakeSentBody("", MakeDevice(1).mac, 9)),
            json::parse(R"({"mac":"00:0c:29:00:00:01","packets":9})"));
}

}  // namespace
}  // namespace tentacle::discovery
