#include "libs/identity/identity.h"

#include <sys/stat.h>

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace tentacle::identity {
namespace {

using ::testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

std::string WhyNot(const absl::Status& status) {
  return std::string(status.message());
}

TEST(Identity, SavedKeyIsPrivateAndTheSame) {
  const TempDir dir;
  const auto key = IdentityKey::Generate();
  ASSERT_TRUE(key.ok());
  ASSERT_TRUE(key->Save(dir / "k").ok());

  struct stat info {};

  ::stat((dir / "k").c_str(), &info);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  const auto loaded = IdentityKey::Load(dir / "k");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->PublicKeyBase64(), key->PublicKeyBase64());
}

TEST(Identity, AnExistingKeyIsNeverReplaced) {
  const TempDir dir;
  ASSERT_TRUE(IdentityKey::Generate()->Save(dir / "k").ok());
  EXPECT_TRUE(absl::IsAlreadyExists(IdentityKey::Generate()->Save(dir / "k")));
}

TEST(Identity, AKeyThatOthersMayReadIsRefused) {
  const TempDir dir;
  ASSERT_TRUE(IdentityKey::Generate()->Save(dir / "k").ok());
  ::chmod((dir / "k").c_str(), 0644);
  EXPECT_TRUE(absl::IsPermissionDenied(IdentityKey::Load(dir / "k").status()));
}

TEST(Identity, RubbishIsNoKey) {
  const TempDir dir;
  std::ofstream(dir / "k") << "not a key";
  ::chmod((dir / "k").c_str(), 0600);
  EXPECT_TRUE(absl::IsDataLoss(IdentityKey::Load(dir / "k").status()));
  EXPECT_TRUE(absl::IsNotFound(IdentityKey::Load(dir / "none").status()));
}

TEST(Identity, SignatureHoldsForItsMessageAlone) {
  const auto key = IdentityKey::Generate();
  const std::string signature = key->Sign("hello");
  EXPECT_TRUE(VerifySignature(key->PublicKeyBase64(), "hello", signature));
  EXPECT_FALSE(VerifySignature(key->PublicKeyBase64(), "hellp", signature));
  EXPECT_FALSE(VerifySignature(IdentityKey::Generate()->PublicKeyBase64(), "hello", signature));
  EXPECT_FALSE(VerifySignature("rubbish", "hello", signature));
}

TEST(Token, FreshOneIsAccepted) {
  const auto key = IdentityKey::Generate();
  const std::string token = MakeToken(*key, "17", kNow);
  EXPECT_EQ(*TokenIssuer(token), "17");
  EXPECT_TRUE(VerifyToken(token, key->PublicKeyBase64(), kNow).ok());
  EXPECT_TRUE(
      VerifyToken(token, key->PublicKeyBase64(), kNow + kTokenLifetime + absl::Seconds(59)).ok());
}

TEST(Token, EachFaultIsNamed) {
  const auto key = IdentityKey::Generate();
  const std::string token = MakeToken(*key, "17", kNow);
  const std::string public_key = key->PublicKeyBase64();
  EXPECT_THAT(WhyNot(VerifyToken(token, public_key, kNow + absl::Minutes(10))),
              HasSubstr("expired"));
  EXPECT_THAT(WhyNot(VerifyToken(token, public_key, kNow - absl::Hours(24))),
              HasSubstr("ahead of the backend's"));
  EXPECT_THAT(WhyNot(VerifyToken(token, IdentityKey::Generate()->PublicKeyBase64(), kNow)),
              HasSubstr("signature"));
  EXPECT_THAT(WhyNot(VerifyToken("a.b", public_key, kNow)), HasSubstr("three parts"));
  EXPECT_THAT(WhyNot(VerifyToken("!.!.!", public_key, kNow)), HasSubstr("base64url"));
  EXPECT_THAT(WhyNot(VerifyToken(std::string(5000, 'a'), public_key, kNow)), HasSubstr("too long"));
}

// {"alg":"none"} must not be believed, whatever its claims.
TEST(Token, AlgorithmNoneIsRefused) {
  const std::string token = "eyJhbGciOiJub25lIn0.eyJpc3MiOiIxIn0.";
  EXPECT_THAT(WhyNot(VerifyToken(token, IdentityKey::Generate()->PublicKeyBase64(), kNow)),
              HasSubstr("alg"));
}

TEST(Digest, KnownAnswers) {
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  // RFC 4231, test case 2.
  EXPECT_EQ(HmacSha256Hex("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_NE(RandomHex(16), RandomHex(16));
  EXPECT_EQ(RandomHex(16).size(), 32u);
}

TEST(Token, IsWorthNothingElsewhere) {
  const auto key = IdentityKey::Generate();
  ASSERT_TRUE(key.ok());
  const absl::Time now = absl::FromUnixSeconds(1'700'000'000);
  const std::string token = MakeToken(*key, "7", now, "octofleet-peer:8");
  EXPECT_TRUE(VerifyToken(token, key->PublicKeyBase64(), now, "octofleet-peer:8").ok());
  EXPECT_FALSE(VerifyToken(token, key->PublicKeyBase64(), now, "octofleet-peer:9").ok());
  EXPECT_FALSE(VerifyToken(token, key->PublicKeyBase64(), now).ok());
}

}  // namespace
}  // namespace tentacle::identity
