#include "libs/store/store.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace tentacle::store {
namespace {

TEST(Store, KeepsWhatWasApplied) {
  const TempDir dir;
  {
    auto store = Store::Open(dir / "db");
    ASSERT_TRUE(store.ok()) << store.status();
    ASSERT_TRUE((*store)->Apply({{"a/1", "x"}, {"a/2", "y"}, {"b/1", "z"}}).ok());
    ASSERT_TRUE((*store)->Apply({{"a/2", std::nullopt}}).ok());
  }
  auto store = Store::Open(dir / "db");
  ASSERT_TRUE(store.ok());
  EXPECT_EQ(**(*store)->Get("a/1"), "x");
  EXPECT_FALSE((*store)->Get("a/2")->has_value());
  EXPECT_FALSE((*store)->recovered());
}

TEST(Store, ScansARangeInOrderUntilToldToStop) {
  const TempDir dir;
  auto store = *Store::Open(dir / "db");
  ASSERT_TRUE(store->Apply({{"k3", "3"}, {"k1", "1"}, {"k2", "2"}, {"l", "no"}}).ok());
  std::string seen;
  ASSERT_TRUE(store
                  ->Scan("k", "l",
                         [&](std::string_view, std::string_view value) {
                           seen += value;
                           return true;
                         })
                  .ok());
  EXPECT_EQ(seen, "123");
  seen.clear();
  ASSERT_TRUE(store
                  ->Scan("k", "l",
                         [&](std::string_view, std::string_view value) {
                           seen += value;
                           return seen.size() < 2;
                         })
                  .ok());
  EXPECT_EQ(seen, "12");
}

TEST(Store, RefusesBeforeTheDiskIsFullAndRecoversWhenSpaceReturns) {
  const TempDir dir;
  std::uint64_t free_bytes = 1ull << 30;
  StoreOptions options;
  options.free_bytes = [&](const std::string&) { return free_bytes; };
  auto store = *Store::Open(dir / "db", options);
  ASSERT_TRUE(store->Apply({{"a", "1"}}).ok());
  free_bytes = 1 << 20;
  EXPECT_TRUE(absl::IsResourceExhausted(store->Apply({{"a", "2"}})));
  EXPECT_EQ(**store->Get("a"), "1");
  free_bytes = 1ull << 30;
  EXPECT_TRUE(store->Apply({{"a", "3"}}).ok());
}

TEST(Store, IsHeldByOneProcessOnly) {
  const TempDir dir;
  auto store = *Store::Open(dir / "db");
  EXPECT_TRUE(absl::IsUnavailable(Store::Open(dir / "db").status()));
}

TEST(Store, ACorruptOneIsMovedAside) {
  const TempDir dir;
  {
    auto store = *Store::Open(dir / "db");
    ASSERT_TRUE(store->Apply({{"a", "1"}}).ok());
  }
  std::ofstream(dir / "db/CURRENT") << "MANIFEST-999999\n";
  auto store = Store::Open(dir / "db");
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_TRUE((*store)->recovered());
  EXPECT_FALSE((*(*store)->Get("a")).has_value());
  int kept = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir.path())) {
    if (entry.path().filename().string().starts_with("corrupt-")) ++kept;
  }
  EXPECT_EQ(kept, 1);
}

}  // namespace
}  // namespace tentacle::store
