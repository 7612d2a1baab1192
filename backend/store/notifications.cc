#include "backend/store/notifications.h"

#include <chrono>
#include <pqxx/pqxx>
#include <utility>

namespace tentacle::backend {

namespace {

constexpr auto kRetry = std::chrono::milliseconds(500);
// How soon an end is noticed.
constexpr long kLookMicroseconds = 200'000;

class Receiver final : public pqxx::notification_receiver {
 public:
  Receiver(pqxx::connection_base& connection,
           const std::string& channel,
           std::function<void(std::string)> on_message)
      : notification_receiver(connection, channel), on_message_(std::move(on_message)) {}

  void operator()(const std::string& payload, int) override { on_message_(payload); }

 private:
  std::function<void(std::string)> on_message_;
};

}  // namespace

Notifications::Notifications(std::string url,
                             std::string channel,
                             std::string name,
                             Callbacks callbacks)
    : url_(std::move(url)),
      channel_(std::move(channel)),
      name_(std::move(name)),
      callbacks_(std::move(callbacks)) {
  thread_ = std::thread([this] { Run(); });
}

Notifications::~Notifications() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Notifications::Run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    lock.unlock();
    try {
      Listen();
    } catch (const std::exception& error) {
      const std::string text = error.what();
      callbacks_.on_lost(absl::UnavailableError(text.substr(0, text.find('\n'))));
    }
    lock.lock();
    wake_.wait_for(lock, kRetry, [this] { return stop_; });
  }
}

void Notifications::Listen() {
  pqxx::connection connection(url_);
  // libpqxx 6 would connect anew behind our back, and nobody would know that something was missed.
  // Deprecated, since libpqxx 7 never does that.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  connection.inhibit_reactivation(true);
#pragma GCC diagnostic pop
  {
    pqxx::nontransaction setting(connection);
    setting.exec("SET application_name TO " + setting.quote(name_));
  }
  const Receiver receiver(connection, channel_, callbacks_.on_message);
  callbacks_.on_listening();
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (stop_) return;
    }
    connection.await_notification(0, kLookMicroseconds);
    if (!connection.is_open())
      throw pqxx::broken_connection("the connection that listens was lost");
  }
}

}  // namespace tentacle::backend
