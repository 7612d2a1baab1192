// TCP 9081: image bytes, also while they arrive (docs/protocol.md section 6).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include "libs/net/http_types.h"
#include "services/cache/image_library.h"
#include "services/cache/metrics.h"

namespace tentacle::cache {

// Home thread only.
class ImageHttp {
 public:
  ImageHttp(ImageLibrary& library, Metrics& metrics, boost::asio::thread_pool& blocking)
      : library_(library), metrics_(metrics), blocking_(blocking) {}

  boost::asio::awaitable<net::HttpReply> Handle(net::HttpRequest request);

 private:
  boost::asio::awaitable<net::HttpReply> Image(net::HttpRequest request, std::string image_id);
  net::BodyStream StreamOf(std::shared_ptr<Entry> entry, net::FileSpan file, net::ByteRange range);

  ImageLibrary& library_;
  Metrics& metrics_;
  boost::asio::thread_pool& blocking_;
};

}  // namespace tentacle::cache
