// Slots, links and the record on a real disk; the guard beside them.
#include <unistd.h>

#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent/update_world.h"

namespace tentacle::agent {
namespace {

using ::testing::HasSubstr;
using testing::NewBytes;
using testing::OldBytes;
using testing::ReadBytes;
using testing::WriteExecutable;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

class ReleaseFolderTest : public ::testing::Test {
 protected:
  ReleaseFolderTest() {
    WriteExecutable(folder_.Executable("a"), OldBytes());
    const auto record = Change([](UpdateRecord& fresh) {
      fresh.installed.version = 11;
      return true;
    });
    EXPECT_TRUE(record.ok()) << record.status();
  }

  absl::StatusOr<UpdateRecord> Change(const std::function<bool(UpdateRecord&)>& change) {
    return folder_.Change("a", change);
  }

  void On(UpdateEvent event) {
    bool moved = false;
    const auto record = Change([&](UpdateRecord& current) {
      moved = Advance(current, event, kNow);
      return moved;
    });
    ASSERT_TRUE(record.ok()) << record.status();
    ASSERT_TRUE(moved) << Name(event);
  }

  void BringToSwitched() {
    maker_.manifest.sha256 = identity::Sha256Hex(NewBytes());
    const auto begun = Change([&](UpdateRecord& record) {
      return BeginUpdate(record, maker_.Offer(), maker_.manifest, "roots");
    });
    ASSERT_TRUE(begun.ok()) << begun.status();
    On(UpdateEvent::kVerified);
    WriteExecutable(folder_.Executable("b"), NewBytes());
    On(UpdateEvent::kStaged);
    On(UpdateEvent::kSwitch);
  }

  std::string Started() const { return ReadBytes(folder_.path() + "/current/octofleet-tentacle"); }

  TempDir temp_;
  ReleaseFolder folder_{temp_ / "releases"};
  testing::ReleaseMaker maker_{kNow};
};

TEST_F(ReleaseFolderTest, BothLinksBeginWithTheOnlyRelease) {
  EXPECT_EQ(folder_.Link("current"), "a");
  EXPECT_EQ(folder_.Link("committed"), "a");
  EXPECT_EQ(Started(), OldBytes());
}

TEST_F(ReleaseFolderTest, NewReleaseIsStartedFromTheSwitchOn) {
  BringToSwitched();
  EXPECT_EQ(Started(), NewBytes());
  EXPECT_EQ(folder_.Link("committed"), "a");
}

TEST_F(ReleaseFolderTest, LinksAreMendedByTheGuard) {
  BringToSwitched();
  std::filesystem::remove(folder_.path() + "/current");
  std::filesystem::create_directory_symlink("nowhere", folder_.path() + "/current");
  ASSERT_TRUE(GuardStart(folder_, kNow).ok());
  EXPECT_EQ(Started(), NewBytes());
}

TEST_F(ReleaseFolderTest, LinkIsNeverSetToNothing) {
  BringToSwitched();
  On(UpdateEvent::kFail);
  maker_.manifest.version = 13;
  std::filesystem::remove(folder_.Executable("b"));
  ASSERT_TRUE(Change([&](UpdateRecord& record) {
                return BeginUpdate(record, maker_.Offer("update-2"), maker_.manifest, "roots");
              }).ok());
  On(UpdateEvent::kVerified);
  On(UpdateEvent::kStaged);
  const auto switched =
      Change([&](UpdateRecord& record) { return Advance(record, UpdateEvent::kSwitch, kNow); });
  EXPECT_FALSE(switched.ok());
  EXPECT_EQ(Started(), OldBytes());
  // And the guard gives it up.
  const auto report = GuardStart(folder_, kNow);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->step, UpdateStep::kRolledBack);
}

TEST_F(ReleaseFolderTest, NonsenseForARecordChangesNothing) {
  BringToSwitched();
  std::ofstream(folder_.path() + "/record.json") << "{";
  EXPECT_TRUE(absl::IsDataLoss(GuardStart(folder_, kNow).status()));
  EXPECT_EQ(Started(), NewBytes());
  // The agent that runs begins anew with what it runs from.
  ASSERT_TRUE(folder_.Change("b", [](UpdateRecord&) { return true; }).ok());
  EXPECT_EQ(Started(), NewBytes());
  EXPECT_EQ(folder_.Link("committed"), "b");
}

TEST_F(ReleaseFolderTest, ReleaseThatCannotStartAtAllIsRolledBack) {
  BringToSwitched();
  int starts = 0;
  // systemd starts it again and again; the new executable does nothing at all.
  while (Started() == NewBytes() && starts < 100) {
    ASSERT_TRUE(GuardStart(folder_, kNow + absl::Seconds(2 * starts)).ok());
    ++starts;
  }
  EXPECT_EQ(starts, limits::kProbationStarts + 1);
  EXPECT_EQ(Started(), OldBytes());
  EXPECT_THAT(folder_.Read()->reason, HasSubstr("again and again"));
  EXPECT_FALSE(folder_.Read()->restart_due);  // This start is already the old one's.
}

TEST_F(ReleaseFolderTest, ContentChangedAfterItWasVerifiedIsNotStarted) {
  BringToSwitched();
  WriteExecutable(folder_.Executable("b"), NewBytes() + "and more");
  const auto report = GuardStart(folder_, kNow);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->slot, "a");
  EXPECT_THAT(report->reason, HasSubstr("no longer what was verified"));
  EXPECT_EQ(Started(), OldBytes());
}

struct Outside {
  GuardWatch Watch() {
    return {.now = [this] { return now; },
            .wait =
                [this](absl::Duration at_most) {
                  ++waits;
                  now += at_most;
                },
            .restart =
                [this] {
                  ++restarts;
                  return restarted;
                }};
  }

  absl::Time now = kNow;
  int waits = 0;
  int restarts = 0;
  absl::Status restarted;
};

TEST_F(ReleaseFolderTest, ReleaseThatHangsIsRolledBackFromOutside) {
  BringToSwitched();
  ASSERT_TRUE(GuardStart(folder_, kNow).ok());
  Outside outside;
  const auto report = WatchProbation(folder_, outside.Watch());
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->step, UpdateStep::kRolledBack);
  EXPECT_EQ(outside.restarts, 1);
  EXPECT_EQ(outside.now, kNow + limits::kProbation);
  EXPECT_EQ(Started(), OldBytes());
  // The start that follows takes the matter as settled.
  ASSERT_TRUE(GuardStart(folder_, outside.now).ok());
  EXPECT_TRUE(WatchProbation(folder_, outside.Watch()).ok());
  EXPECT_EQ(outside.restarts, 1);
}

TEST_F(ReleaseFolderTest, WatchThatWasKilledBeforeTheRestartDoesItLater) {
  BringToSwitched();
  ASSERT_TRUE(GuardStart(folder_, kNow).ok());
  Outside outside;
  outside.restarted = absl::InternalError("killed");
  EXPECT_FALSE(WatchProbation(folder_, outside.Watch()).ok());
  outside.restarted = absl::OkStatus();
  EXPECT_TRUE(WatchProbation(folder_, outside.Watch()).ok());
  EXPECT_EQ(outside.restarts, 2);
}

TEST_F(ReleaseFolderTest, HealthyReleaseEndsTheWatch) {
  BringToSwitched();
  ASSERT_TRUE(GuardStart(folder_, kNow).ok());
  Outside outside;
  GuardWatch watch = outside.Watch();
  watch.wait = [&](absl::Duration) { On(UpdateEvent::kHealthy); };
  const auto report = WatchProbation(folder_, watch);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->step, UpdateStep::kCommitted);
  EXPECT_EQ(outside.restarts, 0);
  EXPECT_EQ(folder_.Link("committed"), "b");
}

TEST_F(ReleaseFolderTest, ClockThatGoesBackDoesNotLengthenTheProbation) {
  BringToSwitched();
  ASSERT_TRUE(GuardStart(folder_, kNow).ok());
  Outside outside;
  outside.now = kNow - absl::Hours(24 * 365);
  ASSERT_TRUE(WatchProbation(folder_, outside.Watch()).ok());
  EXPECT_EQ(Started(), OldBytes());
  EXPECT_LE(outside.waits, 2);
}

TEST_F(ReleaseFolderTest, SlotsAreFoundByTheirPath) {
  EXPECT_EQ(folder_.SlotOf(folder_.Executable("b")), "b");
  EXPECT_EQ(folder_.SlotOf("/usr/local/bin/octofleet-tentacle"), std::nullopt);
  EXPECT_EQ(folder_.SlotOf(folder_.Executable("b") + " (deleted)"), std::nullopt);
}

class ArrivingTest : public ReleaseFolderTest {
 protected:
  absl::StatusOr<ArrivingExecutable> Arrive(std::uint64_t size) {
    return ArrivingExecutable::Create(folder_.SlotFolder("b"), size, kNow);
  }

  const std::string bytes_ = NewBytes();
  const std::string sha256_ = identity::Sha256Hex(bytes_);
};

TEST_F(ArrivingTest, HasNoNameBeforeItWasVerified) {
  auto file = Arrive(bytes_.size());
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_TRUE(file->Write(bytes_, kNow).ok());
  EXPECT_TRUE(std::filesystem::is_empty(folder_.SlotFolder("b")));
  ASSERT_TRUE(file->Verify(sha256_).ok());
  EXPECT_TRUE(std::filesystem::is_empty(folder_.SlotFolder("b")));
  ASSERT_TRUE(file->InstallAs(folder_.Executable("b")).ok());
  EXPECT_EQ(ReadBytes(folder_.Executable("b")), bytes_);
  EXPECT_EQ(::access(folder_.Executable("b").c_str(), X_OK), 0);
}

TEST_F(ArrivingTest, WhatSomebodyPutsInItsPlaceIsNotInstalled) {
  auto file = Arrive(bytes_.size());
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_TRUE(file->Write(bytes_, kNow).ok());
  ASSERT_TRUE(file->Verify(sha256_).ok());
  WriteExecutable(folder_.Executable("b"), "evil");
  WriteExecutable(folder_.Executable("b") + ".new", "evil, too");
  ASSERT_TRUE(file->InstallAs(folder_.Executable("b")).ok());
  EXPECT_EQ(ReadBytes(folder_.Executable("b")), bytes_);
}

TEST_F(ArrivingTest, BytesThatChangeOnTheDiskAreSeen) {
  auto file = Arrive(bytes_.size());
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_TRUE(file->Write(bytes_, kNow).ok());
  ASSERT_EQ(::pwrite(file->fd(), "X", 1, 100), 1);
  const auto verified = file->Verify(sha256_);
  EXPECT_TRUE(absl::IsDataLoss(verified)) << verified;
  EXPECT_THAT(std::string(verified.message()), HasSubstr("the disk does not hold"));
}

TEST_F(ArrivingTest, ArbitraryFileIsRefused) {
  auto file = Arrive(4);
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_TRUE(file->Write("evil", kNow).ok());
  EXPECT_TRUE(absl::IsDataLoss(file->Verify(sha256_)));
}

TEST_F(ArrivingTest, HalfAFileIsRefused) {
  auto file = Arrive(bytes_.size());
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_TRUE(file->Write(bytes_.substr(1), kNow).ok());
  EXPECT_TRUE(absl::IsDataLoss(file->Verify(sha256_)));
}

TEST_F(ArrivingTest, EndlessDataEndsAtTheSignedLength) {
  auto file = Arrive(10);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE(absl::IsResourceExhausted(file->Write(bytes_, kNow)));
}

TEST_F(ArrivingTest, DiskWithoutRoomIsSeenBeforeTheFirstByte) {
  const auto file = Arrive(1ull << 60);
  EXPECT_FALSE(file.ok());
}

}  // namespace
}  // namespace tentacle::agent
