// Whole boots through the routes of port 9080: desk, table, files and events together, without a
// socket.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/pxe/boot_http_fixture.h"

namespace tentacle::pxe {
namespace {

using namespace tentacle::testing;  // NOLINT(google-build-using-namespace): machines by name.
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

TEST_F(BootHttpTest, AWholeInstallation) {
  const net::HttpReply script = GetScript();
  EXPECT_EQ(script.status, 200u);
  EXPECT_THAT(script.body, StartsWith("#!ipxe\n"));
  const net::HttpReply orders = Ask(OrdersRequest(After(script.body, "tentacle.token=")));
  EXPECT_EQ(orders.status, 200u);
  EXPECT_EQ(After(orders.body, "image_url "), "http://192.168.10.2:9081/images/img-1");
  EXPECT_EQ(After(orders.body, "callback_url "),
            "http://192.168.10.2:9080/api/v1/provisioning/tasks/t1/events");
  const std::string token = After(orders.body, "callback_token ");
  EXPECT_EQ(Post(token, R"({"event":"booted","message":"hello"})").status, 204u);
  EXPECT_EQ(Post(token, R"({"event":"downloading","message":"10 %","progress":20})").status, 204u);
  EXPECT_EQ(Post(token, R"({"event":"downloading","message":"90 %","progress":70})").status, 204u);
  EXPECT_EQ(Post(token, R"({"event":"configuring","progress":90})").status, 204u);
  EXPECT_EQ(Post(token, R"({"event":"firstboot"})").status, 204u);
  EXPECT_EQ(Post(token, R"({"event":"done"})").status, 204u);

  EXPECT_THAT(
      world_.events.Of("task.status"),
      ElementsAre("waiting  0 ", "booting  0 ", "installing  0 ", "installing booted 5 hello",
                  "installing downloading 20 10 %", "installing downloading 70 90 %",
                  "installing configuring 90 ", "installing firstboot 95 ", "complete done 100 "));
  EXPECT_THAT(world_.events.Of("task.timeline"),
              ElementsAre("script: iPXE fetched its script", "orders: given to 192.168.10.101",
                          "image: debian-12 from the cache", "booted: hello", "downloading: 10 %",
                          "configuring: ", "firstboot: ", "done: "));
  EXPECT_THAT(File("52-54-00-65-d5-42.json"), HasSubstr("\"complete\""));
  EXPECT_EQ(world_.Sample("tentacle_pxe_tasks{status=\"complete\"}"), "1");
  EXPECT_EQ(world_.Sample("tentacle_pxe_callbacks_total{outcome=\"taken\"}"), "6");
}

TEST_F(BootHttpTest, InRelayModeTheImageComesStraightFromTheBackend) {
  const std::string link =
      "http://images.corp.local:8080/api/v1/images/7/content?node=3&expires=1&signature=ab";
  world_.cache.reply.set_direct_url(link);
  const net::HttpReply orders = Ask(OrdersRequest(ScriptToken()));
  EXPECT_EQ(After(orders.body, "image_url "), link);
  EXPECT_THAT(world_.events.Of("task.timeline"),
              ::testing::Contains("image: debian-12 from the backend"));
}

// What failed to be kept here once is not kept in relay mode anyway.
TEST_F(BootHttpTest, InRelayModeAnImageThatTheCacheHasGivenUpIsGivenOut) {
  world_.cache.reply.mutable_image()->set_state(cache::v1::IMAGE_STATE_FAILED);
  world_.cache.reply.mutable_image()->set_reason("no room");
  EXPECT_EQ(Ask(OrdersRequest(ScriptToken())).status, 503u);
  world_.cache.reply.set_direct_url("http://images.corp.local:8080/api/v1/images/7/content");
  EXPECT_EQ(Ask(OrdersRequest(ScriptToken())).status, 200u);
}

TEST_F(BootHttpTest, MachinesWithoutATaskGetNoScript) {
  EXPECT_EQ(GetScript(kOtherMac).status, 404u);
}

TEST_F(BootHttpTest, MachineWhoseDiskIsWrittenIsSentToIt) {
  const std::string token = Install();
  Post(token, R"({"event":"configuring"})");
  EXPECT_THAT(GetScript().body, HasSubstr("starting from the disk"));
  Post(token, R"({"event":"done"})");
  EXPECT_THAT(GetScript().body, HasSubstr("starting from the disk"));
  EXPECT_EQ(world_.events.Of("task.status").back(), "complete done 100 ");
}

TEST_F(BootHttpTest, ScriptIsTheSameWhenItIsAskedForAgain) {
  const std::string first = GetScript().body;
  EXPECT_EQ(GetScript().body, first);
}

TEST_F(BootHttpTest, LookingAtTheScriptMovesNothing) {
  const std::string token = Install();
  asker_ = kOtherMac;  // An operator's browser.
  EXPECT_EQ(GetScript().status, 200u);
  asker_ = kMac;
  EXPECT_EQ(GetScript(kMac, "HEAD").status, 200u);
  EXPECT_EQ(Post(token, R"({"event":"booted"})").status, 204u);
}

TEST_F(BootHttpTest, BehindARouterTheScriptMovesTheTask) {
  asker_ = std::nullopt;
  GetScript();
  EXPECT_EQ(world_.desk().table().Find(kMac)->progress.status(), task::v1::TASK_STATUS_BOOTING);
}

TEST_F(BootHttpTest, WithPxeSwitchedOffThereIsNoScript) {
  world_.desk().SetEnabled(false);
  EXPECT_EQ(GetScript().status, 404u);
}

TEST_F(BootHttpTest, MalformedMacIsABadRequest) {
  net::HttpRequest request = Request("GET", "/boot.ipxe");
  EXPECT_EQ(Ask(request).status, 400u);
  request.query = {{"mac", "../../etc"}};
  EXPECT_EQ(Ask(request).status, 400u);
}

TEST_F(BootHttpTest, LostOrdersMayBeFetchedAgainFromTheSameAddressOnly) {
  const std::string token = ScriptToken();
  EXPECT_EQ(Ask(OrdersRequest(token)).status, 200u);
  EXPECT_EQ(Ask(OrdersRequest(token, "192.168.10.102")).status, 410u);
  EXPECT_EQ(Ask(OrdersRequest(token)).status, 200u);
  EXPECT_EQ(Ask(OrdersRequest(token)).status, 200u);
  EXPECT_EQ(Ask(OrdersRequest(token)).status, 410u);
}

TEST_F(BootHttpTest, OrdersNeedTheToken) {
  EXPECT_EQ(Ask(OrdersRequest("")).status, 403u);
  EXPECT_EQ(Ask(OrdersRequest("00112233445566778899aabbccddeeff")).status, 403u);
  EXPECT_EQ(Ask(Request("HEAD", "/orders")).status, 405u);
}

TEST_F(BootHttpTest, TwoWhoAskForOrdersAtOnceDoNotBothGetThem) {
  const std::string token = ScriptToken();
  world_.cache.closed = true;
  std::optional<net::HttpReply> first;
  std::optional<net::HttpReply> second;
  auto one = http_->Handle(OrdersRequest(token));
  auto two = http_->Handle(OrdersRequest(token, "192.168.10.102"));
  boost::asio::co_spawn(world_.io, World::Store(std::move(one), &first), boost::asio::detached);
  boost::asio::co_spawn(world_.io, World::Store(std::move(two), &second), boost::asio::detached);
  world_.io.restart();
  while (world_.cache.waiting < 2)
    world_.io.run_one();
  world_.cache.OpenGate();
  world_.Settle();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->status, 200u);
  EXPECT_EQ(second->status, 410u);
}

TEST_F(BootHttpTest, OrdersWaitWhileTheCacheIsAwayAndTheTokenStays) {
  const std::string token = ScriptToken();
  world_.cache.status = absl::UnavailableError("connection refused");
  for (int i = 0; i < 5; ++i) {
    const net::HttpReply reply = Ask(OrdersRequest(token));
    EXPECT_EQ(reply.status, 503u);
    EXPECT_THAT(reply.body, HasSubstr("the image cannot be served yet: connection refused"));
    EXPECT_THAT(reply.headers,
                ::testing::Contains(std::pair<std::string, std::string>("Retry-After", "5")));
  }
  // Said once, and not as a failure.
  EXPECT_THAT(world_.events.Of("task.status"),
              ElementsAre("waiting  0 ", "booting  0 ",
                          "booting  0 the image cannot be served yet: connection refused"));
  world_.cache.status = absl::OkStatus();
  EXPECT_EQ(Ask(OrdersRequest(token)).status, 200u);
  EXPECT_EQ(world_.events.Of("task.status").back(), "installing  0 ");
}

TEST_F(BootHttpTest, OrdersWaitWhileTheImageHasFailed) {
  world_.cache.reply.mutable_image()->set_state(cache::v1::IMAGE_STATE_FAILED);
  world_.cache.reply.mutable_image()->set_reason("checksum mismatch");
  const net::HttpReply reply = Ask(OrdersRequest(ScriptToken()));
  EXPECT_EQ(reply.status, 503u);
  EXPECT_THAT(reply.body, HasSubstr("checksum mismatch"));
}

TEST_F(BootHttpTest, MachineThatWasResetGetsFreshTokens) {
  const std::string token = ScriptToken();
  const std::string callback = After(Ask(OrdersRequest(token)).body, "callback_token ");
  Post(callback, R"({"event":"downloading"})");
  const std::string fresh = ScriptToken();
  EXPECT_NE(fresh, token);
  EXPECT_EQ(Post(callback, R"({"event":"done"})").status, 401u);
  EXPECT_EQ(Ask(OrdersRequest(token)).status, 403u);
  EXPECT_EQ(Ask(OrdersRequest(fresh)).status, 200u);
}

TEST_F(BootHttpTest, InstallationGoesOnAfterTheProcessWasKilled) {
  const std::string token = Install();
  Post(token, R"({"event":"downloading"})");
  Restart();
  EXPECT_EQ(Post(token, R"({"event":"configuring"})").status, 204u);
  Restart();
  EXPECT_EQ(Post(token, R"({"event":"done"})").status, 204u);
  EXPECT_EQ(world_.events.Of("task.status").back(), "complete done 100 ");
  Restart();
  Push(2, {Task("t1")});  // uplink pushes its table after a restart.
  EXPECT_EQ(world_.desk().table().Find(kMac)->progress.status(), task::v1::TASK_STATUS_COMPLETE);
}

TEST_F(BootHttpTest, TheRecordOfABootGoesOnAfterTheProcessWasKilled) {
  const std::string token = Install();
  const auto before = world_.desk().boots().List();
  ASSERT_EQ(before.size(), 1u);
  Restart();
  ASSERT_EQ(RenderBoots(world_.desk().boots().List()), RenderBoots(before));
  EXPECT_EQ(Post(token, R"({"event":"booted"})").status, 204u);
  EXPECT_EQ(Post(token, R"({"event":"done"})").status, 204u);
  Restart();
  const auto after = world_.desk().boots().List();
  ASSERT_EQ(after.size(), 1u);
  EXPECT_TRUE(after[0].complete);
  EXPECT_EQ(after[0].stages.size(), before[0].stages.size() + 2);
  EXPECT_EQ(after[0].started(), before[0].started());
}

TEST_F(BootHttpTest, ARecordThatCannotBeReadCostsOnlyItself) {
  GetScript();
  ASSERT_TRUE(world_.store.Apply({{"boot/52:54:00:00:00:99", "rubbish"}}, false).ok());
  Restart();
  EXPECT_EQ(world_.desk().boots().List().size(), 1u);
}

TEST_F(BootHttpTest, TokensOutliveARestart) {
  const std::string token = ScriptToken();
  Restart();
  EXPECT_EQ(ScriptToken(), token);
  EXPECT_EQ(Ask(OrdersRequest(token)).status, 200u);
}

TEST_F(BootHttpTest, RepeatedReportIsReportedAgain) {
  const std::string token = Install();
  Post(token, R"({"event":"done"})");
  const std::size_t before = world_.events.Of("task.status").size();
  EXPECT_EQ(Post(token, R"({"event":"done"})").status, 204u);
  EXPECT_EQ(world_.events.Of("task.status").size(), before + 1);
}

TEST_F(BootHttpTest, ReportThatIsNotDurableIsNotAcknowledged) {
  const std::string token = Install();
  world_.events.refusal = absl::ResourceExhaustedError("the disk is full");
  EXPECT_EQ(Post(token, R"({"event":"done"})").status, 503u);
  world_.events.refusal = absl::OkStatus();
  EXPECT_EQ(Post(token, R"({"event":"done"})").status, 204u);
  EXPECT_EQ(world_.events.Of("task.status").back(), "complete done 100 ");
}

TEST_F(BootHttpTest, CallbacksNeedTheToken) {
  const std::string token = Install();
  EXPECT_EQ(Post("", R"({"event":"done"})").status, 401u);
  EXPECT_EQ(Post("0123", R"({"event":"done"})").status, 401u);
  EXPECT_EQ(world_.desk().table().Find(kMac)->progress.status(), task::v1::TASK_STATUS_INSTALLING);
  EXPECT_EQ(world_.Sample("tentacle_pxe_callbacks_total{outcome=\"unauthenticated\"}"), "2");
}

TEST_F(BootHttpTest, CallbacksThatAreNoneAreRefused) {
  const std::string token = Install();
  EXPECT_EQ(Post(token, "").status, 400u);
  EXPECT_EQ(Post(token, "[1]").status, 400u);
  EXPECT_EQ(Post(token, R"({"event":)").status, 400u);
  EXPECT_EQ(Post(token, R"({"event":"exploded"})").status, 422u);
  EXPECT_EQ(Post(token, R"({"event":7})").status, 422u);
  EXPECT_EQ(Post(token, std::string(20'000, ' ') + "{}").status, 400u);
  EXPECT_EQ(Post(token, R"({"event":"done"})").status, 204u);
  EXPECT_EQ(Post(token, R"({"event":"failed"})").status, 409u);
}

TEST_F(BootHttpTest, NewTasksAreWrittenDownAndTheirImagesOrdered) {
  EXPECT_THAT(File("52-54-00-65-d5-42.json"), HasSubstr("\"waiting\""));
  boost::asio::co_spawn(world_.io, world_.desk().PullImages(), boost::asio::detached);
  world_.io.restart();
  while (world_.cache.asked.empty())
    world_.io.run_one();
  EXPECT_THAT(world_.cache.asked, ElementsAre("pull img-1"));
}

TEST_F(BootHttpTest, TheCacheIsToldWhichImagesOpenTasksNeed) {
  boost::asio::co_spawn(world_.io, world_.desk().PullImages(), boost::asio::detached);
  world_.io.restart();
  while (world_.cache.kept.empty())
    world_.io.run_one();
  EXPECT_THAT(world_.cache.kept, ElementsAre("img-1"));
}

TEST_F(BootHttpTest, TheCacheIsToldWhenNoOpenTaskNeedsAnImage) {
  world_.cache.kept = {"img-1"};
  Push(2, {});
  boost::asio::co_spawn(world_.io, world_.desk().PullImages(), boost::asio::detached);
  world_.io.restart();
  while (!world_.cache.kept.empty() && world_.io.run_one() > 0) {
  }
  EXPECT_TRUE(world_.cache.kept.empty());
}

TEST_F(BootHttpTest, TasksThatAreMissingAreCancelledAndTheirFilesGo) {
  Push(2, {});
  EXPECT_EQ(world_.events.Of("task.status").back(), "cancelled  0 ");
  EXPECT_EQ(File("52-54-00-65-d5-42.json"), "");
  EXPECT_EQ(GetScript().status, 404u);
}

TEST_F(BootHttpTest, UnknownOperatingSystemsAreRefused) {
  task::v1::BootTask other = Task("t2", kOtherMac);
  other.set_os_type("beos");
  const auto refused = Push(2, {Task("t1"), other});
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0].reason, "os type beos is not known to this version");
}

TEST_F(BootHttpTest, NoPasswordReachesDiskEventsOrOrders) {
  const std::string orders = Ask(OrdersRequest(ScriptToken())).body;
  EXPECT_EQ(orders.find("s3cret"), std::string::npos);
  EXPECT_EQ(File("52-54-00-65-d5-42.json").find("s3cret"), std::string::npos);
  for (const auto& event : world_.events.all)
    EXPECT_EQ(event.body_json().find("s3cret"), std::string::npos);
}

TEST_F(BootHttpTest, BootFilesAreServedWholeAndInParts) {
  std::filesystem::create_directories(world_.temp.path() + "/boot/ramdisk");
  std::ofstream(world_.temp.path() + "/boot/ramdisk/vmlinuz") << "0123456789";
  net::HttpReply whole = Ask(Request("GET", "/boot/ramdisk/vmlinuz"));
  ASSERT_TRUE(whole.file.has_value());
  EXPECT_EQ(whole.status, 200u);
  EXPECT_EQ(whole.file->length, 10u);
  net::HttpRequest request = Request("GET", "/boot//ramdisk/vmlinuz");
  request.headers = {{"Range", "bytes=2-4"}};
  net::HttpReply part = Ask(request);
  EXPECT_EQ(part.status, 206u);
  EXPECT_EQ(part.file->offset, 2u);
  EXPECT_EQ(part.file->length, 3u);
  request.headers = {{"Range", "bytes=10-"}};
  EXPECT_EQ(Ask(request).status, 416u);
}

TEST_F(BootHttpTest, AMachineThatFetchesItsLoaderIsBooting) {
  world_.PutBootFile("ipxe.efi");
  EXPECT_EQ(Ask(Request("HEAD", "/boot/ipxe.efi")).status, 200u);
  EXPECT_TRUE(world_.events.Of("task.timeline").empty());
  EXPECT_EQ(Ask(Request("GET", "/boot/ipxe.efi")).status, 200u);
  EXPECT_EQ(world_.events.Of("task.timeline"),
            (std::vector<std::string>{"http: ipxe.efi by HTTP Boot"}));
  EXPECT_EQ(world_.events.Of("task.status").back(), "booting  0 ");
  // Another file, or another machine, is no step of this boot.
  EXPECT_EQ(Ask(Request("GET", "/boot/ramdisk/vmlinuz")).status, 200u);
  asker_ = testing::kOtherMac;
  EXPECT_EQ(Ask(Request("GET", "/boot/ipxe.efi")).status, 200u);
  EXPECT_EQ(world_.events.Of("task.timeline").size(), 1u);
}

TEST_F(BootHttpTest, NothingOutsideTheBootFolderIsServed) {
  const std::string boot = world_.temp.path() + "/boot";
  std::filesystem::create_directories(boot);
  std::filesystem::create_symlink("/etc/passwd", boot + "/link");
  std::filesystem::create_directory_symlink("/etc", boot + "/folder");
  for (const char* path : {"/boot/link", "/boot/folder/passwd",
                           "/boot/../tasks/52-54-00-65-d5-42.json", "/boot/..\\tasks", "/boot/",
                           "/boot/absent", "/boot/.hidden", "/tasks/52-54-00-65-d5-42.json", "/"}) {
    EXPECT_EQ(Ask(Request("GET", path)).status, 404u) << path;
  }
}

TEST_F(BootHttpTest, OtherMethodsAreRefused) {
  EXPECT_EQ(Ask(Request("POST", "/boot.ipxe")).status, 405u);
  EXPECT_EQ(Ask(Request("PUT", "/boot/x")).status, 405u);
  EXPECT_EQ(Ask(Request("GET", "/api/v1/provisioning/tasks/t1/events")).status, 405u);
}

TEST_F(BootHttpTest, RestoreSetsCorruptFilesAsideAndCountsThem) {
  std::ofstream(world_.temp.path() + "/tasks/52-54-00-00-00-01.json") << "{";
  Restart();
  EXPECT_EQ(world_.Sample("tentacle_pxe_task_files_total{outcome=\"quarantined\"}"), "1");
  EXPECT_EQ(GetScript().status, 200u);
}

}  // namespace
}  // namespace tentacle::pxe
