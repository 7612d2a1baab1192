// The transition table, whole: every status with every step, in tests/data/pxe/progress_matrix.txt.
#include "services/pxe/core/boot_progress.h"

#include <fmt/format.h>

#include <gtest/gtest.h>

#include "tests/support/golden.h"

namespace tentacle::pxe {
namespace {

using task::v1::TASK_STATUS_BOOTING;
using task::v1::TASK_STATUS_CANCELLED;
using task::v1::TASK_STATUS_COMPLETE;
using task::v1::TASK_STATUS_FAILED;
using task::v1::TASK_STATUS_INSTALLING;
using task::v1::TASK_STATUS_WAITING;

constexpr TaskStatus kStatuses[] = {TASK_STATUS_WAITING,    TASK_STATUS_BOOTING,
                                    TASK_STATUS_INSTALLING, TASK_STATUS_COMPLETE,
                                    TASK_STATUS_FAILED,     TASK_STATUS_CANCELLED};

TEST(BootProgress, WholeMatrix) {
  std::string matrix;
  for (const TaskStatus from : kStatuses) {
    for (int step = 0; step < kBootSteps; ++step) {
      const auto on = static_cast<BootStep>(step);
      const auto to = After(from, on);
      matrix += fmt::format("{:<24} {:<16} {}\n", task::v1::TaskStatus_Name(from), BootStepName(on),
                            to ? task::v1::TaskStatus_Name(*to) : "-");
    }
  }
  testing::ExpectGolden("pxe/progress_matrix.txt", matrix);
}

TEST(BootProgress, FinishedTasksAreNotOpen) {
  for (const TaskStatus status : kStatuses) {
    const bool open = status == TASK_STATUS_WAITING || status == TASK_STATUS_BOOTING ||
                      status == TASK_STATUS_INSTALLING;
    EXPECT_EQ(IsOpen(status), open) << status;
  }
}

TEST(BootProgress, NetworkBootIsNeededUntilTheImageIsOnTheDisk) {
  task::v1::BootProgress progress;
  progress.set_status(TASK_STATUS_INSTALLING);
  for (const char* stage : {"", "booted", "downloading", "partitioning", "applying"}) {
    progress.set_stage(stage);
    EXPECT_TRUE(NeedsNetworkBoot(progress)) << stage;
  }
  for (const char* stage : {"configuring", "firstboot", "done"}) {
    progress.set_stage(stage);
    EXPECT_FALSE(NeedsNetworkBoot(progress)) << stage;
  }
}

TEST(BootProgress, FinishedTasksNeedNoNetworkBootAtAnyStage) {
  task::v1::BootProgress progress;
  for (const TaskStatus status :
       {TASK_STATUS_COMPLETE, TASK_STATUS_FAILED, TASK_STATUS_CANCELLED}) {
    progress.set_status(status);
    EXPECT_FALSE(NeedsNetworkBoot(progress)) << status;
  }
}

TEST(BootProgress, StagesAreThoseOfTheProtocolInTheirOrder) {
  int rank = -1;
  for (const char* event : {"booted", "downloading", "partitioning", "applying", "configuring",
                            "firstboot", "done", "failed"}) {
    const auto stage = FindStage(event);
    ASSERT_TRUE(stage.has_value()) << event;
    EXPECT_GT(stage->rank, rank) << event;
    rank = stage->rank;
  }
  EXPECT_FALSE(FindStage("exploded").has_value());
  EXPECT_FALSE(FindStage("").has_value());
}

}  // namespace
}  // namespace tentacle::pxe
