#include "backend/core/admission.h"

#include <gtest/gtest.h>

namespace tentacle::backend {
namespace {

TEST(Admission, NobodyThereMeansWelcome) {
  EXPECT_EQ(Admit("b1.p1", {}), Admission::kTake);
  EXPECT_EQ(Admit("", {}), Admission::kTake);
  EXPECT_EQ(Admit("b2.p1", {false, "b1.p1", false}), Admission::kTake);
}

TEST(Admission, TheSameProcessReplacesItself) {
  EXPECT_EQ(Admit("b1.p1", {true, "b1.p1", false}), Admission::kReplace);
  EXPECT_EQ(Admit("b1.p1", {true, "b1.p1", true}), Admission::kReplace);
}

TEST(Admission, AnyOtherHasToWaitForAnAnswerOfTheFirst) {
  EXPECT_EQ(Admit("b1.p2", {true, "b1.p1", false}), Admission::kProbe);
  EXPECT_EQ(Admit("b2.p1", {true, "b1.p1", false}), Admission::kProbe);
  EXPECT_EQ(Admit("", {true, "", false}), Admission::kProbe) << "without a name nobody is the same";
}

TEST(Admission, WithACloneOnRecordOnlyTheHoldersOwnBootComesBackAtOnce) {
  EXPECT_EQ(Admit("b1.p2", {false, "b1.p1", true}), Admission::kTake);
  EXPECT_EQ(Admit("b2.p1", {false, "b1.p1", true}), Admission::kQuarantine);
  EXPECT_EQ(Admit("", {false, "", true}), Admission::kQuarantine);
}

}  // namespace
}  // namespace tentacle::backend
