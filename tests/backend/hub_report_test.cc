// What tentacles report: each kind lands in its table before it is acknowledged; what is no message
// does no harm.
#include <fmt/format.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "tests/backend/hub_bench.h"

namespace tentacle::backend {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

class HubReport : public ::testing::Test {
 protected:
  void SetUp() override { one_.ConnectAndSync(); }

  std::string Path(const std::string& rest = "") const {
    return "/api/v1/nodes/" + one_.text_id() + rest;
  }

  std::string Count(const std::string& table) {
    return bench_.Sql(fmt::format("SELECT count(*) FROM {} WHERE node_id = {}", table, one_.id()));
  }

  json::value Devices() {
    return bench_.Field("/api/v1/tentacles/" + one_.text_id() + "/devices", "/devices");
  }

  // A message with an id that must work: the connection is alive.
  void StillTalks() {
    one_.Report(fmt::format("alive/{}", ++alive_), {{"type", "link"}, {"latencyMs", 1}});
  }

  Bench& bench_ = Bench::Get();
  FakeTentacle one_;
  int alive_ = 0;
};

TEST_F(HubReport, InventoryLands) {
  one_.Report("r/1/1", {{"type", "inventory"},
                        {"collectedAt", "2026-01-02T03:04:05Z"},
                        {"hardware", {{"cpus", 4}}}});
  one_.Report("r/1/2", {{"type", "inventory"},
                        {"collectedAt", "2026-01-03T03:04:05Z"},
                        {"hardware", {{"cpus", 8}}}});
  EXPECT_EQ(bench_.Field(Path("/inventory"), "/hardware/cpus"), 8);
  EXPECT_EQ(Count("node_inventory"), "1");
}

TEST_F(HubReport, MetricsLandAndTheNodeShowsTheLast) {
  const std::string now =
      bench_.Sql("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')");
  one_.Report("r/1/1",
              {{"type", "metrics"}, {"time", now}, {"cpuPercent", 12.5}, {"memoryPercent", 60}});
  EXPECT_EQ(bench_.Field(Path("/metrics"), "/samples/0/cpuPercent"), 12.5);
  EXPECT_EQ(bench_.Field(Path(), "/cpuPercent"), 12.5);
  EXPECT_EQ(bench_.Field(Path(), "/memoryPercent"), 60);
}

TEST_F(HubReport, MetricsOfYesterdayAreNotKept) {
  one_.Report("r/1/1", {{"type", "metrics"}, {"time", "2020-01-01T00:00:00Z"}, {"cpuPercent", 1}});
  EXPECT_EQ(Count("node_metrics"), "0");
}

TEST_F(HubReport, ABootIsWrittenDown) {
  const json::object boot{
      {"type", "boot.detected"}, {"mac", "52:54:00:00:02:01"}, {"firmware", "uefi"}};
  one_.Report("r/1/1", boot);
  one_.Report("r/1/1", boot);
  EXPECT_EQ(Count("boot_attempts"), "1");
  EXPECT_EQ(bench_.Sql(fmt::format(
                "SELECT mac || ' ' || (body->>'firmware') FROM boot_attempts WHERE node_id = {}",
                one_.id())),
            "52:54:00:00:02:01 uefi");
}

TEST_F(HubReport, StatusAndLinkReachTheNode) {
  one_.Report("r/1/1",
              {{"type", "status"}, {"online", true}, {"tasks", json::array()}, {"version", "9.9"}});
  one_.Report("r/1/2", {{"type", "link"}, {"latencyMs", 7.5}});
  EXPECT_EQ(bench_.Field(Path(), "/version"), "9.9");
  EXPECT_EQ(bench_.Field(Path(), "/link/latencyMs"), 7.5);
}

TEST_F(HubReport, AnImageComesGrowsAndGoes) {
  const std::string image = bench_.MakeImage("growing", "bytes");
  const auto state = [&] {
    return bench_.Sql(
        fmt::format("SELECT state FROM node_image_cache WHERE node_id = {} AND image_id = {}",
                    one_.id(), image));
  };
  one_.Report("r/1/1", {{"type", "image.progress"},
                        {"imageId", image},
                        {"state", "pulling"},
                        {"presentBytes", 2},
                        {"sizeBytes", 5},
                        {"reason", ""}});
  EXPECT_EQ(state(), "pulling");
  one_.Report("r/1/2", {{"type", "image.cached"}, {"imageId", image}, {"size", 5}});
  EXPECT_EQ(state(), "cached");
  one_.Report("r/1/3", {{"type", "image.evicted"}, {"imageId", image}});
  EXPECT_EQ(state(), "");
}

TEST_F(HubReport, ChunksThatWentWrongOnDiskAreCountedAtTheImageOfTheTentacle) {
  const std::string image = bench_.MakeImage("rotting", "bytes");
  FakeTentacle other;
  const auto shown = [&](const FakeTentacle& tentacle, const std::string& field) {
    const json::value images =
        bench_.Json("GET", "/api/v1/tentacles/" + tentacle.text_id() + "/images");
    for (const json::value& one : images.at("images").as_array()) {
      if (one.at("imageId") == json::value(image)) return one.at(field);
    }
    return json::value("not listed");
  };
  one_.Report("r/1/1", {{"type", "image.cached"}, {"imageId", image}, {"size", 5}});
  EXPECT_EQ(shown(one_, "wrongChunks"), 0);
  EXPECT_EQ(shown(one_, "wrongChunkAt"), nullptr);
  FakePage page;
  one_.Report("r/1/2", {{"type", "image.corrupt"}, {"imageId", image}, {"chunk", 3}});
  EXPECT_TRUE(page.Hears({{"kind", "image"}, {"id", image}, {"tentacleId", one_.text_id()}}));
  one_.Report("r/1/2", {{"type", "image.corrupt"}, {"imageId", image}, {"chunk", 3}});  // Repeated.
  one_.Report("r/1/3", {{"type", "image.corrupt"}, {"imageId", image}, {"chunk", 4}});
  EXPECT_EQ(shown(one_, "wrongChunks"), 2);
  EXPECT_TRUE(shown(one_, "wrongChunkAt").is_string());
  EXPECT_EQ(shown(one_, "state"), "cached");
  EXPECT_EQ(shown(other, "wrongChunks"), 0);
  // Repaired: what was stays to be seen until the image goes.
  one_.Report("r/1/4", {{"type", "image.cached"}, {"imageId", image}, {"size", 5}});
  EXPECT_EQ(shown(one_, "wrongChunks"), 2);
  one_.Report("r/1/5", {{"type", "image.evicted"}, {"imageId", image}});
  EXPECT_EQ(shown(one_, "wrongChunks"), 0);
  one_.Report("r/1/6", {{"type", "image.corrupt"}, {"imageId", "no image"}, {"chunk", 1}});
  StillTalks();
}

TEST_F(HubReport, BootsLandWithoutATaskToo) {
  one_.Report("r/1/1", {{"type", "boot.detected"},
                        {"mac", "52:54:00:00:02:09"},
                        {"unanswered", "not_ours"},
                        {"time", "2026-11-25T10:00:00Z"}});
  one_.Report("r/1/2", {{"type", "boot.record"},
                        {"mac", "52:54:00:00:02:09"},
                        {"verdict", "the loader does not run on it"},
                        {"complete", false},
                        {"time", "2026-11-25T10:05:00Z"}});
  const std::string boots =
      bench_.Sql(fmt::format("SELECT string_agg(body->>'verdict', ',') || count(*) FROM "
                             "boot_attempts WHERE node_id = {} AND "
                             "mac = '52:54:00:00:02:09'",
                             one_.id()));
  EXPECT_EQ(boots, "the loader does not run on it2");
}

TEST_F(HubReport, DevicesLandAndKeepTheirNames) {
  one_.Report("r/1/1", {{"type", "discovery.result"},
                        {"scanId", "1"},
                        {"devices",
                         {{{"mac", "52:54:00:00:02:02"},
                           {"ip", "10.0.0.7"},
                           {"hostname", "printer"},
                           {"vendor", "QEMU"}}}}});
  one_.Report("r/1/2", {{"type", "discovery.result"},
                        {"scanId", "2"},
                        {"devices",
                         {{{"mac", "52:54:00:00:02:02"}, {"ip", "10.0.0.8"}, {"hostname", ""}}}}});
  const json::value devices = Devices();
  ASSERT_EQ(devices.as_array().size(), 1U);
  EXPECT_EQ(devices.at(0).at("ip"), "10.0.0.8");
  EXPECT_EQ(devices.at(0).at("hostname"), "printer");
  EXPECT_EQ(devices.at(0).at("isManaged"), false);
}

// A machine with two addresses, or one that two interfaces see, is in a scan twice.
TEST_F(HubReport, ADeviceThatAScanNamesTwiceIsOne) {
  one_.Report(
      "r/1/1",
      {{"type", "discovery.result"},
       {"scanId", "1"},
       {"devices",
        {{{"mac", "52:54:00:00:02:03"}, {"ip", "10.0.0.7"}, {"lastSeen", "2026-01-01T00:00:00Z"}},
         {{"mac", "52:54:00:00:02:03"},
          {"ip", "10.0.0.9"},
          {"lastSeen", "2026-01-01T00:00:01Z"}}}}});
  ASSERT_EQ(Devices().as_array().size(), 1U);
  EXPECT_EQ(Devices().at(0).at("ip"), "10.0.0.9");
}

TEST_F(HubReport, ADeviceThatIsANodeIsManaged) {
  FakeTentacle node(
      json::value{{"interfaces", {{{"name", "eth0"}, {"mac", "52:54:00:00:02:04"}}}}});
  one_.Report("r/1/1", {{"type", "discovery.result"},
                        {"scanId", "1"},
                        {"devices", {{{"mac", "52:54:00:00:02:04"}, {"ip", "10.0.0.7"}}}}});
  EXPECT_EQ(Devices().at(0).at("isManaged"), true);
  EXPECT_EQ(Devices().at(0).at("managedNodeId").as_string(), node.text_id());
}

// A scan is matched with the interfaces of all nodes: one that cannot be read would spoil it.
TEST_F(HubReport, ANetworkThatIsNoneIsNotEnrolled) {
  const json::value token = bench_.Json("POST", "/api/v1/enrollment-tokens", json::object{});
  const net::ClientReply reply =
      bench_.Call("POST", "/api/v1/tentacles/enroll",
                  {{"token", token.at("token")},
                   {"name", "odd"},
                   {"publicKey", identity::Base64Encode(std::string(32, 'k'))},
                   {"network", {{"interfaces", "none"}}}});
  EXPECT_EQ(reply.status, 422U) << reply.body;
}

TEST_F(HubReport, WhatIsNotInTheDatabaseYetIsNotAcknowledged) {
  one_.Report("r/1/1", {{"type", "inventory"}, {"hardware", {{"cpus", 1}}}});
  const auto holder = bench_.Connect();
  pqxx::work lock(*holder);
  lock.exec(fmt::format("SELECT 1 FROM node_inventory WHERE node_id = {} FOR UPDATE", one_.id()));
  one_.Send(json::object{{"type", "inventory"}, {"id", "r/1/2"}, {"hardware", {{"cpus", 2}}}});
  ASSERT_TRUE(bench_.Until(
      [&] { return bench_.Sql("SELECT count(*) FROM pg_locks WHERE NOT granted") == "1"; }));
  EXPECT_TRUE(one_.IsQuiet());
  lock.abort();
  EXPECT_TRUE(one_.Acknowledged("r/1/2"));
  EXPECT_EQ(bench_.Field(Path("/inventory"), "/hardware/cpus"), 2);
}

TEST_F(HubReport, WhatTheDatabaseCouldNotTakeIsNotAcknowledgedAndMayComeAgain) {
  one_.Report("r/1/1", {{"type", "inventory"}, {"hardware", {{"cpus", 1}}}});
  const auto holder = bench_.Connect();
  pqxx::work lock(*holder);
  lock.exec(fmt::format("SELECT 1 FROM node_inventory WHERE node_id = {} FOR UPDATE", one_.id()));
  const json::object report{{"type", "inventory"}, {"id", "r/1/2"}, {"hardware", {{"cpus", 2}}}};
  one_.Send(report);
  ASSERT_TRUE(bench_.Until([&] {
    return bench_.Sql("SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE NOT granted") ==
           "1";
  }));
  EXPECT_FALSE(one_.End().ok());
  EXPECT_TRUE(one_.IsQuiet());
  lock.abort();
  EXPECT_TRUE(bench_.Until([&] { return bench_.Field(Path(), "/online") == false; }));
  EXPECT_EQ(bench_.Field(Path(), "/reason"), "a report of it could not be stored; it comes again");
  one_.ConnectAndSync();
  one_.Send(report);
  EXPECT_TRUE(one_.Acknowledged("r/1/2"));
  EXPECT_EQ(bench_.Field(Path("/inventory"), "/hardware/cpus"), 2);
}

TEST_F(HubReport, AMessageWithoutAnIdIsAppliedAndNotAcknowledged) {
  one_.Send(json::object{{"type", "link"}, {"latencyMs", 3}});
  StillTalks();
  EXPECT_EQ(bench_.Sql(fmt::format("SELECT count(*) FROM received_messages WHERE node_id = {}",
                                   one_.id())),
            "1");
}

TEST_F(HubReport, AnUnknownTypeIsAcknowledgedAndIgnored) {
  one_.Report("r/1/1", {{"type", "moon.phase"}, {"full", true}});
  one_.Report("r/1/2", {{"type", "moon.phase"}, {"full", true}});
  StillTalks();
  const std::string log = bench_.Log();
  const auto first = log.find("moon.phase");
  EXPECT_NE(first, std::string::npos);
  EXPECT_EQ(log.find("moon.phase", first + 1), std::string::npos) << "logged once";
}

TEST_F(HubReport, WhatIsNoMessageIsIgnored) {
  one_.Send(std::string("not JSON"));
  one_.Send(std::string("[1, 2]"));
  one_.Send(std::string(R"({"id": "r/1/1"})"));
  one_.Send(std::string(R"({"type": 7, "id": "r/1/2"})"));
  StillTalks();
}

TEST_F(HubReport, WhatIsNestedTooDeepIsIgnored) {
  one_.Send(R"({"type":"inventory","id":"deep","hardware":)" + std::string(40, '[') +
            std::string(40, ']') + "}");
  StillTalks();
  EXPECT_EQ(Count("node_inventory"), "0");
}

TEST_F(HubReport, AFieldOfAWrongKindIsAcknowledgedAndChangesNothing) {
  one_.Report("r/1/1", {{"type", "metrics"}, {"time", "yesterday"}, {"cpuPercent", "much"}});
  one_.Report("r/1/2", {{"type", "boot.detected"}, {"mac", "not a MAC"}});
  one_.Report("r/1/3", {{"type", "boot.detected"}});
  one_.Report("r/1/4", {{"type", "discovery.result"}, {"devices", 5}});
  EXPECT_EQ(Count("node_metrics"), "0");
  EXPECT_EQ(Count("boot_attempts"), "0");
}

TEST_F(HubReport, AMessageOfNearlyAMebibyteIsTaken) {
  one_.Report("r/1/1", {{"type", "inventory"}, {"software", std::string(1024 * 1024 - 200, 'x')}});
  EXPECT_EQ(Count("node_inventory"), "1");
}

TEST_F(HubReport, ALargerMessageEndsTheConnectionAndTheReasonSaysSo) {
  one_.Send(json::object{{"type", "inventory"}, {"software", std::string(1024 * 1024, 'x')}});
  EXPECT_FALSE(one_.End().ok());
  EXPECT_TRUE(bench_.Until([&] { return bench_.Field(Path(), "/online") == false; }));
  EXPECT_EQ(bench_.Field(Path(), "/reason"),
            "it sent a binary message, one of more than 1 MiB, or one that is not UTF-8");
  EXPECT_EQ(Count("node_inventory"), "0");
}

// A WebSocket frame (RFC 6455 section 5.2) as a client sends it, masked with zeros; at most 125
// octets.
std::string Frame(int opcode, const std::string& text) {
  std::string frame{static_cast<char>(0x80 | opcode),
                    static_cast<char>(0x80 | static_cast<int>(text.size()))};
  return frame + std::string(4, '\0') + text;
}

class HubFrame : public HubReport {
 protected:
  void SetUp() override {
    const int port = std::atoi(bench_.base().c_str() + bench_.base().rfind(':') + 1);
    socket_.connect({asio::ip::make_address("127.0.0.1"), static_cast<std::uint16_t>(port)});
    Write(
        fmt::format("GET /api/v1/tentacles/ws HTTP/1.1\r\nHost: b\r\nConnection: "
                    "Upgrade\r\nUpgrade: websocket\r\n"
                    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                    "Authorization: Bearer {}\r\n\r\n",
                    one_.Token()));
  }

  void Write(const std::string& bytes) { asio::write(socket_, asio::buffer(bytes)); }

  // All that comes up to and with `end`.
  std::string ReadUntil(const std::string& end) {
    std::string got;
    asio::read_until(socket_, asio::dynamic_buffer(got), end);
    return got;
  }

  std::string OfflineReason() {
    // The server closes first (RFC 6455 section 7.1.1), and then we do.
    boost::system::error_code end;
    std::string rest;
    asio::read(socket_, asio::dynamic_buffer(rest), end);
    socket_.close();
    EXPECT_TRUE(bench_.Until([this] { return bench_.Field(Path(), "/online") == false; }));
    return std::string(bench_.Field(Path(), "/reason").as_string());
  }

  asio::io_context io_;
  asio::ip::tcp::socket socket_{io_};
};

TEST_F(HubFrame, ABinaryMessageEndsTheConnection) {
  ReadUntil("tasks.sync");
  Write(Frame(2, R"({"type":"link","id":"binary"})"));
  Write(Frame(8, "\x03\xeb"));  // The answer to its close frame, RFC 6455 section 5.5.1.
  EXPECT_EQ(OfflineReason(),
            "it sent a binary message, one of more than 1 MiB, or one that is not UTF-8");
  EXPECT_EQ(Count("received_messages"), "0");
}

TEST_F(HubFrame, AConnectionThatIsClosedInOrderIsToldAsThat) {
  ReadUntil("tasks.sync");
  Write(Frame(8, "\x03\xe8"));  // RFC 6455 section 7.4.1: 1000
  EXPECT_EQ(OfflineReason(), "the tentacle closed the connection");
}

TEST_F(HubFrame, WhatIsNoUtf8EndsTheConnection) {
  ReadUntil("tasks.sync");
  Write(Frame(1, "{\"type\":\"\xff\"}"));
  EXPECT_EQ(OfflineReason(),
            "it sent a binary message, one of more than 1 MiB, or one that is not UTF-8");
}

}  // namespace
}  // namespace tentacle::backend
