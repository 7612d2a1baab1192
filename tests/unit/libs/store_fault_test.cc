// The disk fails: the caller hears of it, and nothing that was acknowledged is lost.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "libs/store/store.h"
#include "tests/support/env_number.h"
#include "tests/support/fault_files.h"
#include "tests/support/temp_dir.h"

namespace tentacle::store {
namespace {

using testing::FaultFiles;

constexpr std::size_t kValueBytes = 40'000;  // Enough for flushes and new logs among the writes.
constexpr long kShortWrites = 60;

struct Case {
  const char* name;
  FaultFiles::Call call;
  FaultFiles::Fault fault;
  long times;
};

void PrintTo(const Case& one, std::ostream* out) {
  *out << one.name;
}

class StoreFaults : public ::testing::TestWithParam<Case> {
 protected:
  static StoreOptions Options(const std::shared_ptr<FaultFiles>& files) {
    StoreOptions options;
    options.files = files;
    options.reopen_delay = std::chrono::milliseconds(0);
    return options;
  }

  static std::string Key(long number) { return fmt::format("key/{:04}", number); }

  // Writes, hears of failures, goes on; then a power cut. How many were refused.
  static int RunOne(const Case& one, long nth, long writes) {
    const TempDir dir;
    auto files = std::make_shared<FaultFiles>();
    files->FailFrom(one.call, one.fault, nth, one.times);
    std::set<long> acknowledged;
    int refused = 0;
    {
      auto store = Store::Open(dir / "db", Options(files));
      if (!store.ok()) {
        EXPECT_FALSE(absl::IsInternal(store.status())) << store.status();
        files->Heal();
        store = Store::Open(dir / "db", Options(files));
        ++refused;
      }
      EXPECT_TRUE(store.ok()) << store.status();
      if (!store.ok()) return refused;
      for (long number = 0; number < writes; ++number) {
        const std::string value(kValueBytes, static_cast<char>('a' + number % 26));
        const absl::Status status = (*store)->Apply({{Key(number), value}});
        if (status.ok()) {
          acknowledged.insert(number);
          continue;
        }
        ++refused;
        EXPECT_TRUE(absl::IsUnavailable(status) || absl::IsResourceExhausted(status)) << status;
      }
      files->Heal();
      EXPECT_TRUE((*store)->Apply({{"after", "healed"}}).ok());
      EXPECT_TRUE((*store)->Check().ok) << (*store)->Check().detail;
      EXPECT_TRUE(refused == 0 || files->failed()) << "refused without a fault";
    }
    files->LosePower();
    auto store = Store::Open(dir / "db");
    EXPECT_TRUE(store.ok()) << store.status();
    if (!store.ok()) return refused;
    EXPECT_FALSE((*store)->recovered()) << (*store)->recovery_reason();
    for (const long number : acknowledged)
      EXPECT_TRUE((*store)->Get(Key(number))->has_value()) << Key(number) << " was acknowledged";
    EXPECT_EQ((*store)->Get("after")->value_or(""), "healed");
    return refused;
  }
};

// In every run those calls of which the first are the densest; with TENTACLE_TEST_FAULTS=500 all of
// the first 500.
TEST_P(StoreFaults, AreToldToTheCallerAndNothingAcknowledgedIsLost) {
  const long all = testing::EnvNumber("TENTACLE_TEST_FAULTS", 0);
  const long last = all > 0 ? all : kShortWrites;
  int refused = 0;
  for (long nth = 1, before = 0; nth <= last && !HasFailure();) {
    SCOPED_TRACE(fmt::format("{}, call {}", GetParam().name, nth));
    refused += RunOne(GetParam(), nth, std::max(all, kShortWrites));
    const long step = all > 0 ? 1 : std::max(1L, before);
    before = nth;
    nth += step;
  }
  EXPECT_GT(refused, 0) << "no fault was met";
}

INSTANTIATE_TEST_SUITE_P(
    Disk,
    StoreFaults,
    ::testing::Values(
        Case{"append", FaultFiles::Call::kAppend, FaultFiles::Fault::kBroken, 1},
        Case{"append_half", FaultFiles::Call::kAppend, FaultFiles::Fault::kHalfWritten, 1},
        Case{"append_no_space", FaultFiles::Call::kAppend, FaultFiles::Fault::kNoSpace, 5},
        Case{"sync", FaultFiles::Call::kSync, FaultFiles::Fault::kBroken, 1},
        Case{"sync_no_space", FaultFiles::Call::kSync, FaultFiles::Fault::kNoSpace, 5}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(StoreFault, WritesAreRefusedUntilTheNextAttemptAndTheConditionSaysWhy) {
  const TempDir dir;
  auto files = std::make_shared<FaultFiles>();
  StoreOptions options;
  options.files = files;
  options.reopen_delay = std::chrono::hours(1);
  auto store = *Store::Open(dir / "db", options);
  ASSERT_TRUE(store->Check().ok);
  files->FailFrom(FaultFiles::Call::kSync, FaultFiles::Fault::kBroken, 1, 1);
  EXPECT_TRUE(absl::IsUnavailable(store->Apply({{"a", "1"}})));
  EXPECT_TRUE(absl::IsUnavailable(store->Apply({{"a", "2"}})));
  EXPECT_FALSE(store->Check().ok);
  EXPECT_NE(store->Check().detail.find("injected"), std::string::npos) << store->Check().detail;
  EXPECT_FALSE(store->Check().needs_restart);
  EXPECT_EQ(store->counts().failed, 1u);
  EXPECT_EQ(store->counts().refused_broken, 1u);
}

}  // namespace
}  // namespace tentacle::store
