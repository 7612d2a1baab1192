// Asks the backend for metadata, one question per image whoever asks. Home thread only; the line is
// on a thread of its own, so that a backend that does not answer holds up nothing else.
#pragma once

#include <tentacle/cache/v1/cache_service.pb.h>

#include <map>
#include <memory>
#include <string>

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include "libs/runtime/clock.h"
#include "services/cache/puller.h"

namespace tentacle::cache {

class MetaDesk {
 public:
  MetaDesk(boost::asio::any_io_executor home, const runtime::Clock& clock)
      : home_(std::move(home)), clock_(clock) {}

  // As FetchMeta(); NotFound is remembered for a while. ResourceExhausted: too many questions are
  // under way.
  boost::asio::awaitable<absl::StatusOr<v1::Image>> Ask(Origin origin, std::string image_id);

 private:
  struct Question;
  boost::asio::awaitable<void> Run(std::shared_ptr<Question> question,
                                   Origin origin,
                                   std::string image_id);
  void RememberAbsent(const std::string& image_id);

  boost::asio::any_io_executor home_;
  const runtime::Clock& clock_;
  std::map<std::string, std::shared_ptr<Question>> questions_;
  std::map<std::string, absl::Time> absent_;  // Until when.
  boost::asio::thread_pool line_{1};
};

}  // namespace tentacle::cache
