// The prepulls: kept on the disk, pulled one after the other when their time has come, and told of.
// Home thread only.
#pragma once

#include <tentacle/cache/v1/planning.pb.h>

#include <map>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "libs/runtime/host.h"
#include "services/cache/core/prepull_book.h"
#include "services/cache/image_library.h"
#include "services/cache/line_desk.h"
#include "services/cache/metrics.h"

namespace tentacle::cache {

class PrepullDesk {
 public:
  PrepullDesk(runtime::Host& host, Metrics& metrics, ImageLibrary& library, const LineDesk& line);

  // Reads what is on the disk.
  absl::Status Open();
  // Pulls what is to be pulled. Until cancelled.
  boost::asio::awaitable<void> Run();

  // Takes it on and says whether it can be in time. NotFound: the backend has no such image;
  // InvalidArgument; FailedPrecondition: no images in this mode, or too many prepulls.
  boost::asio::awaitable<absl::StatusOr<v1::PlannedPrepull>> Plan(v1::Prepull prepull);
  void Cancel(std::string id);
  std::vector<v1::PlannedPrepull> List() const;
  // The configuration has changed: what held one up may be over.
  void Configure();
  // Something has changed: looks what is to be done now.
  void Wake();

 private:
  // One at a time: two would only share the line.
  boost::asio::awaitable<void> PullOne(std::string id);
  boost::asio::awaitable<void> Await(std::string id, std::shared_ptr<Entry> entry);
  // `had`: of its bytes, before.
  void Settle(const std::string& id, std::shared_ptr<Entry> entry, std::uint64_t had);
  // Of those that were tried, whichever others have brought meanwhile, in their windows or not.
  void EndWhatIsHere();
  void End(const std::string& id, v1::PrepullState state, const std::string& reason);
  void Postpone(const std::string& id, const std::string& reason, bool fruitful);
  void Forecast(v1::PlannedPrepull* planned) const;
  std::uint64_t MissingBytes(const std::string& image_id) const;
  void Store(const std::string& id);
  void Tell(const v1::PlannedPrepull& planned);

  runtime::Host& host_;
  Metrics& metrics_;
  ImageLibrary& library_;
  const LineDesk& line_;
  PrepullBook book_;
  std::shared_ptr<Entry> pulling_;
  boost::asio::steady_timer wake_;
};

}  // namespace tentacle::cache
