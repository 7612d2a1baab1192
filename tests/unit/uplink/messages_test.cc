#include "libs/backend_link/messages.h"

#include <string>
#include <vector>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/golden.h"

namespace tentacle::backend_link {
namespace {

namespace json = boost::json;

struct Sample {
  std::string file;
  std::string type;
  std::string id;  // Empty: none.
  std::string body;
};

json::object Body(const std::string& text) {
  return json::parse(text).as_object();
}

constexpr char kTask[] =
    R"({"id":"6f1c","mac":"52-54-00-65-D5-42","hostname":"web-01.corp.local","imageId":"img-7",)"
    R"("osType":"linux-image","platform":"kvm-libvirt","network":{"dhcp":false,"ip":"10.1.2.3",)"
    R"("prefix":24,"gateway":"10.1.2.1","dns":["10.1.2.1","9.9.9.9"]},"disk":{"serial":"QM00001",)"
    R"("path":"/dev/vda","minSizeBytes":8589934592},"adminPassword":"x","locale":"de_DE.UTF-8",)"
    R"("timezone":"Europe/Berlin","sshKeys":["ssh-ed25519 AAAA admin"],"postInstall":)"
    R"({"script":"line one\nline two"},"deadline":"2026-11-23T12:00:00.5Z","later":{"kept":true}})";

// One of every message of docs/protocol.md section 3.
std::vector<Sample> Samples() {
  const std::string task(kTask);
  return {
      {"task.new", "task.new", "cmd-1", R"({"task":)" + task + "}"},
      {"task.new.plain", "task.new", "", R"({"task":)" + task + "}"},
      {"task.cancel", "task.cancel", "cmd-2", R"({"taskId":"6f1c"})"},
      {"config.update", "config.update", "cmd-3",
       R"({"config":{"pxe":{"enabled":true}},"revision":4})"},
      {"image.prepull", "image.prepull", "cmd-4", R"({"imageId":"img-7"})"},
      {"image.prepull.scheduled", "image.prepull", "cmd-9",
       R"({"imageId":"7","scheduleId":"12","deadline":"2026-11-24T06:00:00Z",)"
       R"("notBefore":"2026-11-23T20:00:00Z","windows":["daily 22:00-06:00"],)"
       R"("timeZone":"Europe/Berlin","commandId":"cmd-9"})"},
      {"prepull.cancel", "prepull.cancel", "cmd-10", R"({"scheduleId":"12"})"},
      {"peers.sync", "peers.sync", "",
       R"({"site":"berlin","peers":[{"nodeId":"4","name":"Berlin 2","publicKey":"AAAA",)"
       R"("addresses":["10.1.2.9"],"port":9081,"sameSite":true}]})"},
      {"prepull.status", "prepull.status", "cache/77/5",
       R"({"scheduleId":"12","imageId":"7","state":"waiting","feasible":true,)"
       R"("expectedAt":"2026-11-24T03:12:00Z","forecast":"there by Tue 24 Nov 04:12","reason":""})"},
      {"peer.offer", "peer.offer", "cache/77/1", R"({"port":9081,"addresses":["10.1.2.8"]})"},
      {"image.ledger", "image.ledger", "cache/78/1",
       R"({"since":"2026-11-01T00:00:00Z","backendBytes":4500000000,"peerBytes":9000000000,)"
       R"("localBytes":0,"servedBytes":54000000000,"peerServedBytes":0,"throughputMbit":93})"},
      {"status", "status", "",
       R"({"online":true,"tasks":[{"taskId":"6f1c","status":"waiting"}],"version":"0.1.0",)"
       R"("images":[{"imageId":"img-7","name":"debian","sizeBytes":4500000000,"state":"cached",)"
       R"("presentBytes":4500000000,"reason":""}]})"},
      {"task.status", "task.status", "pxe/5a/17",
       R"({"taskId":"6f1c","status":"installing","stage":"applying","progress":50,)"
       R"("message":"writing the image","time":"2026-11-23T11:00:00Z","mac":"52:54:00:65:d5:42"})"},
      {"boot.detected", "boot.detected", "pxe/5a/15",
       R"({"mac":"52:54:00:65:d5:42","arch":7,"firmware":"uefi-x64","taskId":"6f1c",)"
       R"("time":"2026-11-23T10:59:00Z"})"},
      {"image.cached", "image.cached", "cache/77/3",
       R"({"imageId":"img-7","size":4500000000,"sha256":"00ff"})"},
      {"ack", "ack", "pxe/5a/17", "{}"},
      {"tasks.sync", "tasks.sync", "cmd-5", R"({"revision":9,"tasks":[)" + task + "]}"},
      {"scan.start", "scan.start", "cmd-6", R"({"commandId":"c1"})"},
      {"wake", "wake", "cmd-7", R"({"commandId":"c2","mac":"52:54:00:65:d5:42"})"},
      {"job.run", "job.run", "cmd-8",
       R"json({"job":{"id":"job-1"},"order":"{\"job\":{\"id\":\"job-1\",\"type\":\"script\",\"script\":)json"
       R"json(\"echo hi\\n\"},\"type\":\"job.run\",\"nodeId\":\"7\"}","signature":"c2lnbmVk"})json"},
      {"job.cancel", "job.cancel", "cmd-9",
       R"json({"commandId":"cmd-9","order":"{\"jobId\":\"job-1\",\"type\":\"job.cancel\",\"nodeId\":\"7\"}",)json"
       R"json("signature":"c2lnbmVk"})json"},
      {"inventory.request", "inventory.request", "cmd-10",
       R"json({"commandId":"cmd-10","order":"{\"type\":\"inventory.request\",\"nodeId\":\"7\"}",)json"
       R"json("signature":"c2lnbmVk"})json"},
      {"update.start", "update.start", "cmd-11",
       R"json({"commandId":"cmd-11","order":"{\"update\":{\"id\":\"update-3\"},\"type\":\"update.start\",)json"
       R"json(\"nodeId\":\"7\"}","signature":"c2lnbmVk"})json"},
      {"update.status", "update.status", "agent/5a/4",
       R"({"updateId":"update-3","status":"rolled_back","reason":"not ready in time: uplink",)"
       R"("time":"2026-11-26T10:00:00.000Z","releaseId":"2026.11.2","version":12})"},
      {"task.timeline", "task.timeline", "pxe/5a/16",
       R"({"taskId":"6f1c","step":"offer","detail":"port 67","time":"2026-11-23T10:59:00Z"})"},
      {"image.progress", "image.progress", "cache/77/2",
       R"({"imageId":"img-7","state":"pulling","presentBytes":1048576,"sizeBytes":4500000000,)"
       R"("reason":""})"},
      {"image.evicted", "image.evicted", "cache/77/4", R"({"imageId":"img-7"})"},
      {"image.corrupt", "image.corrupt", "cache/77/6", R"({"imageId":"img-7","chunk":12})"},
      {"discovery.result", "discovery.result", "discovery/1b/1",
       R"({"scanId":"c1","startedAt":"2026-11-23T10:00:00Z","finishedAt":"2026-11-23T10:00:03Z",)"
       R"("targets":254,"devices":[{"mac":"00:11:22:33:44:55","ip":"10.1.2.1","hostname":"router",)"
       R"("vendor":"CIMSYS","interface":"eth0","firstSeen":"2026-11-23T10:00:01Z",)"
       R"("lastSeen":"2026-11-23T10:00:01Z"}]})"},
      {"wake.sent", "wake.sent", "discovery/1b/2",
       R"({"commandId":"c2","mac":"52:54:00:65:d5:42","packets":3})"},
      {"discovery.sync", "discovery.sync", "cmd-9", R"({"commandId":"c3"})"},
      {"device.changed", "device.changed", "discovery/1b/3",
       R"({"previous":41,"revision":42,"devices":[{"mac":"00:11:22:33:44:55","ip":"10.1.2.1",)"
       R"("hostname":"router","vendor":"CIMSYS","interface":"eth0",)"
       R"("firstSeen":"2026-11-23T10:00:01Z","lastSeen":"2026-11-23T10:00:01Z","state":"online",)"
       R"("vlan":20,"ports":[{"port":22,"service":"ssh"}]}],"forgotten":["52:54:00:65:d5:43"]})"},
      {"device.snapshot", "device.snapshot", "discovery/1b/4",
       R"({"revision":42,"part":1,"commandId":"c3","devices":[{"mac":"00:11:22:33:44:55",)"
       R"("ip":"10.1.2.1","hostname":"router","vendor":"CIMSYS","interface":"eth0",)"
       R"("firstSeen":"2026-11-23T10:00:01Z","lastSeen":"2026-11-23T10:00:01Z","state":"online"}],)"
       R"("parts":1})"},
      {"network.segment", "network.segment", "discovery/1b/5",
       R"({"time":"2026-11-23T10:00:00Z","dhcpServers":[{"ip":"10.1.2.1",)"
       R"("mac":"00:11:22:33:44:55","interface":"eth0","verdict":"learned","offers":3,"acks":2,)"
       R"("boots":false,"firstSeen":"2026-11-23T09:00:00Z","lastSeen":"2026-11-23T10:00:00Z"}],)"
       R"("neighbours":[{"protocol":"lldp","interface":"eth0","chassis":"00:1b:21:aa:bb:cc",)"
       R"("name":"sw-floor2","port":"Gi1/0/7","portDescription":"desk 7","description":"switch",)"
       R"("isSwitch":true,"mac":"00:1b:21:aa:bb:cd","ip":"10.1.2.2",)"
       R"("lastSeen":"2026-11-23T10:00:00Z","vlan":20}],"gateways":["10.1.2.1"],)"
       R"("topology":{"nodes":[{"id":"tentacle","kind":"tentacle","label":"branch","detail":""}],)"
       R"("edges":[],"omittedDevices":0},"pings":[{"ip":"10.1.2.1","roundTripMs":3,)"
       R"("lossPercent":0,"hourPercent":100,"dayPercent":98,"weekPercent":98}]})"},
      {"network.alert", "network.alert", "discovery/1b/6",
       R"({"kind":"duplicate-address","ip":"10.1.2.9","before":"00:11:22:33:44:55",)"
       R"("after":"52:54:00:65:d5:42","time":"2026-11-23T10:00:00Z"})"},
      {"dhcp.rogue", "dhcp.rogue", "discovery/1b/7",
       R"({"ip":"10.1.2.66","mac":"00:0c:29:66:66:66","interface":"eth0","verdict":"rogue",)"
       R"("reasons":["offers_boot","not_learned"],"offered":"10.1.2.78","nextServer":"10.1.2.67",)"
       R"("bootFile":"pxelinux.0","firstSeen":"2026-11-23T10:00:00Z",)"
       R"("time":"2026-11-23T10:00:00Z"})"},
      {"wake.result", "wake.result", "discovery/1b/8",
       R"({"commandId":"c2","mac":"52:54:00:65:d5:42","state":"woke","afterMs":21500,)"
       R"("evidence":"dhcp","methods":["udp","raw"]})"},
      {"inventory", "inventory", "agent/9e/1",
       R"({"collectedAt":"2026-11-23T10:00:00Z","hardware":{"cpus":2},"os":{"name":"Debian"},)"
       R"("software":[],"services":[],"network":{}})"},
      {"metrics", "metrics", "agent/9e/2",
       R"({"time":"2026-11-23T10:00:00Z","cpuPercent":3,"memoryPercent":41,"diskPercent":70,)"
       R"("load1":0,"networkRxBytes":18446744073709551615,"networkTxBytes":0})"},
      {"job.result", "job.result", "agent/9e/3",
       R"({"jobId":"j1","status":"succeeded","success":true,"exitCode":0,"stdout":"hi\n",)"
       R"("stderr":"","errorMessage":"","durationMs":12})"},
      {"command.failed", "command.failed", "uplink/0c/1",
       R"({"commandId":"c2","command":"wake","reason":"discovery could not be reached"})"},
      {"link", "link", "", R"({"latencyMs":14})"},
      {"config.result", "config.result", "uplink/0c/2",
       R"({"revision":4,"status":"reverted","reason":"no connection within 2m with it",)"
       R"("time":"2026-11-23T10:00:00Z"})"},
      {"quarantine", "quarantine", "",
       R"({"reason":"another machine is connected with the same key"})"},
      {"node.removed", "node.removed", "", "{}"},
  };
}

class EveryMessage : public ::testing::TestWithParam<Sample> {};

TEST_P(EveryMessage, IsPrintedAsInTheGoldenFile) {
  const Sample& sample = GetParam();
  Message message{.type = sample.type, .id = std::nullopt, .body = Body(sample.body)};
  if (!sample.id.empty()) message.id = sample.id;
  testing::ExpectGolden("backend_link/" + sample.file + ".json", Serialize(message) + "\n");
}

TEST_P(EveryMessage, IsReadFromTheGoldenFile) {
  const Sample& sample = GetParam();
  const auto message = Parse(testing::ReadGolden("backend_link/" + sample.file + ".json"));
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_EQ(message->type, sample.type);
  EXPECT_EQ(message->id.value_or(""), sample.id);
  EXPECT_EQ(message->body, Body(sample.body));
}

INSTANTIATE_TEST_SUITE_P(Protocol,
                         EveryMessage,
                         ::testing::ValuesIn(Samples()),
                         [](const auto& param_info) {
                           std::string name = param_info.param.file;
                           for (char& c : name) {
                             if (c == '.') c = '_';
                           }
                           return name;
                         });

struct BadFrame {
  std::string name;
  std::string text;
  std::string says;
};

class BadFrames : public ::testing::TestWithParam<BadFrame> {};

TEST_P(BadFrames, AreRefusedWithTheReason) {
  const auto message = Parse(GetParam().text);
  ASSERT_FALSE(message.ok());
  EXPECT_EQ(message.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(message.status().message()), ::testing::HasSubstr(GetParam().says));
}

std::string Deep(std::size_t levels) {
  return R"({"type":"x","a":)" + std::string(levels, '[') + std::string(levels, ']') + "}";
}

INSTANTIATE_TEST_SUITE_P(
    Parse,
    BadFrames,
    ::testing::Values(
        BadFrame{"Empty", "", "not JSON"},
        BadFrame{"CutOff", R"({"type":"wake")", "not JSON"},
        BadFrame{"TwoValues", R"({"type":"a"}{"type":"b"})", "not JSON"},
        BadFrame{"Array", R"(["type"])", "not a JSON object"},
        BadFrame{"NoType", R"({"id":"1"})", "no type"},
        BadFrame{"EmptyType", R"({"type":""})", "type is empty"},
        BadFrame{"NumberType", R"({"type":7})", "type is not a string"},
        BadFrame{"LongType", R"({"type":")" + std::string(65, 't') + "\"}", "type is longer"},
        BadFrame{"NumberId", R"({"type":"a","id":7})", "id is not a string"},
        BadFrame{"LongId", R"({"type":"a","id":")" + std::string(257, 'i') + "\"}", "id is longer"},
        BadFrame{"NotUtf8", "{\"type\":\"a\",\"b\":\"\xff\xfe\"}", "not JSON"},
        BadFrame{"TooDeep", Deep(kMaxDepth + 1), "not JSON"},
        BadFrame{"InfiniteNumber", R"({"type":"wake","a":[{"b":1e400}]})", "too large"},
        BadFrame{"TooLarge", std::string(kMaxMessageBytes + 1, ' '), "at most"}),
    [](const auto& param_info) { return param_info.param.name; });

TEST(Parse, TakesTheDeepestThatIsAllowed) {
  EXPECT_TRUE(Parse(Deep(kMaxDepth - 1)).ok());
}

TEST(Serialize, KeepsTypeAndIdFromTheEnvelopeWhenTheBodyHasThemToo) {
  const Message message{
      .type = "wake", .id = "1", .body = {{"type", "other"}, {"id", "2"}, {"mac", "m"}}};
  EXPECT_EQ(Serialize(message), R"({"type":"wake","id":"1","mac":"m"})");
}

TEST(StatusNames, GoBothWaysAndUnknownOnesAreUnspecified) {
  for (int value = 1; value <= 6; ++value) {
    const auto status = static_cast<task::v1::TaskStatus>(value);
    EXPECT_EQ(StatusFromName(StatusName(status)), status);
  }
  EXPECT_EQ(StatusFromName("done"), task::v1::TASK_STATUS_UNSPECIFIED);
  EXPECT_EQ(StatusName(task::v1::TASK_STATUS_UNSPECIFIED), "");
}

TEST(ParseTask, TakesEveryFieldOfTheProtocol) {
  const auto parsed = ParseTask(Body(kTask));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  testing::ExpectGolden("backend_link/task.txt", parsed->DebugString());
}

TEST(ParseTask, AsksForDhcpWhenNothingIsSaidOfTheNetwork) {
  auto task = Body(kTask);
  task.erase("network");
  task.erase("disk");
  task.erase("deadline");
  const auto parsed = ParseTask(task);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_TRUE(parsed->network().dhcp());
  EXPECT_FALSE(parsed->has_deadline());
}

struct BadTask {
  std::string name;
  std::string patch;  // Fields that replace those of kTask; null removes.
  std::string field;
};

class BadTasks : public ::testing::TestWithParam<BadTask> {};

TEST_P(BadTasks, AreRefusedWithTheNameOfTheField) {
  auto task = Body(kTask);
  for (const auto& field : Body(GetParam().patch))
    task[field.key()] = field.value();
  const auto parsed = ParseTask(task);
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(parsed.status().message()),
              ::testing::StartsWith(GetParam().field + ":"));
}

INSTANTIATE_TEST_SUITE_P(
    ParseTask,
    BadTasks,
    ::testing::Values(
        BadTask{"NoId", R"({"id":null})", "id"},
        BadTask{"DomainAdmin", R"({"domain":{"name":"corp.local","user":"CORP\\Administrator"}})",
                "domain.user"},
        BadTask{"DomainAdminAsMail", R"({"domain":{"user":"administrator@corp.local"}})",
                "domain.user"},
        BadTask{"AccountAndUser", R"({"domain":{"user":"joiner","accountData":"QUFB"}})",
                "domain.accountData"},
        BadTask{"AccountNotBase64", R"({"domain":{"accountData":"<x>"}})", "domain.accountData"},
        BadTask{"NumberId", R"({"id":7})", "id"},
        BadTask{"IdWithSlash", R"({"id":"../etc"})", "id"},
        BadTask{"DotDotId", R"({"id":".."})", "id"},
        BadTask{"LongId", R"({"id":")" + std::string(129, 'a') + "\"}", "id"},
        BadTask{"NoMac", R"({"mac":null})", "mac"},
        BadTask{"ShortMac", R"({"mac":"52:54:00:65:d5"})", "mac"},
        BadTask{"LetterInMac", R"({"mac":"52:54:00:65:d5:4g"})", "mac"},
        BadTask{"DotsInMac", R"({"mac":"52.54.00.65.d5.42"})", "mac"},
        BadTask{"GroupMac", R"({"mac":"01:00:5e:00:00:01"})", "mac"},
        BadTask{"ZeroMac", R"({"mac":"00:00:00:00:00:00"})", "mac"},
        BadTask{"HostnameWithBlank", R"({"hostname":"web 01"})", "hostname"},
        BadTask{"HostnameWithHyphenAtTheEnd", R"({"hostname":"web-"})", "hostname"},
        BadTask{"EmptyLabel", R"({"hostname":"web..local"})", "hostname"},
        BadTask{"LongLabel", R"({"hostname":")" + std::string(64, 'a') + "\"}", "hostname"},
        BadTask{"NoImage", R"({"imageId":null})", "imageId"},
        BadTask{"UnknownOs", R"({"osType":"beos"})", "osType"},
        BadTask{"NetworkIsAList", R"({"network":[]})", "network"},
        BadTask{"DhcpIsAString", R"({"network":{"dhcp":"yes"}})", "network.dhcp"},
        BadTask{"StaticWithoutAddress", R"({"network":{"dhcp":false}})", "network.ip"},
        BadTask{"AddressOutOfRange", R"({"network":{"ip":"10.1.2.256","prefix":24}})",
                "network.ip"},
        BadTask{"OctalAddress", R"({"network":{"ip":"10.1.2.010","prefix":24}})", "network.ip"},
        BadTask{"FiveOctets", R"({"network":{"ip":"10.1.2.3.4","prefix":24}})", "network.ip"},
        BadTask{"NoPrefix", R"({"network":{"ip":"10.1.2.3"}})", "network.prefix"},
        BadTask{"LongPrefix", R"({"network":{"ip":"10.1.2.3","prefix":33}})", "network.prefix"},
        BadTask{"FractionalPrefix", R"({"network":{"ip":"10.1.2.3","prefix":8.5}})",
                "network.prefix"},
        BadTask{"BadGateway", R"({"network":{"ip":"10.1.2.3","prefix":24,"gateway":"x"}})",
                "network.gateway"},
        BadTask{"BadDns", R"({"network":{"ip":"10.1.2.3","prefix":24,"dns":["x"]}})",
                "network.dns"},
        BadTask{"PathOutsideDev", R"({"disk":{"path":"/etc/passwd"}})", "disk.path"},
        BadTask{"PathClimbs", R"({"disk":{"path":"/dev/../etc"}})", "disk.path"},
        BadTask{"NegativeSize", R"({"disk":{"minSizeBytes":-1}})", "disk.minSizeBytes"},
        BadTask{"SizeIsAString", R"({"disk":{"minSizeBytes":"8G"}})", "disk.minSizeBytes"},
        BadTask{"KeysAreAString", R"({"sshKeys":"ssh-ed25519 AAAA"})", "sshKeys"},
        BadTask{"KeyIsANumber", R"({"sshKeys":[1]})", "sshKeys"},
        BadTask{"KeyWithNewline", R"({"sshKeys":["a\nb"]})", "sshKeys"},
        BadTask{"LocaleWithControl", R"({"locale":"de\u0007"})", "locale"},
        BadTask{"UnknownFieldWithControl", R"({"later":{"deep":["\u001b[2J"]}})", "later.deep"},
        BadTask{"DeadlineInProse", R"({"deadline":"tomorrow"})", "deadline"}),
    [](const auto& param_info) { return param_info.param.name; });

}  // namespace
}  // namespace tentacle::backend_link
