// Who holds which address: finds two cards that have the same one, and a gateway that has become
// another card.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include <absl/time/time.h>

#include "libs/wire/mac_address.h"

namespace tentacle::discovery {

enum class ConflictKind {
  kDuplicateAddress,  // Two cards speak for one address in turn, or at once.
  kGatewayChanged,    // The gateway's address is spoken for by another card than before.
};
std::string_view ConflictKindName(ConflictKind kind);  // "duplicate-address", "gateway-changed"

struct Conflict {
  ConflictKind kind = ConflictKind::kDuplicateAddress;
  std::uint32_t address = 0;
  wire::MacAddress before;  // Who had it.
  wire::MacAddress after;   // Who has spoken for it now.

  bool operator==(const Conflict&) const = default;
};

// Holds at most limits::kMaxClaims addresses. Not thread safe.
class AddressBook {
 public:
  // `mac` speaks for `address`. A conflict is told once, and again when it is still there an hour
  // later.
  std::optional<Conflict> Claim(std::uint32_t address, const wire::MacAddress& mac, absl::Time now);

  void SetGateways(std::set<std::uint32_t> gateways) { gateways_ = std::move(gateways); }

  const std::set<std::uint32_t>& gateways() const { return gateways_; }

  // Whether two cards had it within the last limits::kConflictAlertEvery.
  bool IsDisputed(std::uint32_t address, absl::Time now) const;

  std::size_t size() const { return claims_.size(); }

 private:
  struct Holder {
    wire::MacAddress mac;
    absl::Time last;
  };

  struct Entry {
    Holder now;
    Holder before;
    absl::Time told = absl::InfinitePast();
    absl::Time disputed = absl::InfinitePast();
  };

  void MakeRoom(absl::Time now);

  std::map<std::uint32_t, Entry> claims_;
  absl::Time swept_ = absl::InfinitePast();
  std::set<std::uint32_t> gateways_;
};

}  // namespace tentacle::discovery
