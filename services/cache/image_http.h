// TCP 9081: image bytes, also while they arrive (docs/protocol.md section 6).
#pragma once

#include <boost/asio/awaitable.hpp>

#include "libs/net/http_types.h"
#include "services/cache/image_library.h"
#include "services/cache/metrics.h"

namespace tentacle::cache {

// Home thread only.
class ImageHttp {
 public:
  ImageHttp(ImageLibrary& library, Metrics& metrics) : library_(library), metrics_(metrics) {}

  boost::asio::awaitable<net::HttpReply> Handle(net::HttpRequest request,
                                                Reader who = Reader::kMachine);

 private:
  boost::asio::awaitable<net::HttpReply> Image(net::HttpRequest request,
                                               std::string image_id,
                                               Reader who);

  ImageLibrary& library_;
  Metrics& metrics_;
};

}  // namespace tentacle::cache
