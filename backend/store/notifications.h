// What PostgreSQL's NOTIFY brings: a connection of its own that listens, on a thread of its own.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include <absl/status/status.h>

namespace tentacle::backend {

class Notifications {
 public:
  // All are called on the thread.
  struct Callbacks {
    std::function<void(std::string payload)> on_message;
    // From now on nothing is missed; what was sent before may have been.
    std::function<void()> on_listening;
    std::function<void(absl::Status reason)> on_lost;
  };

  // `name` is the application name of the connection: as long as it is in pg_stat_activity, this
  // process lives.
  Notifications(std::string url, std::string channel, std::string name, Callbacks callbacks);
  ~Notifications();
  Notifications(const Notifications&) = delete;
  Notifications& operator=(const Notifications&) = delete;

 private:
  void Run();
  void Listen();

  std::string url_;
  std::string channel_;
  std::string name_;
  Callbacks callbacks_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace tentacle::backend
