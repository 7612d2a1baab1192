// The attacks on updates that TUF, Tailscale and RAUC name, each as a row.
#include "services/agent/core/update_plan.h"

#include <functional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/agent/core/retrieval.h"
#include "services/agent/limits.h"
#include "tests/unit/agent/release_maker.h"

namespace tentacle::agent {
namespace {

using backend_link::ReleaseOffer;
using identity::ReleaseText;
using identity::SignRelease;
using testing::ReleaseMaker;
using ::testing::StartsWith;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
const auto kStranger = *identity::IdentityKey::Generate();

struct Bench {
  ReleaseMaker maker{kNow};
  UpdateSetting setting{maker.Roots(), "x86_64", 11};
};

struct Attack {
  const char* name;
  UpdateRefusal refusal;
  std::function<ReleaseOffer(Bench& bench)> offer;
};

void PrintTo(const Attack& attack, std::ostream* out) {
  *out << attack.name;
}

ReleaseOffer With(ReleaseOffer offer, const std::function<void(ReleaseOffer&)>& change) {
  change(offer);
  return offer;
}

class UpdateAttackTest : public ::testing::TestWithParam<Attack> {};

TEST_P(UpdateAttackTest, HasItsName) {
  Bench bench;
  const ReleaseOffer offer = GetParam().offer(bench);
  const UpdateVerdict verdict = JudgeUpdate(offer, bench.setting, kNow);
  EXPECT_EQ(Name(verdict.refusal), Name(GetParam().refusal)) << verdict.reason;
  if (verdict.accepted()) {
    EXPECT_EQ(verdict.manifest.version, bench.maker.manifest.version);
  } else {
    EXPECT_THAT(verdict.reason, StartsWith(std::string(Name(GetParam().refusal)) + ": "));
  }
}

// A manifest that differs in one thing, well signed.
std::function<ReleaseOffer(Bench&)> Manifest(
    std::function<void(backend_link::ReleaseManifest&)> change) {
  return [change](Bench& bench) {
    change(bench.maker.manifest);
    return bench.maker.Offer();
  };
}

// A text in the place of the manifest, well signed.
std::function<ReleaseOffer(Bench&)> Text(std::string text) {
  return [text](Bench& bench) {
    return With(bench.maker.Offer(), [&](ReleaseOffer& offer) {
      offer.manifest = text;
      offer.manifest_signature = SignRelease(bench.maker.signing, ReleaseText::kManifest, text);
    });
  };
}

// The settings of the host differ.
std::function<ReleaseOffer(Bench&)> Host(std::function<void(Bench&)> change) {
  return [change](Bench& bench) {
    change(bench);
    return bench.maker.Offer();
  };
}

INSTANTIATE_TEST_SUITE_P(
    Keys,
    UpdateAttackTest,
    ::testing::Values(
        Attack{"NoAttack", UpdateRefusal::kNone, [](Bench& b) { return b.maker.Offer(); }},
        Attack{"NobodyIsTrusted", UpdateRefusal::kNoRootKeys,
               Host([](Bench& b) { b.setting.root_keys.clear(); })},
        Attack{"NoSignature", UpdateRefusal::kBadSignature,
               [](Bench& b) {
                 return With(b.maker.Offer(), [](auto& o) { o.manifest_signature.clear(); });
               }},
        Attack{"BadSignature", UpdateRefusal::kBadSignature,
               [](Bench& b) {
                 return With(b.maker.Offer(), [](auto& o) {
                   o.manifest_signature[0] = o.manifest_signature[0] == 'A' ? 'B' : 'A';
                 });
               }},
        Attack{"ContentChangedAfterSigning", UpdateRefusal::kBadSignature,
               [](Bench& b) { return With(b.maker.Offer(), [](auto& o) { o.manifest += " "; }); }},
        Attack{"UntrustedKey", UpdateRefusal::kBadSignature,
               [](Bench& b) {
                 return With(b.maker.Offer(), [](auto& o) {
                   o.manifest_signature =
                       SignRelease(kStranger, ReleaseText::kManifest, o.manifest);
                 });
               }},
        Attack{"SignedByRootDirectly", UpdateRefusal::kSignedByRoot,
               [](Bench& b) {
                 return With(b.maker.Offer(), [&](auto& o) {
                   o.manifest_signature =
                       SignRelease(b.maker.root, ReleaseText::kManifest, o.manifest);
                 });
               }},
        Attack{"RootListedAsSigningKey", UpdateRefusal::kSignedByRoot,
               [](Bench& b) {
                 b.maker.keys.keys = {b.maker.other_root.PublicKeyBase64()};
                 return With(b.maker.Offer(), [&](auto& o) {
                   o.manifest_signature =
                       SignRelease(b.maker.other_root, ReleaseText::kManifest, o.manifest);
                 });
               }},
        Attack{"BadSignatureOfKeys", UpdateRefusal::kKeysBadSignature,
               [](Bench& b) {
                 return With(b.maker.Offer(), [](auto& o) {
                   o.keys_signature = SignRelease(kStranger, ReleaseText::kSigningKeys, o.keys);
                 });
               }},
        Attack{"NoSignatureOfKeys", UpdateRefusal::kKeysBadSignature,
               [](Bench& b) {
                 return With(b.maker.Offer(), [](auto& o) { o.keys_signature.clear(); });
               }},
        Attack{"SigningKeySignsMoreKeys", UpdateRefusal::kKeysBadSignature,
               [](Bench& b) {
                 return With(b.maker.Offer(), [&](auto& o) {
                   o.keys_signature =
                       SignRelease(b.maker.signing, ReleaseText::kSigningKeys, o.keys);
                 });
               }},
        Attack{"SignatureOfManifestForKeys", UpdateRefusal::kKeysBadSignature,
               [](Bench& b) {
                 return With(b.maker.Offer(), [&](auto& o) {
                   o.keys_signature = SignRelease(b.maker.root, ReleaseText::kManifest, o.keys);
                 });
               }},
        Attack{"KeysExpired", UpdateRefusal::kKeysExpired,
               Host([](Bench& b) { b.maker.keys.expires = kNow - absl::Seconds(1); })},
        Attack{"KeysOfAnotherProduct", UpdateRefusal::kWrongProduct,
               Host([](Bench& b) { b.maker.keys.product = "octofleet-other"; })},
        Attack{"NoSigningKeys", UpdateRefusal::kKeysMalformed,
               Host([](Bench& b) { b.maker.keys.keys.clear(); })},
        Attack{"OtherRootSignsAsWell", UpdateRefusal::kNone,
               [](Bench& b) {
                 std::swap(b.maker.root, b.maker.other_root);
                 return b.maker.Offer();
               }},
        Attack{"RotatedRootIsNoLongerTrusted", UpdateRefusal::kKeysBadSignature, Host([](Bench& b) {
                 b.setting.root_keys = {b.maker.other_root.PublicKeyBase64()};
               })},
        Attack{"RotatedSigningKeySigns", UpdateRefusal::kNone, Host([](Bench& b) {
                 b.maker.signing = *identity::IdentityKey::Generate();
                 b.maker.keys.keys.push_back(b.maker.signing.PublicKeyBase64());
               })},
        Attack{"SigningKeyTakenOffTheList", UpdateRefusal::kBadSignature,
               Host([](Bench& b) { b.maker.keys.keys = {kStranger.PublicKeyBase64()}; })}),
    [](const auto& test) { return std::string(test.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Manifests,
    UpdateAttackTest,
    ::testing::Values(
        Attack{"WrongProduct", UpdateRefusal::kWrongProduct,
               Manifest([](auto& m) { m.product = "octofleet-backend"; })},
        Attack{"WrongArch", UpdateRefusal::kWrongArch,
               Manifest([](auto& m) { m.arch = "aarch64"; })},
        Attack{"Rollback", UpdateRefusal::kRollback, Manifest([](auto& m) { m.version = 10; })},
        Attack{"SignedDowngrade", UpdateRefusal::kNone, Manifest([](auto& m) {
                 m.version = 10;
                 m.allow_downgrade = true;
               })},
        Attack{"TheSameAgain", UpdateRefusal::kAlreadyInstalled,
               Manifest([](auto& m) { m.version = 11; })},
        Attack{"FastForward", UpdateRefusal::kAbsurdVersion,
               Manifest([](auto& m) { m.version = 9'000'000'000; })},
        Attack{"FastForwardOnAFreshHost", UpdateRefusal::kAbsurdVersion,
               [](Bench& b) {
                 b.setting.installed_version = 0;
                 b.maker.manifest.version = 18'000'000'000'000'000'000u;
                 return b.maker.Offer();
               }},
        Attack{"DowngradeIsNoLeaveToFastForward", UpdateRefusal::kAbsurdVersion,
               Manifest([](auto& m) {
                 m.version = 9'000'000'000;
                 m.allow_downgrade = true;
               })},
        Attack{"Expired", UpdateRefusal::kExpired,
               Manifest([](auto& m) { m.expires = kNow - absl::Seconds(1); })},
        Attack{"Freeze", UpdateRefusal::kStale, Manifest([](auto& m) {
                 m.created = kNow - absl::Hours(24 * 30 + 1);
                 m.expires = kNow + absl::Hours(24 * 365);
               })},
        Attack{"FromTheFuture", UpdateRefusal::kNotYetValid,
               Manifest([](auto& m) { m.created = kNow + absl::Hours(25); })},
        Attack{"FiveGibibytes", UpdateRefusal::kTooLarge,
               Manifest([](auto& m) { m.size_bytes = 5ull << 30; })},
        Attack{
            "SizeBeyond64Bits", UpdateRefusal::kMalformed,
            Text(R"({"product":"octofleet-tentacle","releaseId":"x","version":12,"arch":"x86_64",)"
                 R"("sizeBytes":18446744073709551617,"sha256":"","created":"","expires":""})")},
        Attack{"NegativeVersion", UpdateRefusal::kMalformed,
               Text(R"({"product":"octofleet-tentacle","releaseId":"x","version":-1})")},
        Attack{"VersionZero", UpdateRefusal::kMalformed, Manifest([](auto& m) { m.version = 0; })},
        Attack{"VersionWithAFraction", UpdateRefusal::kMalformed,
               Text(R"({"product":"octofleet-tentacle","releaseId":"x","version":1.5})")},
        Attack{"ShortDigest", UpdateRefusal::kMalformed,
               Manifest([](auto& m) { m.sha256.pop_back(); })},
        Attack{"NoDigest", UpdateRefusal::kMalformed,
               Manifest([](auto& m) { m.sha256 = std::string(64, 'x'); })},
        Attack{"NoJson", UpdateRefusal::kMalformed, Text("octofleet")},
        Attack{"DeepJson", UpdateRefusal::kMalformed, Text(std::string(2000, '['))},
        Attack{"LongText", UpdateRefusal::kMalformed, Text(std::string(9000, ' '))}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(UpdatePlan, NamesOfRootKeysAreTheSameInAnyOrder) {
  EXPECT_EQ(RootKeysId({"a", "b"}), RootKeysId({"b", "a"}));
  EXPECT_NE(RootKeysId({"a", "b"}), RootKeysId({"a"}));
}

TEST(RetrievalTest, EndlessDataEndsAtTheSignedLength) {
  Retrieval retrieval(1000, kNow);
  EXPECT_TRUE(retrieval.Add(999, kNow).ok());
  EXPECT_FALSE(retrieval.complete());
  EXPECT_TRUE(absl::IsResourceExhausted(retrieval.Add(2, kNow)));
  EXPECT_TRUE(retrieval.Add(1, kNow).ok());
  EXPECT_TRUE(retrieval.complete());
}

TEST(RetrievalTest, SlowRetrievalIsBrokenOff) {
  Retrieval retrieval(1 << 30, kNow);
  EXPECT_TRUE(retrieval.Add(60 * 1024, kNow + absl::Seconds(60)).ok());
  EXPECT_TRUE(retrieval.Add(1, kNow + absl::Seconds(119)).ok());
  EXPECT_TRUE(absl::IsDeadlineExceeded(retrieval.Add(100, kNow + absl::Seconds(121))));
}

TEST(RetrievalTest, TheLastPieceMayBeLate) {
  Retrieval retrieval(10, kNow);
  EXPECT_TRUE(retrieval.Add(10, kNow + absl::Seconds(100)).ok());
}

}  // namespace
}  // namespace tentacle::agent
