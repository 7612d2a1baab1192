// Tells the backend where other tentacles of the site may fetch chunks. Home thread only.
#pragma once

#include <string>

#include "libs/runtime/host.h"

namespace tentacle::cache {

class PeerOffer {
 public:
  explicit PeerOffer(runtime::Host& host) : host_(host) {}

  // When it is another than the one told last in this run of the process. An offer on port 0 takes
  // back an earlier one.
  void Tell();

 private:
  runtime::Host& host_;
  std::string told_;
};

}  // namespace tentacle::cache
