// Answer files, identities, loops and deadlines through the routes of port 9080.
#include <fmt/format.h>

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/env_number.h"
#include "tests/unit/pxe/boot_http_fixture.h"

namespace tentacle::pxe {
namespace {

using namespace tentacle::testing;  // NOLINT(google-build-using-namespace): machines by name.
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class BootAnswersTest : public BootHttpTest {
 protected:
  net::HttpReply GetScriptOf(const std::string& uuid, const std::string& serial) {
    net::HttpRequest request = Request("GET", "/boot.ipxe");
    request.query = {{"mac", kMac.ToString()}, {"uuid", uuid}, {"serial", serial}};
    return Ask(std::move(request));
  }

  net::HttpReply PostTo(const std::string& task,
                        const std::string& token,
                        const std::string& body) {
    net::HttpRequest request = Request("POST", "/api/v1/provisioning/tasks/" + task + "/events");
    request.headers = {{"Authorization", "Bearer " + token}};
    request.body = body;
    return Ask(std::move(request));
  }

  // The callback token that stands in a preseed helper.
  std::string CallbackToken(const std::string& answers) {
    const std::string helper = GetAnswer(answers, "octofleet-install").body;
    const std::string token = After(helper, "callback_token='");
    return token.substr(0, token.find('\''));
  }

  task::v1::TaskStatus Status() { return world_.desk().table().Find(kMac)->progress.status(); }

  std::string Message() { return world_.desk().table().Find(kMac)->progress.message(); }
};

TEST_F(BootAnswersTest, ADebianInstallation) {
  PushKind("debian-preseed", [](auto* task) { task->set_admin_password("s3cret"); });
  const std::string script = GetScript().body;
  EXPECT_THAT(script,
              HasSubstr("kernel http://192.168.10.2:9080/boot/debian-12/linux initrd=initrd.gz "));
  const std::string token = AnswerToken();
  const net::HttpReply preseed = GetAnswer(token, "preseed.cfg");
  EXPECT_EQ(preseed.status, 200u);
  EXPECT_THAT(preseed.body, HasSubstr("d-i passwd/root-password-crypted password $6$"));
  EXPECT_THAT(preseed.body, Not(HasSubstr("s3cret")));
  EXPECT_THAT(preseed.headers,
              Contains(std::pair<std::string, std::string>("Cache-Control", "no-store")));
  EXPECT_EQ(Status(), task::v1::TASK_STATUS_INSTALLING);
  const std::string callback = CallbackToken(token);
  EXPECT_EQ(PostTo("k1", callback, R"({"event":"booted"})").status, 204u);
  EXPECT_EQ(PostTo("k1", callback, R"({"event":"configuring"})").status, 204u);
  EXPECT_THAT(GetScript().body, HasSubstr("starting from the disk"));
  EXPECT_EQ(PostTo("k1", callback, R"({"event":"firstboot"})").status, 204u);
  EXPECT_EQ(PostTo("k1", callback, R"({"event":"done"})").status, 204u);
  EXPECT_EQ(Status(), task::v1::TASK_STATUS_COMPLETE);
}

TEST_F(BootAnswersTest, AnAnswerCanBeHadAFewTimesAndIsThenGone) {  // Bar O2.
  PushKind("debian-preseed");
  const std::string token = AnswerToken();
  const std::string first = GetAnswer(token, "preseed.cfg").body;
  EXPECT_EQ(GetAnswer(token, "preseed.cfg").body, first);
  EXPECT_EQ(GetAnswer(token, "preseed.cfg").status, 200u);
  EXPECT_EQ(GetAnswer(token, "preseed.cfg").status, 410u);
  EXPECT_EQ(GetAnswer(token, "octofleet-install").status, 200u);
}

TEST_F(BootAnswersTest, AnAnswerIsGoneMinutesAfterItsFirstFetch) {
  PushKind("debian-preseed");
  const std::string token = AnswerToken();
  EXPECT_EQ(GetAnswer(token, "preseed.cfg").status, 200u);
  world_.clock.now += absl::Minutes(11);
  EXPECT_EQ(GetAnswer(token, "preseed.cfg").status, 410u);
}

TEST_F(BootAnswersTest, AnAnswerThatNobodyFetchedInTimeIsGone) {
  PushKind("debian-preseed");
  const std::string token = AnswerToken();
  world_.clock.now += absl::Minutes(31);
  EXPECT_EQ(GetAnswer(token, "preseed.cfg").status, 410u);
}

TEST_F(BootAnswersTest, AnAnswerIsGoneOnceTheDiskIsWritten) {
  PushKind("debian-preseed");
  const std::string token = AnswerToken();
  GetAnswer(token, "preseed.cfg");
  PostTo("k1", CallbackToken(token), R"({"event":"configuring"})");
  EXPECT_EQ(GetAnswer(token, "preseed.cfg").status, 410u);
}

TEST_F(BootAnswersTest, FetchCountsOutliveARestart) {
  PushKind("debian-preseed");
  const std::string token = AnswerToken();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(GetAnswer(token, "preseed.cfg").status, 200u);
    Restart();
  }
  EXPECT_EQ(GetAnswer(token, "preseed.cfg").status, 410u);
}

TEST_F(BootAnswersTest, AnotherMachineOfTheSegmentIsRefusedAndReported) {
  PushKind("debian-preseed");
  const std::string token = AnswerToken();
  asker_ = kOtherMac;
  EXPECT_EQ(GetAnswer(token, "preseed.cfg").status, 403u);
  EXPECT_THAT(
      world_.events.Of("task.timeline"),
      Contains("alert: 192.168.10.101 asked for preseed.cfg of this machine and was refused"));
  EXPECT_EQ(world_.Sample("tentacle_pxe_alerts_total{kind=\"answer_asked_by_another\"}"), "1");
  asker_ = kMac;
  EXPECT_EQ(GetAnswer(token, "preseed.cfg", "192.168.10.177").status,
            200u);  // Its installer got another address.
}

TEST_F(BootAnswersTest, BehindARouterOnlyTheAddressThatBootedCounts) {
  asker_ = std::nullopt;
  PushKind("debian-preseed");
  const std::string token = AnswerToken();
  EXPECT_EQ(GetAnswer(token, "preseed.cfg", "192.168.10.177").status, 403u);
  EXPECT_EQ(GetAnswer(token, "preseed.cfg").status, 200u);
}

TEST_F(BootAnswersTest, GuessesAreAllAnsweredAlike) {  // Bar D5.
  PushKind("debian-preseed");
  const std::string token = AnswerToken();
  const net::HttpReply reply = GetAnswer(std::string(32, '0'), "preseed.cfg");
  EXPECT_EQ(reply.status, 404u);
  for (const auto& [guess, name] :
       std::vector<std::pair<std::string, std::string>>{{"", "preseed.cfg"},
                                                        {"x", ""},
                                                        {token, "unattend.xml"},
                                                        {token, "../preseed.cfg"},
                                                        {token, ""},
                                                        {token.substr(1), "preseed.cfg"},
                                                        {token + "0", "preseed.cfg"}}) {
    const net::HttpReply other = GetAnswer(guess, name);
    EXPECT_EQ(other.status, 404u) << guess << " " << name;
    EXPECT_EQ(other.body, reply.body);
  }
  // Ten thousand with TENTACLE_TEST_GUESSES=10000.
  std::mt19937 random(5);
  const long guesses = EnvNumber("TENTACLE_TEST_GUESSES", 500);
  for (long i = 0; i < guesses; ++i) {
    const std::string guess =
        fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
    const net::HttpReply other = GetAnswer(guess, "preseed.cfg");
    ASSERT_EQ(other.status, 404u) << guess;
    ASSERT_EQ(other.body, reply.body) << guess;
    ASSERT_EQ(other.headers, reply.headers) << guess;
  }
  EXPECT_EQ(Ask(Request("GET", "/answers/")).status, 404u);
  EXPECT_EQ(Ask(Request("HEAD", "/answers/" + token + "/preseed.cfg")).status, 405u);
}

TEST_F(BootAnswersTest, NoPasswordReachesDiskOrEvents) {  // Bar O1.
  PushKind("windows", [](auto* task) {
    task->set_admin_password("m4rker-admin");
    task->mutable_domain()->set_name("corp.local");
    task->mutable_domain()->set_user("joiner");
    task->mutable_domain()->set_password("m4rker-domain");
  });
  const std::string token = AnswerToken();
  EXPECT_THAT(GetAnswer(token, "unattend.xml").body, HasSubstr("m4rker-domain"));
  for (const std::string marker : {"m4rker", token.c_str()}) {
    EXPECT_THAT(File("52-54-00-65-d5-42.json"), Not(HasSubstr(marker)));
    for (const auto& event : world_.events.all)
      EXPECT_THAT(event.body_json(), Not(HasSubstr(marker)));
  }
}

TEST_F(BootAnswersTest, NorDoesTheAccountOfAnOfflineJoin) {
  PushKind("windows",
           [](auto* task) { task->mutable_domain()->set_account_data("bTRya2VyLWFjY291bnQ="); });
  EXPECT_THAT(GetAnswer(AnswerToken(), "unattend.xml").body, HasSubstr("bTRya2VyLWFjY291bnQ="));
  EXPECT_THAT(File("52-54-00-65-d5-42.json"), Not(HasSubstr("bTRya2Vy")));
  for (const auto& event : world_.events.all)
    EXPECT_THAT(event.body_json(), Not(HasSubstr("bTRya2Vy")));
  Restart();
  EXPECT_THAT(GetScript().body, HasSubstr("waiting for the backend"));
}

TEST_F(BootAnswersTest, WithoutItsPasswordsAMachineWaitsForTheBackend) {
  const auto with_password = [](auto* task) { task->set_admin_password("s3cret"); };
  PushKind("windows", with_password);
  Restart();
  EXPECT_THAT(GetScript().body, HasSubstr("waiting for the backend"));
  PushKind("windows", with_password);
  EXPECT_THAT(GetScript().body, HasSubstr("wimboot"));
}

TEST_F(BootAnswersTest, AFileThatIsMissingIsNamed) {
  PushKind("windows");
  std::filesystem::remove(world_.temp.path() + "/boot/windows/wimboot");
  EXPECT_THAT(GetScript().body, HasSubstr("windows/wimboot is missing in the boot folder"));
  EXPECT_EQ(Message(), "windows/wimboot is missing in the boot folder of the tentacle");
  EXPECT_EQ(Status(), task::v1::TASK_STATUS_WAITING);
  world_.PutBootFile("windows/wimboot");
  EXPECT_THAT(GetScript().body, HasSubstr("/boot/windows/wimboot ||"));
}

TEST_F(BootAnswersTest, DriversOfThePlatformAreGivenToWinpe) {
  PushKind("windows", [](auto* task) { task->set_platform("kvm-libvirt"); });
  world_.PutBootFile("windows/drivers/kvm-libvirt/netkvm.inf");
  world_.PutBootFile("windows/drivers/kvm-libvirt/netkvm.sys");
  world_.PutBootFile("windows/drivers/kvm-libvirt/not a name.inf");
  world_.PutBootFile("windows/drivers/vmware/vmxnet3.inf");
  const std::string script = GetScript().body;
  EXPECT_THAT(
      script,
      HasSubstr(
          "initrd --name netkvm.inf http://192.168.10.2:9080/boot/windows/drivers/kvm-libvirt/"
          "netkvm.inf netkvm.inf || goto failed"));
  EXPECT_THAT(script, Not(HasSubstr("vmxnet3")));
  EXPECT_THAT(script, Not(HasSubstr("a name")));
  EXPECT_THAT(GetAnswer(AnswerToken(), "startnet.cmd").body,
              HasSubstr("drvload X:\\Windows\\System32\\netkvm.inf\r\n"));
}

TEST_F(BootAnswersTest, UbuntuIsTheImageThatTheCacheHolds) {
  PushKind("ubuntu-autoinstall");
  EXPECT_THAT(GetScript().body,
              HasSubstr(" url=http://192.168.10.2:9081/images/img-1 autoinstall "));
  world_.cache.status = absl::UnavailableError("connection refused");
  EXPECT_THAT(GetScript().body, HasSubstr("the image cannot be served yet"));
}

TEST_F(BootAnswersTest, GrubGetsTheSameBoot) {
  PushKind("debian-preseed");
  net::HttpRequest request = Request("GET", "/grub.cfg");
  request.query = {{"mac", kMac.ToString()}};
  const net::HttpReply reply = Ask(request);
  EXPECT_EQ(reply.status, 200u);
  EXPECT_THAT(reply.body, HasSubstr("linux '(tftp,192.168.10.2)/debian-12/linux'"));
  EXPECT_EQ(Status(), task::v1::TASK_STATUS_BOOTING);
}

TEST_F(BootAnswersTest, AMachineThatTheTaskDoesNotMeanIsNotWritten) {
  PushKind("linux-image", [](auto* task) { task->mutable_machine()->set_serial("CZ-0001"); });
  const net::HttpReply reply = GetScriptOf("", "CZ-0002");
  EXPECT_THAT(reply.body,
              HasSubstr("this machine has the serial CZ-0002, the task is for CZ-0001"));
  EXPECT_THAT(reply.body, Not(HasSubstr("token")));
  EXPECT_EQ(Status(), task::v1::TASK_STATUS_WAITING);
  EXPECT_EQ(world_.Sample("tentacle_pxe_alerts_total{kind=\"wrong_machine\"}"), "1");
  GetScriptOf("", "CZ-0002");
  EXPECT_EQ(world_.Sample("tentacle_pxe_alerts_total{kind=\"wrong_machine\"}"), "1");
  EXPECT_THAT(GetScriptOf("", "CZ-0001").body, HasSubstr("tentacle.token"));
}

TEST_F(BootAnswersTest, ANetworkCardThatMovedToAnotherMachineIsNoticed) {
  const std::string one = "4c4c4544-0042-3510-8056-b4c04f4c3532";
  const std::string other = "4c4c4544-0042-3510-8056-b4c04f4c3533";
  EXPECT_THAT(GetScriptOf(one, "A1").body, HasSubstr("tentacle.token"));
  Restart();
  EXPECT_THAT(GetScriptOf(other, "To be filled by O.E.M.").body,
              HasSubstr("this machine has the UUID"));
  EXPECT_THAT(GetScriptOf("ffffffff-ffff-ffff-ffff-ffffffffffff", "").body,
              HasSubstr("tentacle.token"));
  EXPECT_THAT(GetScriptOf("${uuid}", "${serial}").body,
              HasSubstr("tentacle.token"));  // iPXE did not expand it.
}

TEST_F(BootAnswersTest, AMachineThatStartsOverAgainAndAgainIsStopped) {
  for (int boot = 0; boot < 6; ++boot) {
    EXPECT_THAT(GetScript().body, HasSubstr("tentacle.token")) << boot;
    world_.clock.now += absl::Minutes(2);
  }
  EXPECT_THAT(GetScript().body, HasSubstr("starting from the disk"));
  EXPECT_EQ(Status(), task::v1::TASK_STATUS_FAILED);
  EXPECT_THAT(Message(), HasSubstr("started over 7 times"));
  EXPECT_EQ(world_.Sample("tentacle_pxe_alerts_total{kind=\"boot_loop\"}"), "1");
}

TEST_F(BootAnswersTest, BootsOfALongDayAreNoLoop) {
  for (int boot = 0; boot < 20; ++boot) {
    EXPECT_THAT(GetScript().body, HasSubstr("tentacle.token")) << boot;
    world_.clock.now += absl::Minutes(15);
  }
}

TEST_F(BootAnswersTest, APlainKernelIsOverWhenItRuns) {
  PushKind("plain-kernel", [](auto* task) {
    task->clear_image_id();
    task->mutable_kernel()->set_path("memtest/memtest86+x64.bin");
  });
  const std::string script = GetScript().body;
  EXPECT_THAT(
      script,
      HasSubstr("kernel http://192.168.10.2:9080/boot/memtest/memtest86+x64.bin || goto failed"));
  EXPECT_EQ(GetScript().body, script);
  world_.desk().CheckDeadlines();
  EXPECT_EQ(Status(), task::v1::TASK_STATUS_BOOTING);
  world_.clock.now += absl::Minutes(2);
  world_.desk().CheckDeadlines();
  EXPECT_EQ(Status(), task::v1::TASK_STATUS_COMPLETE);
  EXPECT_THAT(GetScript().body, HasSubstr("starting from the disk"));
}

TEST_F(BootAnswersTest, LocalBootIsATaskToo) {
  PushKind("local-boot", [](auto* task) { task->clear_image_id(); });
  EXPECT_THAT(GetScript().body, HasSubstr("sanboot --no-describe --drive 0x80"));
}

TEST_F(BootAnswersTest, ABootThatStallsMayBeginAnew) {
  GetScript();
  world_.clock.now += absl::Minutes(21);
  world_.desk().CheckDeadlines();
  world_.Settle();
  EXPECT_EQ(Status(), task::v1::TASK_STATUS_WAITING);
  EXPECT_THAT(world_.events.Of("task.timeline").back(),
              HasSubstr("verdict: the machine booted but its installer"));
  EXPECT_THAT(GetScript().body, HasSubstr("tentacle.token"));
}

TEST_F(BootAnswersTest, AnInstallerThatFallsSilentFails) {
  const std::string token = Install();
  Post(token, R"({"event":"downloading","progress":42})");
  world_.clock.now += absl::Minutes(59);
  world_.desk().CheckDeadlines();
  EXPECT_EQ(Status(), task::v1::TASK_STATUS_INSTALLING);
  world_.clock.now += absl::Minutes(2);
  world_.desk().CheckDeadlines();
  world_.Settle();
  EXPECT_EQ(Status(), task::v1::TASK_STATUS_FAILED);
  EXPECT_EQ(Message(), "nothing has been heard for 1h1m since \"downloading\" at 42 %");
  EXPECT_EQ(Post(token, R"({"event":"applying"})").status, 409u);
}

TEST_F(BootAnswersTest, ATaskIsNotBegunAfterItsDeadline) {
  PushKind("linux-image", [this](auto* task) {
    task->mutable_deadline()->set_seconds(absl::ToUnixSeconds(world_.clock.now + absl::Hours(1)));
  });
  world_.desk().CheckDeadlines();
  EXPECT_EQ(Status(), task::v1::TASK_STATUS_WAITING);
  world_.clock.now += absl::Minutes(61);
  world_.desk().CheckDeadlines();
  EXPECT_EQ(Status(), task::v1::TASK_STATUS_FAILED);
  EXPECT_THAT(GetScript().body, Not(HasSubstr("token")));
}

TEST_F(BootAnswersTest, CancelledAtAnyPointNothingIsGivenAnyMore) {  // Bar G4.
  PushKind("debian-preseed");
  const std::string token = AnswerToken();
  GetAnswer(token, "preseed.cfg");
  Push(3, {});
  EXPECT_EQ(GetAnswer(token, "preseed.cfg").status, 404u);
  EXPECT_EQ(GetScript().status, 404u);
}

}  // namespace
}  // namespace tentacle::pxe
