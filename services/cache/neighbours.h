// The other tentacles of the site: who may be asked, who may ask, and the questions themselves.
// Thread safe; what blocks says so.
#pragma once

#include <tentacle/cache/v1/planning.pb.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "libs/net/http_client.h"
#include "libs/runtime/clock.h"
#include "libs/runtime/log.h"
#include "services/cache/backend_clock.h"
#include "services/cache/core/peer_choice.h"
#include "services/cache/core/peer_table.h"
#include "services/cache/stopping.h"

namespace tentacle::cache {

// Who asks.
struct OwnIdentity {
  std::string node_id;
  std::string key_file;
};

class Neighbours {
 public:
  // Tokens are signed and judged by `backend_clock`: it is what the tentacles of a site agree on.
  Neighbours(const runtime::Clock& clock,
             std::shared_ptr<const BackendClock> backend_clock,
             runtime::Log log,
             bool loopback_allowed = false);

  // Before the first question, and again: an enrollment may come after the start.
  void SetOwn(OwnIdentity own);
  void Replace(const v1::ReplacePeersRequest& table);

  // Nobody is asked and nobody is answered.
  void SwitchOff() { Replace({}); }

  // The node that asks, proven. Unauthenticated: not one of ours, or its token is not for us.
  absl::StatusOr<std::string> CheckToken(std::string_view authorization) const;

  // Blocks: greets all who are to be greeted, at each of their addresses.
  void Greet();
  // Blocks: how the image stands at each who may be asked.
  std::vector<PeerHas> Ask(const std::string& image_id, const std::string& sha256);

  // One answer of a peer with the bytes from `begin` up to `end`, piece by piece. False breaks off.
  struct Taking {
    std::string node_id;
    std::string image_id;
    std::string sha256;
    std::uint64_t size = 0;  // Of the image.
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::function<bool(std::string_view piece)> on_piece;
    Stopping* stop = nullptr;
  };

  // Blocks. Unavailable: it did not give them all; it is left alone for a while. Aborted:
  // `on_piece` broke off. Cancelled: `stop`.
  absl::Status Take(const Taking& taking);

  void Slow(const std::string& node_id, const std::string& reason) { Failed(node_id, reason); }

  void Lied(const std::string& node_id, const std::string& image_id);

  bool HasAny() const;

  std::string own_node_id() const { return own().node_id; }

  std::string site() const;
  std::vector<v1::PeerView> Views() const;

 private:
  OwnIdentity own() const;
  absl::StatusOr<net::ClientRequest> MakeRequest(const PeerTable::Usable& peer,
                                                 const std::string& path) const;
  std::optional<PeerHas> AskOne(const PeerTable::Usable& peer,
                                const std::string& image_id,
                                const std::string& sha256);
  void Failed(const std::string& node_id, const std::string& reason);

  const runtime::Clock& clock_;
  const std::shared_ptr<const BackendClock> backend_clock_;
  const runtime::Log log_;
  mutable std::mutex mutex_;
  OwnIdentity own_;
  PeerTable table_;
};

}  // namespace tentacle::cache
