// What the store has acknowledged is there after kill -9, wherever it strikes.
#include <fmt/format.h>

#include <cstdlib>
#include <random>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "libs/store/store.h"
#include "tests/support/child.h"
#include "tests/support/env_number.h"
#include "tests/support/temp_dir.h"

namespace tentacle::store {
namespace {

constexpr long kShortKills = 20;
constexpr std::uint32_t kSeed = 20261123;
// Some kills strike while the store is opening.
constexpr int kMaxAcksBeforeKill = 300;

TEST(StoreKilled, NothingAcknowledgedIsMissingAfterKillsAtRandomMoments) {
  const long kills = testing::EnvNumber("TENTACLE_TEST_KILLS", kShortKills);
  const long seed = testing::EnvNumber("TENTACLE_TEST_SEED", kSeed);
  SCOPED_TRACE(fmt::format("TENTACLE_TEST_SEED={}", seed));
  std::mt19937 random(static_cast<std::uint32_t>(seed));
  const TempDir dir;
  long acknowledged = -1;
  for (long kill = 0; kill < kills; ++kill) {
    testing::Child writer({STORE_WRITER, dir / "db"});
    std::string line;
    const bool opening = random() % 5 == 0;
    const auto acks = random() % kMaxAcksBeforeKill;
    if (opening) {
      const std::chrono::milliseconds wait(random() % 200);
      if (writer.ReadLine(line, wait)) acknowledged = std::atol(line.c_str());
    } else {
      for (std::uint64_t i = 0; i <= acks; ++i) {
        ASSERT_TRUE(writer.ReadLine(line)) << "the writer ended by itself: " << writer.Wait();
        acknowledged = std::atol(line.c_str());
      }
    }
    writer.Kill();
    // What it had said before it died.
    while (writer.ReadLine(line))
      acknowledged = std::atol(line.c_str());
  }

  auto store = Store::Open(dir / "db");
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_FALSE((*store)->recovered());
  long missing = 0;
  for (long number = 0; number <= acknowledged; ++number) {
    if (!(*store)->Get(fmt::format("key/{:08}", number))->has_value()) ++missing;
  }
  EXPECT_EQ(missing, 0);
  EXPECT_GT(acknowledged, kills);
  RecordProperty("kills", std::to_string(kills));
  fmt::print("{} kills, {} acknowledged, {} missing\n", kills, acknowledged + 1, missing);
}

}  // namespace
}  // namespace tentacle::store
