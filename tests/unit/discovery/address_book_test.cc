#include "services/discovery/core/address_book.h"

#include <gtest/gtest.h>

#include "services/discovery/limits.h"

namespace tentacle::discovery {
namespace {

const absl::Time kNoon = absl::FromUnixSeconds(1'700'000'000);
constexpr std::uint32_t kAddress = 0x0a000009;

wire::MacAddress Mac(std::uint32_t n) {
  wire::MacAddress mac;
  mac.octets = {
      0x00, 0x0c, 0x29, 0, static_cast<std::uint8_t>(n >> 8), static_cast<std::uint8_t>(n)};
  return mac;
}

TEST(AddressBook, TwoThatAnswerOneQuestionHaveTheSameAddress) {
  AddressBook book;
  EXPECT_EQ(book.Claim(kAddress, Mac(1), kNoon), std::nullopt);
  const auto conflict = book.Claim(kAddress, Mac(2), kNoon + absl::Milliseconds(20));
  ASSERT_TRUE(conflict.has_value());
  EXPECT_EQ(conflict->kind, ConflictKind::kDuplicateAddress);
  EXPECT_EQ(conflict->before, Mac(1));
  EXPECT_EQ(conflict->after, Mac(2));
  EXPECT_TRUE(book.IsDisputed(kAddress, kNoon + absl::Minutes(1)));
}

TEST(AddressBook, AnAddressThatIsHandedOnIsNoConflict) {
  AddressBook book;
  book.Claim(kAddress, Mac(1), kNoon);
  EXPECT_EQ(book.Claim(kAddress, Mac(2), kNoon + absl::Hours(3)), std::nullopt);
  EXPECT_EQ(book.Claim(kAddress, Mac(2), kNoon + absl::Hours(4)), std::nullopt);
  EXPECT_FALSE(book.IsDisputed(kAddress, kNoon + absl::Hours(4)));
}

TEST(AddressBook, TakingTurnsIsAConflict) {
  AddressBook book;
  book.Claim(kAddress, Mac(1), kNoon);
  EXPECT_EQ(book.Claim(kAddress, Mac(2), kNoon + absl::Minutes(1)), std::nullopt);
  EXPECT_TRUE(book.Claim(kAddress, Mac(1), kNoon + absl::Minutes(2)).has_value());
}

TEST(AddressBook, AConflictIsToldOnceAnHour) {
  AddressBook book;
  int told = 0;
  for (int second = 0; second < 2 * 3600; ++second) {
    if (book.Claim(kAddress, Mac(1u + static_cast<unsigned>(second) % 2u),
                   kNoon + absl::Seconds(second)))
      ++told;
  }
  EXPECT_EQ(told, 2);
}

TEST(AddressBook, AGatewayThatIsAnotherCardIsToldAtOnce) {
  AddressBook book;
  book.SetGateways({kAddress});
  book.Claim(kAddress, Mac(1), kNoon);
  const auto conflict = book.Claim(kAddress, Mac(2), kNoon + absl::Hours(30));
  ASSERT_TRUE(conflict.has_value());
  EXPECT_EQ(conflict->kind, ConflictKind::kGatewayChanged);
}

TEST(AddressBook, IsBounded) {
  AddressBook book;
  for (std::uint32_t n = 0; n < limits::kMaxClaims + 1000; ++n)
    book.Claim(n + 1, Mac(1), kNoon);
  EXPECT_EQ(book.size(), limits::kMaxClaims);
  // Who was not heard for longer than an alert is repeated makes room.
  const absl::Time later = kNoon + limits::kConflictAlertEvery + limits::kClaimsSweptEvery;
  book.Claim(limits::kMaxClaims + 2000, Mac(1), later);
  EXPECT_EQ(book.size(), 1u);
}

}  // namespace
}  // namespace tentacle::discovery
