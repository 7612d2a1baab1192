// Which tentacles help each other with images, and what came to each over which line. Blocking;
// thread safe.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/statusor.h>

namespace tentacle::backend {

class Database;

// More would only be asked in vain: each chunk is asked of one or two.
inline constexpr int kMaxIntroduced = 32;

class SiteStore {
 public:
  explicit SiteStore(Database& database) : db_(database) {}

  // The body of `peers.sync` for this tentacle; "" when it offers nothing.
  absl::StatusOr<std::string> PeerTable(int node_id);

  // It is online and connects from there. It and those it is introduced to are told.
  absl::Status Arrived(int node_id, std::string_view public_address);
  // NotFound. Those it leaves and those it comes to are told.
  absl::Status SetSite(int node_id, std::string_view site);
  absl::StatusOr<std::string> Ledger(int node_id);  // NotFound

 private:
  Database& db_;
};

}  // namespace tentacle::backend
