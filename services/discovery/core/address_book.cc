#include "services/discovery/core/address_book.h"

#include "services/discovery/limits.h"

namespace tentacle::discovery {

std::string_view ConflictKindName(ConflictKind kind) {
  return kind == ConflictKind::kGatewayChanged ? "gateway-changed" : "duplicate-address";
}

std::optional<Conflict> AddressBook::Claim(std::uint32_t address,
                                           const wire::MacAddress& mac,
                                           absl::Time now) {
  if (!claims_.contains(address)) MakeRoom(now);
  if (!claims_.contains(address) && claims_.size() >= limits::kMaxClaims) return std::nullopt;
  Entry& entry = claims_[address];
  if (entry.now.mac == wire::MacAddress{} || entry.now.mac == mac) {
    entry.now = {mac, now};
    return std::nullopt;
  }
  // The one before speaks again, or both answer one question: neither has got it from the other.
  const bool again = entry.before.mac == mac && now - entry.before.last <= limits::kClaimOverlap;
  const bool at_once = now - entry.now.last <= limits::kClaimAtOnce;
  const bool is_gateway = gateways_.contains(address);
  entry.before = entry.now;
  entry.now = {mac, now};
  const bool disputed = again || at_once;
  if (disputed) entry.disputed = now;
  if (!disputed && !is_gateway) return std::nullopt;
  if (now - entry.told < limits::kConflictAlertEvery) return std::nullopt;
  entry.told = now;
  return Conflict{is_gateway ? ConflictKind::kGatewayChanged : ConflictKind::kDuplicateAddress,
                  address, entry.before.mac, mac};
}

bool AddressBook::IsDisputed(std::uint32_t address, absl::Time now) const {
  const auto found = claims_.find(address);
  return found != claims_.end() && now - found->second.disputed <= limits::kConflictAlertEvery;
}

void AddressBook::MakeRoom(absl::Time now) {
  if (claims_.size() < limits::kMaxClaims || now - swept_ < limits::kClaimsSweptEvery) return;
  swept_ = now;
  std::erase_if(claims_, [now](const auto& claim) {
    return now - claim.second.now.last > limits::kConflictAlertEvery;
  });
}

}  // namespace tentacle::discovery
