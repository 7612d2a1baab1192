// uplink between a fake backend (real WebSocket) and fake services (real gRPC sockets), in one
// process.
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "libs/identity/identity.h"
#include "tests/rpc/fake_backend.h"
#include "tests/rpc/fake_services.h"
#include "tests/rpc/uplink_process.h"
#include "tests/support/temp_dir.h"

namespace tentacle::testing {

inline std::string TaskJson(const std::string& id, int machine) {
  return fmt::format(
      R"({{"id":"{}","mac":"52:54:00:00:00:{:02x}","hostname":"web-{}","imageId":"img-7",)"
      R"("osType":"linux-image"}})",
      id, machine, machine);
}

class UplinkTest : public ::testing::Test {
 protected:
  UplinkTest() : key_(*identity::IdentityKey::Generate()), backend_(loop_, key_.PublicKeyBase64()) {
    config_.config.mutable_backend()->set_url(backend_.Url());
    config_.config.mutable_node()->set_id("node-1");
    config_.config.mutable_uplink()->set_backoff_base_ms(1);
    config_.config.mutable_uplink()->set_backoff_cap_ms(20);
    EXPECT_TRUE(key_.Save(folder_ / "tentacle.key").ok());
  }

  ~UplinkTest() override {
    uplink_.reset();
    services_.clear();
    blocking_.join();
  }

  FakeService& Start(const std::string& name) {
    services_[name] = std::make_unique<FakeService>(loop_, blocking_, name, folder_, told_);
    return *services_[name];
  }

  void StartUplink() {
    uplink_ = std::make_unique<UplinkProcess>(loop_, blocking_, folder_, config_, clock_, told_);
  }

  void StopUplink() { uplink_.reset(); }

  void StartUplinkAndWait() {
    StartUplink();
    WaitFor("uplink is online", [this] { return uplink_->Condition("backend_link"); });
  }

  void WaitFor(const std::string& what, const std::function<bool()>& done) {
    ASSERT_TRUE(loop_.RunUntil(what, done));
  }

  // The backend sends a frame with an id and waits for its acknowledgement.
  void Order(const std::string& id, const std::string& fields) {
    const std::string frame = fmt::format(R"({{"id":"{}",{}}})", id, fields);
    backend_.Send(frame);
    WaitFor("acknowledgement of " + id,
            [&] { return backend_.acknowledged_by_peer().contains(id); });
  }

  Loop loop_;
  boost::asio::thread_pool blocking_{2};
  const TempDir dir_;
  const std::filesystem::path folder_ = dir_.path();
  identity::IdentityKey key_;
  Told told_;
  JumpingClock clock_;
  FixedConfig config_;
  FakeBackend backend_;
  std::map<std::string, std::unique_ptr<FakeService>> services_;
  std::unique_ptr<UplinkProcess> uplink_;
};

}  // namespace tentacle::testing
