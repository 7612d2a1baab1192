// What surrounds the library: the line and its ledger, the other tentacles of the site, prepulls,
// links for relay mode; wired to each other and to it. Home thread only.
#pragma once

#include <memory>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "libs/net/http_types.h"
#include "libs/runtime/host.h"
#include "services/cache/image_http.h"
#include "services/cache/image_library.h"
#include "services/cache/line_desk.h"
#include "services/cache/metrics.h"
#include "services/cache/neighbours.h"
#include "services/cache/peer_http.h"
#include "services/cache/peer_offer.h"
#include "services/cache/prepull_desk.h"
#include "services/cache/relay_links.h"

namespace tentacle::cache {

class Planning {
 public:
  // `loopback_allowed`: for tests, whose tentacles share a machine.
  Planning(runtime::Host& host,
           Metrics& metrics,
           ImageLibrary& library,
           ImageHttp& images,
           bool loopback_allowed = false);
  // Waits for questions to peers that are under way.
  ~Planning();
  Planning(const Planning&) = delete;
  Planning& operator=(const Planning&) = delete;

  // Before the first pull.
  absl::Status Open();
  void Configure();
  // Spawns what runs until the loop ends.
  void Start();

  // Writes the ledger down.
  void Stop() { line.Tell(); }

  // Peers on their paths, machines on theirs; counted for the ledger.
  boost::asio::awaitable<net::HttpReply> Handle(net::HttpRequest request);

  void ReplacePeers(const v1::ReplacePeersRequest& table);

  LineDesk line;
  PrepullDesk prepulls;
  RelayLinks links;
  const std::shared_ptr<Neighbours> neighbours;

 private:
  void TellOwn();
  bool SharesWithPeers() const;
  boost::asio::awaitable<void> GreetPeers();

  runtime::Host& host_;
  Metrics& metrics_;
  ImageHttp& images_;
  PeerHttp peers_;
  PeerOffer offer_;
  v1::ReplacePeersRequest introduced_;  // Also while they are switched off.
  boost::asio::steady_timer greet_;
  boost::asio::thread_pool asking_;
};

}  // namespace tentacle::cache
