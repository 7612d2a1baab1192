// The tentacles of the site: where each answers, how soon, and who is not asked any more. Pure.
#pragma once

#include <tentacle/cache/v1/planning.pb.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <absl/time/time.h>

namespace tentacle::cache {

// Without a site tag only this speaks for the same place: a LAN answers sooner, a WAN later.
inline constexpr absl::Duration kNearRoundTrip = absl::Milliseconds(10);
// Of the same site tag, but so far away that its chunks are no gain.
inline constexpr absl::Duration kFarRoundTrip = absl::Milliseconds(150);
// After a failure, doubled with each in a row.
inline constexpr absl::Duration kPeerPause = absl::Seconds(5);
inline constexpr absl::Duration kMaxPeerPause = absl::Minutes(10);
// Who gave a wrong byte is broken or hostile.
inline constexpr absl::Duration kLiarPause = absl::Hours(24);

// An address that may be asked: neither loopback (unless allowed, for tests on one machine) nor
// link-local, multicast or any other special one.
bool IsPeerAddress(std::string_view address, bool loopback_allowed);

class PeerTable {
 public:
  explicit PeerTable(bool loopback_allowed = false) : loopback_allowed_(loopback_allowed) {}

  // The whole table. What is known of those that stay is kept, as long as their key stays.
  void Replace(const v1::ReplacePeersRequest& table);

  // It answered a greeting at `address`.
  void Greeted(const std::string& node_id,
               const std::string& address,
               absl::Duration round_trip,
               absl::Time now);
  // It did not answer, broke off, or was slower than the WAN.
  void Failed(const std::string& node_id, const std::string& reason, absl::Time now);
  void Lied(const std::string& node_id, absl::Time now);
  // `all`: that it was asked for; then it is trusted as at first.
  void Gave(const std::string& node_id, std::uint64_t bytes, bool all);

  struct Usable {
    std::string node_id;
    std::string address;
    std::uint32_t port = 0;
  };

  // Those that may be asked for chunks now.
  std::vector<Usable> ToAsk(absl::Time now) const;
  // Those to be greeted, each with its addresses: not greeted yet, or their pause is over.
  std::vector<v1::Peer> ToGreet(absl::Time now) const;
  // Base64; nothing for who is none of ours.
  std::optional<std::string> KeyOf(const std::string& node_id) const;

  std::vector<v1::PeerView> Views(absl::Time now) const;

  const std::string& site() const { return site_; }

 private:
  struct Record {
    v1::Peer peer;
    std::string address;  // Empty: not greeted since it was paused.
    absl::Duration round_trip;
    absl::Time paused_until = absl::InfinitePast();
    std::string reason = "not greeted yet";
    int failures = 0;
    std::uint64_t taken_bytes = 0;
  };

  std::map<std::string, Record> records_;
  std::string site_;
  bool loopback_allowed_;
};

}  // namespace tentacle::cache
