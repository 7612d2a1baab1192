// Real shells at real terminals, over the live channel, with a backend's order.
#pragma once

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <absl/time/clock.h>
#include <boost/json.hpp>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include "libs/identity/signed_order.h"
#include "services/agent/shell_desk.h"
#include "tests/unit/agent/agent_bench.h"
#include "tests/unit/agent/job_bench.h"

namespace tentacle::agent {

namespace json = boost::json;

inline constexpr char kLink[] = "link-1";

class ShellTest : public ::testing::Test {
 protected:
  ShellTest() {
    const auto metrics = std::make_shared<Metrics>(registry_);
    const auto jobs = std::make_shared<JobRunner>(loop_.home(), loop_.pool(), clock_, log_, metrics,
                                                  store_, events_, JobRunner::Settings());
    orders_ = std::make_unique<OrderDesk>(clock_, log_, metrics, jobs);
    orders_->Configure(key_.PublicKeyBase64(), "7");
    live_ = std::make_unique<LiveDesk>(loop_.home(), metrics);
    MakeDesk({});
    metrics_ = metrics;
  }

  ~ShellTest() override {
    desk_->Stop();
    live_->Stop();
    loop_.Finish();
  }

  void MakeDesk(ShellTimes times) {
    times.recording_delay = absl::Milliseconds(20);
    times.grace = absl::Milliseconds(300);
    desk_ = std::make_shared<ShellDesk>(
        ShellSession::Parts{loop_.home(), loop_.pool(), clock_, *live_, events_, times,
                            std::make_shared<const HostSpace>(),
                            [this](const std::string& name) { return AwayFromHome(name); }},
        store_, *orders_, std::make_shared<Metrics>(more_registry_.emplace_back()), log_);
    desk_->Start();
    desk_->Configure({true, {}});
  }

  // What a login shell reads at home on this host takes its time, and does what it likes.
  absl::StatusOr<UserIds> AwayFromHome(const std::string& name) const {
    auto user = FindUser(name);
    if (user.ok() && name == Me()) user->home = home_.path();
    return user;
  }

  static std::string Me() { return ::getpwuid(::getuid())->pw_name; }  // NOLINT

  static std::string Id(char letter) { return std::string(32, letter); }

  void Push(const std::string& type, json::object body, const std::string& link = kLink) {
    live_->Push(link, {{type, json::serialize(body)}});
  }

  void Open(const std::string& session, const std::string& user = Me()) {
    const std::string order =
        backend_link::OrderText("shell.open", "7", absl::Now() + absl::Minutes(1),
                                {{"session", session},
                                 {"user", user},
                                 {"reason", "a test"},
                                 {"openedBy", "test"},
                                 {"cols", 90},
                                 {"rows", 20}});
    Push("shell.open",
         {{"session", session}, {"order", order}, {"signature", identity::SignOrder(key_, order)}});
  }

  void Type(const std::string& session, const std::string& text) {
    Push("shell.input", {{"session", session}, {"data", text}});
  }

  // Takes frames until `done`; with `confirm`, what the shell prints is confirmed at once.
  void FetchUntil(const std::function<bool()>& done, bool confirm = true) {
    while (!done()) {
      auto fetch = live_->Fetch(kLink, absl::Seconds(20));
      const auto frames = loop_.Run(std::move(fetch));
      ASSERT_FALSE(frames.empty()) << "nothing came";
      for (const auto& frame : frames) {
        const auto body = json::parse(frame.body_json).as_object();
        const std::string session(body.at("session").as_string());
        if (frame.type == "shell.output") {
          const std::string data(body.at("data").as_string());
          output_[session] += data;
          if (confirm) Push("shell.ack", {{"session", session}, {"bytes", data.size()}});
        } else {
          last_[frame.type] = body;
        }
      }
    }
  }

  void AwaitText(const std::string& session, const std::string& text) {
    FetchUntil([&] { return output_[session].find(text) != std::string::npos; });
  }

  std::string AwaitExit() {
    FetchUntil([&] { return last_.contains("shell.exit"); });
    return std::string(last_["shell.exit"].at("reason").as_string());
  }

  TempDir home_;
  identity::IdentityKey key_ = *identity::IdentityKey::Generate();
  testing::TestLoop loop_;
  prometheus::Registry registry_;
  std::list<prometheus::Registry> more_registry_;
  runtime::RealClock clock_;
  runtime::Log log_{"agent", runtime::LogLevel::kError};
  testing::MemoryStore store_;
  testing::MemoryEvents events_{loop_.home()};
  std::shared_ptr<Metrics> metrics_;
  std::unique_ptr<OrderDesk> orders_;
  std::unique_ptr<LiveDesk> live_;
  std::shared_ptr<ShellDesk> desk_;
  std::map<std::string, std::string> output_;
  std::map<std::string, json::object> last_;
};

}  // namespace tentacle::agent
