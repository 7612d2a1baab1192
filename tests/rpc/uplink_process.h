// uplink with everything its process would lend it, on the test's loop; it can be ended and made
// anew over the same folder.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/thread_pool.hpp>
#include <prometheus/registry.h>

#include "libs/config/config.h"
#include "libs/events/event_service.h"
#include "libs/rpc/server.h"
#include "services/uplink/uplink.h"
#include "tests/rpc/fake_services.h"
#include "tests/rpc/loop.h"

namespace tentacle::testing {

// The hour, which can be put forward.
class JumpingClock final : public runtime::Clock {
 public:
  absl::Time Now() const override { return absl::Now() + ahead; }

  absl::Time Steady() const override { return Now() - stepped; }

  // It is set, and no time goes by.
  void Step(absl::Duration by) {
    ahead += by;
    stepped += by;
  }

  absl::Duration ahead = absl::ZeroDuration();
  absl::Duration stepped = absl::ZeroDuration();
};

class FixedConfig final : public runtime::ConfigFeed {
 public:
  const config::v1::TentacleConfig& current() const override { return config; }

  std::uint64_t revision() const override { return 0; }

  absl::Status Check(const std::string& remote_json) const override {
    config::v1::TentacleConfig merged = config;
    return config::MergeRemote(remote_json, &merged);
  }

  void OnChange(std::function<void(const config::v1::TentacleConfig&)>) override {}

  config::v1::TentacleConfig config;
};

class UplinkProcess {
 public:
  UplinkProcess(Loop& loop,
                boost::asio::thread_pool& blocking,
                const std::filesystem::path& folder,
                FixedConfig& config,
                JumpingClock& clock,
                Told& told)
      : loop_(loop), socket_((folder / "uplink.sock").string()) {
    store_ = *store::Store::Open((folder / "uplink").string());
    log_ = *events::EventLog::Open(*store_, loop.home(), blocking);
    event_service_ = events::MakeEventService(loop.home(), *log_);
    config_service_ = MakeFakeConfig(loop.home(), "uplink", told);
    server_ = std::make_unique<rpc::Server>(loop.home(), rpc::PeerPolicy{});
    server_->Register(*event_service_);
    server_->Register(*config_service_);
    host_.emplace(runtime::Host{loop.home(),
                                blocking,
                                clock,
                                runtime::Log("uplink", runtime::LogLevel::kError),
                                registry_,
                                health_,
                                *server_,
                                config,
                                *store_,
                                *log_,
                                {folder.string(), folder.string()}});
    Start();
  }

  ~UplinkProcess() {
    cancel_.emit(boost::asio::cancellation_type::terminal);
    loop_.RunUntil("uplink ended", [this] { return ended_; });
    log_->Close();
    loop_.ShutDown(*server_);
  }

  bool Condition(std::string_view name) const {
    const auto found = health_.conditions().find(name);
    return found != health_.conditions().end() && found->second.ok;
  }

  std::string Detail(std::string_view name) const {
    const auto found = health_.conditions().find(name);
    return found == health_.conditions().end() ? "" : found->second.detail;
  }

  // Sum over all label sets of a counter or gauge that have these labels.
  double Metric(const std::string& name,
                const std::map<std::string, std::string>& labels = {}) const;

  events::EventLog& log() { return *log_; }

  const std::string& socket() const { return socket_; }

 private:
  void Start() {
    auto run = uplink::Run(*host_);
    auto ended = [this](std::exception_ptr, absl::Status) { ended_ = true; };
    boost::asio::co_spawn(loop_.io(), std::move(run),
                          boost::asio::bind_cancellation_slot(cancel_.slot(), ended));
    // As in a real process: the socket opens once the service has registered what it serves.
    bool registered = false;
    boost::asio::post(loop_.io(), [&registered] { registered = true; });
    loop_.RunUntil("uplink registered", [&registered] { return registered; });
    EXPECT_TRUE(server_->Start(socket_).ok());
  }

  Loop& loop_;
  std::string socket_;
  prometheus::Registry registry_;
  runtime::Health health_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<events::EventLog> log_;
  std::unique_ptr<grpc::Service> event_service_;
  std::unique_ptr<grpc::Service> config_service_;
  std::unique_ptr<rpc::Server> server_;
  std::optional<runtime::Host> host_;
  boost::asio::cancellation_signal cancel_;
  bool ended_ = false;
};

inline double UplinkProcess::Metric(const std::string& name,
                                    const std::map<std::string, std::string>& labels) const {
  double sum = 0;
  for (const auto& family : registry_.Collect()) {
    if (family.name != name) continue;
    for (const auto& metric : family.metric) {
      const auto matching =
          std::count_if(metric.label.begin(), metric.label.end(), [&labels](const auto& label) {
            const auto wanted = labels.find(label.name);
            return wanted != labels.end() && wanted->second == label.value;
          });
      if (static_cast<std::size_t>(matching) == labels.size())
        sum += metric.counter.value + metric.gauge.value;
    }
  }
  return sum;
}

}  // namespace tentacle::testing
