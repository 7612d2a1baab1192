// Updates of the tentacle itself: an order becomes an executable in the other slot, the services
// are started anew from it, and it is kept when they are healthy in time. What became of it goes
// up.
//
// Where it stands is in releases/record.json (release_folder.h), not here: each step is written
// down before it is taken, and a start goes on from there.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "libs/backend_link/order.h"
#include "libs/events/event_log.h"
#include "libs/runtime/clock.h"
#include "libs/runtime/health.h"
#include "libs/runtime/log.h"
#include "services/agent/core/update_plan.h"
#include "services/agent/limits.h"
#include "services/agent/metrics.h"
#include "services/agent/release_folder.h"

namespace tentacle::agent {

// What of the host an update meets.
struct UpdatePlace {
  ReleaseFolder folder;
  std::string executable;  // Of this process.
  std::string unit;        // The systemd unit that started it; "" for none.
  bool container = false;
  std::string arch;
};

// Why nothing can be updated here; "" when it can.
std::string UpdateObstacle(const UpdatePlace& place);

// Home thread only.
class Updater : public std::enable_shared_from_this<Updater> {
 public:
  // Runs a program of the host to its end.
  using Runner = std::function<boost::asio::awaitable<absl::Status>(std::vector<std::string> argv)>;
  // The services that are ready now.
  using Readiness = std::function<boost::asio::awaitable<std::set<std::string>>()>;

  struct Parts {
    boost::asio::any_io_executor home;
    boost::asio::thread_pool& blocking;
    const runtime::Clock& clock;
    runtime::Log log;
    std::shared_ptr<Metrics> metrics;
    runtime::Health& health;
    events::EventLog& events;
    UpdatePlace place;
    Runner run;
    Readiness ready;
  };

  struct Times {
    absl::Duration fetch_again = limits::kRetryDelay;
    absl::Duration look_again = limits::kHealthInterval;
    absl::Duration restart_wait = limits::kProbation;
  };

  struct Settings {
    bool enabled = true;
    std::vector<std::string> root_keys;
    std::string image_url;  // What an image's id is added to: the cache's.
  };

  explicit Updater(Parts parts) : Updater(std::move(parts), Times()) {}

  Updater(Parts parts, Times times);

  void Configure(Settings settings) { settings_ = std::move(settings); }

  // Goes on with what the start before has left.
  void Start();
  void Stop();

  // An order that was believed. InvalidArgument: it has a field that is wrong. What is refused for
  // another reason is reported as an update that was refused, and OK.
  boost::asio::awaitable<absl::Status> Take(backend_link::Order order);

 private:
  using Self = std::shared_ptr<Updater>;
  using Manifest = backend_link::ReleaseManifest;

  static boost::asio::awaitable<void> Resume(Self self);
  static boost::asio::awaitable<void> Install(Self self,
                                              backend_link::ReleaseOffer offer,
                                              Manifest manifest);
  static boost::asio::awaitable<void> Prove(Self self);

  boost::asio::awaitable<absl::Status> Arrive(const backend_link::ReleaseOffer& offer,
                                              const Manifest& manifest);
  boost::asio::awaitable<absl::Status> Switch();
  boost::asio::awaitable<absl::Status> Download(std::string image_id,
                                                std::shared_ptr<ArrivingExecutable> into);
  boost::asio::awaitable<absl::Status> Restart();
  boost::asio::awaitable<void> Fail(std::string reason);
  boost::asio::awaitable<absl::StatusOr<UpdateRecord>> Change(
      std::function<bool(UpdateRecord&)> change);
  boost::asio::awaitable<absl::StatusOr<UpdateRecord>> Current();
  boost::asio::awaitable<absl::StatusOr<UpdateRecord>> Advanced(UpdateEvent event,
                                                                std::string reason = "");
  boost::asio::awaitable<absl::Status> Refuse(backend_link::ReleaseOffer offer, std::string reason);
  boost::asio::awaitable<void> Report();
  void Tell(const UpdateRecord& record);
  // An order that is taken meanwhile would be mistaken for one that was left. False: stopped.
  boost::asio::awaitable<bool> HasLooked();
  void Looked();
  boost::asio::awaitable<bool> Pause(absl::Duration length);  // False: stopped.
  UpdateVerdict Judge(const UpdateRecord& record,
                      const backend_link::ReleaseOffer& offer,
                      const std::vector<std::string>& root_keys) const;

  Parts parts_;
  Times times_;
  Settings settings_;
  std::string slot_;  // Of this process; "" when it is in none.
  std::set<boost::asio::steady_timer*> pauses_;
  // A download lasts minutes; the blocking pool is for what lasts milliseconds.
  boost::asio::thread_pool fetching_{1};
  std::shared_ptr<std::atomic<bool>> stopped_ = std::make_shared<std::atomic<bool>>(false);
  bool installing_ = false;
  bool has_looked_ = false;  // At what the start before has left.
  boost::asio::steady_timer looking_;
};

}  // namespace tentacle::agent
