// SIGKILL at every step of an update, before and after it is written down: the old or the new
// release can always be started, never neither, and what is left comes to an end.
#include <csignal>
#include <string>
#include <tuple>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/child.h"
#include "tests/unit/agent/update_world.h"

namespace tentacle::agent {
namespace {

using ::testing::AnyOf;
using testing::NewBytes;
using testing::OldBytes;
using testing::ReadBytes;

class UpdateKillTest : public ::testing::TestWithParam<std::tuple<const char*, const char*>> {
 protected:
  UpdateKillTest() {
    testing::WriteExecutable(folder_.Executable("a"), OldBytes());
    EXPECT_TRUE(folder_.Change("a", [](UpdateRecord&) { return true; }).ok());
  }

  // Minus the signal, or the exit code.
  int Live(const std::string& kill_at) {
    ::tentacle::testing::Child child({"/usr/bin/env", "TENTACLE_KILL_AT=" + kill_at, UPDATE_VICTIM,
                                      temp_ / "", std::get<1>(GetParam())});
    child.ReadAll();
    return child.Wait();
  }

  bool good() const { return std::get<1>(GetParam()) == std::string("good"); }

  // systemd could start something at this moment.
  void ExpectOneToStart() {
    for (const char* link : {"/current/", "/committed/"}) {
      EXPECT_THAT(ReadBytes(folder_.path() + link + "octofleet-tentacle"),
                  AnyOf(OldBytes(), NewBytes()))
          << link;
    }
  }

  TempDir temp_;
  ReleaseFolder folder_{temp_ / "releases"};
};

TEST_P(UpdateKillTest, AlwaysOneOfTheTwoAndAnEnd) {
  const std::string place = std::get<0>(GetParam());
  int kills = 0;
  // Once, and again in what goes on from there.
  for (int round = 1; round <= 2; ++round) {
    const int ended = Live(place + ":1");
    ASSERT_TRUE(ended == -SIGKILL || ended == 0) << ended;
    kills += ended == 0 ? 0 : 1;
    ExpectOneToStart();
  }
  EXPECT_GT(kills, 0);
  ASSERT_EQ(Live(""), 0);
  ExpectOneToStart();
  const auto record = folder_.Read();
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_TRUE(IsSettled(record->step)) << Name(record->step);
  EXPECT_EQ(folder_.Link("current"), folder_.Link("committed"));
  EXPECT_EQ(folder_.Link("current"), record->installed.slot);
  if (!good()) {
    EXPECT_NE(record->step, UpdateStep::kCommitted);
  }
}

std::string NameOf(const ::testing::TestParamInfo<std::tuple<const char*, const char*>>& test) {
  return std::string(std::get<1>(test.param)) + "_" + std::get<0>(test.param);
}

INSTANTIATE_TEST_SUITE_P(Places,
                         UpdateKillTest,
                         ::testing::Combine(::testing::Values("before_record_downloading",
                                                              "after_record_downloading",
                                                              "while_downloading",
                                                              "before_record_verified",
                                                              "after_record_verified",
                                                              "before_link_executable",
                                                              "before_rename_executable",
                                                              "after_rename_executable",
                                                              "before_record_staged",
                                                              "after_record_staged",
                                                              "before_record_switched",
                                                              "after_record_switched",
                                                              "before_link_current",
                                                              "after_link_current",
                                                              "before_record_probation",
                                                              "after_record_probation"),
                                            ::testing::Values("good", "bad")),
                         &NameOf);

INSTANTIATE_TEST_SUITE_P(Ends,
                         UpdateKillTest,
                         ::testing::Values(std::tuple{"before_record_committed", "good"},
                                           std::tuple{"after_record_committed", "good"},
                                           std::tuple{"before_link_committed", "good"},
                                           std::tuple{"after_link_committed", "good"},
                                           std::tuple{"before_record_rolled_back", "bad"},
                                           std::tuple{"after_record_rolled_back", "bad"}),
                         &NameOf);

}  // namespace
}  // namespace tentacle::agent
