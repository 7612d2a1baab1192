#include "libs/identity/sealer.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace tentacle::identity {
namespace {

constexpr char kSecret[] = R"({"adminPassword":"m4rker"})";
constexpr char kPlace[] = "task/1";

class SealerTest : public ::testing::Test {
 protected:
  IdentityKey key_ = *IdentityKey::Generate();
  Sealer sealer_{key_, "a test"};
};

TEST_F(SealerTest, OpensWhatItSealed) {
  for (const std::string& text :
       {std::string(kSecret), std::string(), std::string(100'000, '\0')}) {
    const std::string sealed = sealer_.Seal(text, kPlace);
    EXPECT_TRUE(Sealer::IsSealed(sealed));
    const auto opened = sealer_.Open(sealed, kPlace);
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(*opened, text);
  }
}

TEST_F(SealerTest, NothingOfTheTextIsToBeSeen) {
  const std::string sealed = sealer_.Seal(kSecret, kPlace);
  EXPECT_EQ(sealed.find("m4rker"), std::string::npos);
  EXPECT_NE(sealed, sealer_.Seal(kSecret, kPlace));  // Nor that two are the same.
}

TEST_F(SealerTest, AnotherPlaceKeyOrPurposeOpensNothing) {
  const std::string sealed = sealer_.Seal(kSecret, kPlace);
  EXPECT_TRUE(absl::IsDataLoss(sealer_.Open(sealed, "task/2").status()));
  EXPECT_TRUE(absl::IsDataLoss(Sealer(key_, "another").Open(sealed, kPlace).status()));
  const Sealer foreign(*IdentityKey::Generate(), "a test");
  EXPECT_TRUE(absl::IsDataLoss(foreign.Open(sealed, kPlace).status()));
}

TEST_F(SealerTest, EveryChangedBitAndEveryTruncationIsNoticed) {
  const std::string sealed = sealer_.Seal("abc", kPlace);
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    std::string changed = sealed;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(sealer_.Open(changed, kPlace).ok()) << bit;
  }
  for (std::size_t size = 0; size < sealed.size(); ++size)
    EXPECT_FALSE(sealer_.Open(std::string_view(sealed).substr(0, size), kPlace).ok()) << size;
}

TEST_F(SealerTest, PlainTextIsNotSealed) {
  EXPECT_FALSE(Sealer::IsSealed(""));
  EXPECT_FALSE(Sealer::IsSealed(kSecret));
  EXPECT_TRUE(absl::IsDataLoss(sealer_.Open(kSecret, kPlace).status()));
}

TEST_F(SealerTest, TheSavedKeyOpensIt) {
  const TempDir dir;
  ASSERT_TRUE(key_.Save(dir / "k").ok());
  const Sealer later(*IdentityKey::Load(dir / "k"), "a test");
  EXPECT_EQ(*later.Open(sealer_.Seal(kSecret, kPlace), kPlace), kSecret);
}

}  // namespace
}  // namespace tentacle::identity
