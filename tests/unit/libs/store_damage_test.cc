// One byte of the store has changed on the disk: the store is moved aside, or nothing is missing.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "libs/store/log_check.h"
#include "libs/store/store.h"
#include "tests/support/env_number.h"
#include "tests/support/fault_files.h"
#include "tests/support/temp_dir.h"

namespace tentacle::store {
namespace {

namespace fs = std::filesystem;

constexpr int kKeys = 60;
constexpr std::size_t kValueBytes = 2000;
constexpr long kShortFlips = 12;  // Of each kind of file.

std::string Key(int number) {
  return fmt::format("key/{:04}", number);
}

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void WriteFile(const fs::path& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

class StoreDamage : public ::testing::TestWithParam<const char*> {
 protected:
  // A store with a table, a manifest that was written to, and a log that holds the last keys. What
  // the store does after a failure makes the table at a known moment: half of the keys are in it.
  void Fill() const {
    auto files = std::make_shared<testing::FaultFiles>();
    StoreOptions options;
    options.files = files;
    options.reopen_delay = std::chrono::milliseconds(0);
    auto store = *Store::Open(dir_ / "whole", options);
    for (int number = 0; number < kKeys; ++number) {
      if (number == kKeys / 2) {
        files->FailFrom(testing::FaultFiles::Call::kSync, testing::FaultFiles::Fault::kBroken, 1,
                        1);
        ASSERT_FALSE(store->Apply({{"failing", "1"}}).ok());
      }
      ASSERT_TRUE(store->Apply({{Key(number), std::string(kValueBytes, 'v')}}).ok());
    }
    ASSERT_EQ(store->counts().reopened, 1u);
  }

  fs::path FileOf(const std::string& kind) const {
    for (const auto& entry : fs::directory_iterator(dir_ / "whole")) {
      const std::string name = entry.path().filename().string();
      if (name == kind || name.starts_with(kind + "-")) return entry.path();
      if (entry.path().extension() == "." + kind && fs::file_size(entry.path()) > 0)
        return entry.path();
    }
    return "";
  }

  // Where the records of a log begin, found as log_check.cc finds them.
  static std::vector<std::size_t> Records(const std::string& log) {
    constexpr std::size_t kBlock = 32768;
    std::vector<std::size_t> records;
    for (std::size_t at = 0; at + 7 < log.size();) {
      if (at % kBlock + 7 > kBlock) {
        at = (at / kBlock + 1) * kBlock;
        continue;
      }
      records.push_back(at);
      at += 7u + static_cast<unsigned char>(log[at + 4]) +
            256u * static_cast<unsigned char>(log[at + 5]);
    }
    return records;
  }

  // Empty when it was seen, or did no harm.
  std::string OpenDamaged(const fs::path& victim, std::size_t at, unsigned char flip) const {
    fs::remove_all(dir_ / "try");
    fs::create_directories(dir_ / "try");
    fs::copy(dir_ / "whole", dir_ / "try/db");
    const fs::path copy = fs::path(dir_ / "try/db") / victim.filename();
    std::string content = ReadFile(copy);
    content[at] = static_cast<char>(content[at] ^ flip);
    WriteFile(copy, content);
    auto store = Store::Open(dir_ / "try/db");
    if (!store.ok()) return store.status().ToString();
    if ((*store)->recovered()) {
      if (!fs::is_directory((*store)->recovered_from())) return "the damaged one was not kept";
      return (*store)->Apply({{"a", "1"}}).ok() ? "" : "the new one takes no writes";
    }
    for (int number = 0; number < kKeys; ++number) {
      const auto value = (*store)->Get(Key(number));
      if (!value.ok() || !value->has_value()) return Key(number) + " is missing and nobody knows";
    }
    return "";
  }

  TempDir dir_;
};

TEST_P(StoreDamage, IsSeenAtOpeningOrDidNoHarm) {
  Fill();
  const fs::path victim = FileOf(GetParam());
  ASSERT_FALSE(victim.empty()) << "no file of kind " << GetParam();
  const std::size_t size = fs::file_size(victim);
  const long seed = testing::EnvNumber("TENTACLE_TEST_SEED", 1);
  std::mt19937 random(static_cast<std::uint32_t>(seed));
  const long flips = testing::EnvNumber("TENTACLE_TEST_FLIPS", kShortFlips);
  for (long i = 0; i < flips && !HasFailure(); ++i) {
    // The ends and every structure in between; more of them in the long form.
    std::size_t at = i == 0 ? 0 : random() % size;
    if (i == 1) at = size - 1;
    if (i % 3 == 2) at = size - 1 - random() % std::min<std::size_t>(size, 4200);
    const auto flip = static_cast<unsigned char>(1u << (random() % 8));
    EXPECT_EQ(OpenDamaged(victim, at, flip), "")
        << victim.filename() << " byte " << at << " of " << size << " xor " << int{flip}
        << ", TENTACLE_TEST_SEED=" << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Of,
                         StoreDamage,
                         ::testing::Values("sst", "log", "MANIFEST", "CURRENT"),
                         [](const auto& one) { return std::string(one.param); });

// RocksDB's sums do not cover it: with it damaged, the last records look torn.
TEST_F(StoreDamage, OfTheLengthOfTheLastRecordOfALogIsSeen) {
  Fill();
  const fs::path victim = FileOf("log");
  const std::size_t last = Records(ReadFile(victim)).back();
  for (const int bit : {0, 1, 4, 7}) {
    const auto flip = static_cast<unsigned char>(1 << bit);
    EXPECT_EQ(OpenDamaged(victim, last + 4, flip), "") << "low byte, bit " << bit;
    EXPECT_EQ(OpenDamaged(victim, last + 5, flip), "") << "high byte, bit " << bit;
  }
}

// One bit makes it a record of a log that was used before, where RocksDB stops to read.
TEST_F(StoreDamage, OfTheTypeOfARecordIsSeen) {
  Fill();
  for (const char* kind : {"log", "MANIFEST"}) {
    const fs::path victim = FileOf(kind);
    for (const std::size_t record : Records(ReadFile(victim)))
      EXPECT_EQ(OpenDamaged(victim, record + 6, 4), "") << victim.filename() << " at " << record;
  }
}

TEST_F(StoreDamage, ALogThatACrashHasTornIsNone) {
  Fill();
  const fs::path log = FileOf("log");
  const std::string content = ReadFile(log);
  for (const std::size_t cut : {1u, 3u, 500u, 2020u}) {
    WriteFile(log, content.substr(0, content.size() - cut));
    EXPECT_TRUE(CheckLogFiles(dir_ / "whole").ok());
    fs::remove_all(dir_ / "torn");
    fs::copy(dir_ / "whole", dir_ / "torn");
    auto store = Store::Open(dir_ / "torn");
    ASSERT_TRUE(store.ok()) << store.status();
    EXPECT_FALSE((*store)->recovered()) << (*store)->recovery_reason();
    EXPECT_TRUE((*store)->Get(Key(kKeys - 3))->has_value());
  }
}

TEST_F(StoreDamage, AFileThatIsGoneIsSeen) {
  Fill();
  fs::remove(FileOf("sst"));
  auto store = Store::Open(dir_ / "whole");
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_TRUE((*store)->recovered());
}

TEST_F(StoreDamage, MetWhileRunningIsToldAndAsksForANewStart) {
  Fill();
  const fs::path table = FileOf("sst");
  {
    auto store = *Store::Open(dir_ / "whole");
    {
      std::fstream file(table, std::ios::binary | std::ios::in | std::ios::out);
      file.seekp(10);  // In the first block of keys.
      file.write("damage", 6);
    }
    absl::Status status;
    auto visit = [](std::string_view, std::string_view) { return true; };
    status.Update(store->Scan("key/", "key0", visit));
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_FALSE(store->Check().ok);
    EXPECT_TRUE(store->Check().needs_restart);
    // Writing on would mix what is whole with what is not.
    EXPECT_FALSE(store->Apply({{"a", "1"}}).ok());
  }
  EXPECT_TRUE((*Store::Open(dir_ / "whole"))->recovered());
}

TEST_F(StoreDamage, OnlyTheNewestDamagedStoresAreKept) {
  for (int i = 0; i < 5; ++i) {
    { auto store = *Store::Open(dir_ / "db"); }
    WriteFile(dir_ / "db/CURRENT", "nonsense\n");
    auto store = *Store::Open(dir_ / "db");
    EXPECT_TRUE(store->recovered());
  }
  const auto kept = std::count_if(
      fs::directory_iterator(dir_.path()), fs::directory_iterator(),
      [](const auto& entry) { return entry.path().filename().string().starts_with("corrupt-"); });
  EXPECT_EQ(kept, 3);
}

// Formats.

TEST(StoreFormats, AnOlderStoreIsBroughtUpStepByStep) {
  const TempDir dir;
  { ASSERT_TRUE((*Store::Open(dir / "db"))->Apply({{"name", "v"}}).ok()); }
  StoreOptions options;
  options.format.version = 3;
  options.format.migrate = [](Store& store,
                              std::uint32_t from) -> absl::StatusOr<std::vector<Write>> {
    const std::string value = **store.Get("name");
    return std::vector<Write>{{"name", fmt::format("{}{}", value, from)}};
  };
  { EXPECT_EQ(**(*Store::Open(dir / "db", options))->Get("name"), "v12"); }
  // Once is enough.
  EXPECT_EQ(**(*Store::Open(dir / "db", options))->Get("name"), "v12");
}

TEST(StoreFormats, AMigrationThatFailsLeavesTheStoreAsItWas) {
  const TempDir dir;
  { ASSERT_TRUE((*Store::Open(dir / "db"))->Apply({{"name", "v"}}).ok()); }
  StoreOptions options;
  options.format.version = 2;
  options.format.migrate = [](Store&, std::uint32_t) -> absl::StatusOr<std::vector<Write>> {
    return absl::InternalError("cannot");
  };
  EXPECT_FALSE(Store::Open(dir / "db", options).ok());
  auto store = Store::Open(dir / "db");
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ(**(*store)->Get("name"), "v");
}

TEST(StoreFormats, AStoreOfANewerProgramIsRefusedAndLeftAlone) {
  const TempDir dir;
  StoreOptions newer;
  newer.format.version = 7;
  newer.format.migrate = [](Store&, std::uint32_t) { return std::vector<Write>(); };
  { ASSERT_TRUE((*Store::Open(dir / "db", newer))->Apply({{"name", "v"}}).ok()); }
  const absl::Status status = Store::Open(dir / "db").status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_NE(status.message().find("format 7, this one knows 1"), std::string_view::npos) << status;
  EXPECT_EQ(**(*Store::Open(dir / "db", newer))->Get("name"), "v");
}

}  // namespace
}  // namespace tentacle::store
