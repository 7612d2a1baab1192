// Updates from the order to the end, over the lives of the services.
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent/update_world.h"

namespace tentacle::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::NewBytes;
using testing::OldBytes;
using testing::ReadBytes;
using testing::UpdateLife;
namespace asio = boost::asio;

std::string Text(const boost::json::object& object, const char* key) {
  return std::string(object.at(key).as_string());
}

class UpdaterTest : public ::testing::Test {
 protected:
  UpdaterTest() {
    testing::WriteExecutable(folder_.Executable("a"), OldBytes());
    EXPECT_TRUE(folder_
                    .Change("a",
                            [](UpdateRecord& record) {
                              record.installed.version = 0;
                              return true;
                            })
                    .ok());
    maker_.manifest.size_bytes = NewBytes().size();
    maker_.manifest.sha256 = identity::Sha256Hex(NewBytes());
    Start();
  }

  ~UpdaterTest() override {
    cache_.server.Close();
    End();
    loop_.Finish();
  }

  // A life of the services begins, as systemd begins it.
  void Start() {
    End();
    ASSERT_TRUE(GuardStart(folder_, clock_.Now()).ok());
    life_ = std::make_unique<UpdateLife>(
        loop_, folder_, clock_, maker_.Roots(), cache_.url(),
        [this](const std::string& bytes) { return bytes == OldBytes() || healthy_; });
    life_->updater->Start();
  }

  void End() {
    if (life_ == nullptr) return;
    life_->updater->Stop();
    lives_.push_back(std::move(life_));
  }

  absl::Status Order(const std::string& id = "update-1") {
    return loop_.Run(life_->Order(maker_.Offer(id)));
  }

  // The next word about an update that is of this status.
  boost::json::object Told(const std::string& status, const std::string& id = "update-1") {
    auto told = Find(life_->events, status, id);
    return loop_.Run(std::move(told));
  }

  static asio::awaitable<boost::json::object> Find(testing::MemoryEvents& events,
                                                   std::string status,
                                                   std::string id) {
    for (std::size_t n = 1;; ++n) {
      auto body = co_await events.Nth("update.status", n, id);
      if (Text(body, "status") == status) co_return body;
    }
  }

  void OrderedAndRestarted() {
    ASSERT_TRUE(Order().ok());
    loop_.Run(life_->RestartAsked());
    Start();
  }

  std::string Started() const { return ReadBytes(folder_.path() + "/current/octofleet-tentacle"); }

  testing::TestLoop loop_;
  TempDir temp_;
  testing::HurryingClock clock_{absl::Seconds(1)};
  ReleaseFolder folder_{temp_ / "releases"};
  testing::ReleaseMaker maker_{clock_.start()};
  testing::FakeCache cache_{loop_.home()};
  bool healthy_ = true;
  std::unique_ptr<UpdateLife> life_;
  std::vector<std::unique_ptr<UpdateLife>> lives_;  // What is over; coroutines may still end.
};

TEST_F(UpdaterTest, GoodReleaseIsInstalledAndReported) {
  ASSERT_TRUE(Order().ok());
  loop_.Run(life_->RestartAsked());
  EXPECT_THAT(life_->commands[0],
              ElementsAre("/usr/bin/systemctl", "--no-block", "--no-ask-password", "restart", "--",
                          "tentacle.service"));
  EXPECT_EQ(Started(), NewBytes());
  Start();
  const auto told = Told("committed");
  EXPECT_EQ(Text(told, "releaseId"), "2026.11.2");
  EXPECT_EQ(told.at("version").to_number<int>(), 12);
  EXPECT_EQ(folder_.Link("committed"), "b");
  EXPECT_EQ(folder_.Read()->installed.version, 12u);
  EXPECT_GE(life_->looks, limits::kHealthyLooks);
}

TEST_F(UpdaterTest, NextReleaseGoesIntoTheOtherSlot) {
  OrderedAndRestarted();
  Told("committed");
  cache_.bytes = NewBytes() + "13";
  maker_.manifest.version = 13;
  maker_.manifest.size_bytes = cache_.bytes.size();
  maker_.manifest.sha256 = identity::Sha256Hex(cache_.bytes);
  ASSERT_TRUE(Order("update-2").ok());
  loop_.Run(life_->RestartAsked());
  Start();
  Told("committed", "update-2");
  EXPECT_EQ(folder_.Link("committed"), "a");
  EXPECT_EQ(Started(), cache_.bytes);
}

TEST_F(UpdaterTest, ReleaseThatDoesNotReachTheBackendGoesBackByItself) {
  healthy_ = false;
  OrderedAndRestarted();
  loop_.Run(life_->RestartAsked());
  EXPECT_EQ(Started(), OldBytes());
  Start();
  const auto told = Told("rolled_back");
  EXPECT_THAT(Text(told, "reason"), HasSubstr("uplink"));
  EXPECT_EQ(folder_.Link("committed"), "a");
}

TEST_F(UpdaterTest, ThirdFailureBlocksTheVersion) {
  healthy_ = false;
  for (int attempt = 1; attempt <= limits::kUpdateAttempts; ++attempt) {
    const std::string id = "update-" + std::to_string(attempt);
    ASSERT_TRUE(Order(id).ok());
    loop_.Run(life_->RestartAsked());
    Start();
    loop_.Run(life_->RestartAsked());
    Start();
    Told(attempt < limits::kUpdateAttempts ? "rolled_back" : "blocked", id);
  }
  ASSERT_TRUE(Order("update-9").ok());
  EXPECT_THAT(Text(Told("refused", "update-9"), "reason"), HasSubstr("blocked"));
  EXPECT_TRUE(life_->commands.empty());
}

TEST_F(UpdaterTest, ArbitraryBytesAreNotInstalled) {
  cache_.bytes[1000] ^= 1;
  ASSERT_TRUE(Order().ok());
  EXPECT_THAT(Text(Told("rolled_back"), "reason"), HasSubstr("SHA-256"));
  EXPECT_EQ(Started(), OldBytes());
  EXPECT_FALSE(std::filesystem::exists(folder_.Executable("b")));
  EXPECT_TRUE(life_->commands.empty());
}

TEST_F(UpdaterTest, EndlessDataEndsAtTheSignedLength) {
  cache_.bytes += std::string(1 << 20, 'x');
  ASSERT_TRUE(Order().ok());
  EXPECT_THAT(Text(Told("rolled_back"), "reason"), HasSubstr("endless data"));
}

TEST_F(UpdaterTest, HalfTheBytesAreNotInstalled) {
  cache_.bytes.resize(1000);
  ASSERT_TRUE(Order().ok());
  EXPECT_THAT(Text(Told("rolled_back"), "reason"), HasSubstr("fewer bytes"));
}

TEST_F(UpdaterTest, CacheThatDoesNotHaveItYetIsAskedAgain) {
  cache_.unavailable = 2;
  OrderedAndRestarted();
  Told("committed");
  EXPECT_EQ(cache_.requests, 3);
}

TEST_F(UpdaterTest, ImageThatIsNotThereFailsTheAttempt) {
  auto offer = maker_.Offer();
  offer.image_id = "5";
  ASSERT_TRUE(loop_.Run(life_->Order(offer)).ok());
  EXPECT_THAT(Text(Told("rolled_back"), "reason"), HasSubstr("404"));
}

TEST_F(UpdaterTest, RefusalIsReportedWithItsName) {
  maker_.manifest.arch = "aarch64";
  ASSERT_TRUE(Order().ok());
  EXPECT_THAT(Text(Told("refused"), "reason"), HasSubstr("wrong_arch"));
  EXPECT_EQ(cache_.requests, 0);
}

TEST_F(UpdaterTest, RollbackIsRefusedOnceTheReleaseIsInstalled) {
  OrderedAndRestarted();
  Told("committed");
  maker_.manifest.version = 11;
  ASSERT_TRUE(Order("update-2").ok());
  EXPECT_THAT(Text(Told("refused", "update-2"), "reason"), HasSubstr("rollback"));
}

TEST_F(UpdaterTest, RepeatedOrderIsCarriedOutOnce) {
  OrderedAndRestarted();
  Told("committed");
  ASSERT_TRUE(Order().ok());
  EXPECT_TRUE(life_->commands.empty());
  EXPECT_EQ(cache_.requests, 1);
}

TEST_F(UpdaterTest, SecondOrderMeanwhileIsRefused) {
  ASSERT_TRUE(Order().ok());
  maker_.manifest.version = 13;
  ASSERT_TRUE(Order("update-2").ok());
  EXPECT_THAT(Text(Told("refused", "update-2"), "reason"), HasSubstr("busy"));
  loop_.Run(life_->RestartAsked());
}

TEST_F(UpdaterTest, RestartThatFailsGoesBack) {
  life_->restart_status = absl::InternalError("no systemd");
  ASSERT_TRUE(Order().ok());
  EXPECT_THAT(Text(Told("rolled_back"), "reason"), HasSubstr("no systemd"));
  EXPECT_EQ(Started(), OldBytes());
}

TEST_F(UpdaterTest, ReportThatTheLogRefusesIsMadeByTheNextLife) {
  cache_.bytes[0] ^= 1;
  life_->events.refusals = 1;
  ASSERT_TRUE(Order().ok());
  loop_.Run(life_->events.Refused(1));
  Start();
  Told("rolled_back");
}

TEST_F(UpdaterTest, OrderWithoutAManifestIsWrong) {
  auto offer = maker_.Offer();
  offer.manifest.clear();
  EXPECT_TRUE(absl::IsInvalidArgument(loop_.Run(life_->Order(offer))));
}

TEST(UpdateObstacleTest, SaysWhyNothingCanBeUpdatedHere) {
  const TempDir temp;
  const ReleaseFolder folder(temp / "releases");
  UpdatePlace place{folder, folder.Executable("a"), "tentacle.service", false, "x86_64"};
  EXPECT_THAT(UpdateObstacle(place), HasSubstr("links"));
  testing::WriteExecutable(folder.Executable("a"), OldBytes());
  ASSERT_TRUE(folder.Change("a", [](UpdateRecord&) { return true; }).ok());
  EXPECT_EQ(UpdateObstacle(place), "");
  place.unit.clear();
  EXPECT_THAT(UpdateObstacle(place), HasSubstr("systemd"));
  place.executable = "/usr/local/bin/octofleet-tentacle";
  EXPECT_THAT(UpdateObstacle(place), HasSubstr("/usr/local/bin/octofleet-tentacle"));
  place.container = true;
  EXPECT_THAT(UpdateObstacle(place), HasSubstr("the image is the update"));
}

}  // namespace
}  // namespace tentacle::agent
