#include "services/agent/core/update_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "libs/identity/signed_release.h"
#include "libs/text/view.h"
#include "services/agent/limits.h"

namespace tentacle::agent {

namespace {

using backend_link::ReleaseManifest;
using backend_link::ReleaseOffer;
using identity::ReleaseText;

struct RefusalName {
  UpdateRefusal refusal;
  std::string_view name;
};

constexpr RefusalName kNames[] = {
    {UpdateRefusal::kNone, "none"},
    {UpdateRefusal::kNoRootKeys, "no_root_keys"},
    {UpdateRefusal::kKeysBadSignature, "keys_bad_signature"},
    {UpdateRefusal::kKeysMalformed, "keys_malformed"},
    {UpdateRefusal::kKeysExpired, "keys_expired"},
    {UpdateRefusal::kSignedByRoot, "signed_by_root"},
    {UpdateRefusal::kBadSignature, "bad_signature"},
    {UpdateRefusal::kMalformed, "malformed"},
    {UpdateRefusal::kWrongProduct, "wrong_product"},
    {UpdateRefusal::kWrongArch, "wrong_arch"},
    {UpdateRefusal::kNotYetValid, "not_yet_valid"},
    {UpdateRefusal::kExpired, "expired"},
    {UpdateRefusal::kStale, "stale"},
    {UpdateRefusal::kTooLarge, "too_large"},
    {UpdateRefusal::kAbsurdVersion, "absurd_version"},
    {UpdateRefusal::kAlreadyInstalled, "already_installed"},
    {UpdateRefusal::kRollback, "rollback"},
};

UpdateVerdict Refuse(UpdateRefusal refusal, std::string_view sentence) {
  return {refusal, fmt::format("{}: {}", Name(refusal), sentence), {}};
}

bool SignedByOneOf(const std::vector<std::string>& keys,
                   ReleaseText kind,
                   std::string_view text,
                   std::string_view signature) {
  return std::any_of(keys.begin(), keys.end(), [&](const std::string& key) {
    return identity::IsReleaseSignedBy(key, kind, text, signature);
  });
}

// Who may sign manifests, or why nobody.
UpdateVerdict JudgeKeys(const ReleaseOffer& offer,
                        const UpdateSetting& setting,
                        absl::Time now,
                        std::vector<std::string>& signing_keys) {
  if (setting.root_keys.empty()) {
    return Refuse(UpdateRefusal::kNoRootKeys,
                  "no root key is pinned on this host (agent.update_root_keys)");
  }
  if (!SignedByOneOf(setting.root_keys, ReleaseText::kSigningKeys, offer.keys,
                     offer.keys_signature)) {
    return Refuse(UpdateRefusal::kKeysBadSignature,
                  "the list of signing keys is signed by none of the root keys pinned here");
  }
  auto keys = backend_link::ParseSigningKeys(offer.keys);
  if (!keys.ok()) return Refuse(UpdateRefusal::kKeysMalformed, text::Message(keys.status()));
  if (keys->product != backend_link::kReleaseProduct) {
    return Refuse(UpdateRefusal::kWrongProduct, "the signing keys are another product's");
  }
  if (keys->expires < now) {
    return Refuse(UpdateRefusal::kKeysExpired, "the list of signing keys has expired");
  }
  signing_keys = std::move(keys->keys);
  return {};
}

UpdateVerdict JudgeSignature(const ReleaseOffer& offer,
                             const UpdateSetting& setting,
                             const std::vector<std::string>& signing_keys) {
  // Also when a list names a root key as one that signs.
  if (SignedByOneOf(setting.root_keys, ReleaseText::kManifest, offer.manifest,
                    offer.manifest_signature)) {
    return Refuse(UpdateRefusal::kSignedByRoot,
                  "the manifest is signed by a root key; those sign only lists of signing keys");
  }
  if (!SignedByOneOf(signing_keys, ReleaseText::kManifest, offer.manifest,
                     offer.manifest_signature)) {
    return Refuse(UpdateRefusal::kBadSignature,
                  "the manifest is signed by none of the listed signing keys");
  }
  return {};
}

UpdateVerdict JudgeTimes(const ReleaseManifest& manifest, absl::Time now) {
  if (manifest.created > now + limits::kManifestClockTolerance) {
    return Refuse(UpdateRefusal::kNotYetValid, "the manifest is from the future of this clock");
  }
  if (manifest.expires < now) return Refuse(UpdateRefusal::kExpired, "the manifest has expired");
  if (manifest.created + limits::kManifestLongest < now) {
    return Refuse(UpdateRefusal::kStale,
                  "the manifest is older than 30 days; sign the release again");
  }
  return {};
}

UpdateVerdict JudgeVersion(const ReleaseManifest& manifest, std::uint64_t installed) {
  // Checked first: a signed leave to go back is none to go anywhere.
  if (manifest.version > backend_link::kMaxReleaseVersion ||
      (installed != 0 && manifest.version > installed + limits::kMaxVersionStep)) {
    return Refuse(UpdateRefusal::kAbsurdVersion,
                  fmt::format("version {} is absurdly far from {}", manifest.version, installed));
  }
  if (manifest.version == installed) {
    return Refuse(UpdateRefusal::kAlreadyInstalled,
                  fmt::format("version {} is what is installed", installed));
  }
  if (manifest.version < installed && !manifest.allow_downgrade) {
    return Refuse(UpdateRefusal::kRollback,
                  fmt::format("version {} is older than {} and not signed as a downgrade",
                              manifest.version, installed));
  }
  return {};
}

UpdateVerdict JudgeManifest(const ReleaseManifest& manifest,
                            const UpdateSetting& setting,
                            absl::Time now) {
  if (manifest.product != backend_link::kReleaseProduct) {
    return Refuse(UpdateRefusal::kWrongProduct, fmt::format("it is of {}", manifest.product));
  }
  if (manifest.arch != setting.arch) {
    return Refuse(UpdateRefusal::kWrongArch,
                  fmt::format("it is for {}, this is {}", manifest.arch, setting.arch));
  }
  if (manifest.size_bytes > limits::kMaxReleaseBytes) {
    return Refuse(
        UpdateRefusal::kTooLarge,
        fmt::format("{} bytes, allowed are {}", manifest.size_bytes, limits::kMaxReleaseBytes));
  }
  if (auto times = JudgeTimes(manifest, now); !times.accepted()) return times;
  return JudgeVersion(manifest, setting.installed_version);
}

}  // namespace

std::string_view Name(UpdateRefusal refusal) {
  for (const auto& row : kNames) {
    if (row.refusal == refusal) return row.name;
  }
  return "";
}

UpdateVerdict JudgeUpdate(const ReleaseOffer& offer, const UpdateSetting& setting, absl::Time now) {
  std::vector<std::string> signing_keys;
  auto verdict = JudgeKeys(offer, setting, now, signing_keys);
  if (verdict.accepted()) verdict = JudgeSignature(offer, setting, signing_keys);
  if (!verdict.accepted()) return verdict;
  // Only now is there something in the text that can be believed.
  auto manifest = backend_link::ParseManifest(offer.manifest);
  if (!manifest.ok()) return Refuse(UpdateRefusal::kMalformed, text::Message(manifest.status()));
  verdict = JudgeManifest(*manifest, setting, now);
  if (verdict.accepted()) verdict.manifest = *std::move(manifest);
  return verdict;
}

std::string RootKeysId(std::vector<std::string> root_keys) {
  std::sort(root_keys.begin(), root_keys.end());
  std::string all;
  for (const std::string& key : root_keys)
    all += key + "\n";
  return identity::Sha256Hex(all);
}

}  // namespace tentacle::agent
