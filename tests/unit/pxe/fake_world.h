// What a desk is lent, without a disk database, a clock or a cache.
#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/parse.hpp>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include "libs/runtime/admin_http.h"
#include "services/pxe/boot_desk.h"
#include "tests/support/kept_events.h"
#include "tests/support/memory_store.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/pxe/machine.h"

namespace tentacle::testing {

class ManualClock final : public runtime::Clock {
 public:
  absl::Time Now() const override { return now; }

  absl::Time Steady() const override { return now - stepped; }

  void Step(absl::Duration by) {
    now += by;
    stepped += by;
  }

  absl::Time now = absl::FromUnixSeconds(1'760'000'000);
  absl::Duration stepped;
};

class FakeEventLog final : public KeptEvents {
 public:
  // As JSON.
  std::vector<std::string> OfType(std::string_view type) const {
    std::vector<std::string> out;
    for (const events::Event& event : all) {
      if (event.type() == type) out.push_back(event.body_json());
    }
    return out;
  }

  // "status stage progress message" of each task.status, "step: detail" of each task.timeline.
  std::vector<std::string> Of(std::string_view type) const {
    std::vector<std::string> out;
    for (const events::Event& event : all) {
      if (event.type() != type) continue;
      const auto body = boost::json::parse(event.body_json()).as_object();
      const auto text = [&body](const char* name) {
        const auto* value = body.if_contains(name);
        return value != nullptr && value->is_string() ? std::string(value->as_string())
                                                      : std::string();
      };
      if (type == "task.timeline") {
        out.push_back(text("step") + ": " + text("detail"));
      } else if (type == "task.status") {
        out.push_back(text("status") + " " + text("stage") + " " +
                      std::to_string(body.at("progress").to_number<int>()) + " " + text("message"));
      } else {
        out.push_back(event.body_json());
      }
    }
    return out;
  }
};

class FakeCache final : public pxe::CachePeer {
 public:
  explicit FakeCache(boost::asio::any_io_executor home) : gate_(std::move(home)) {
    gate_.expires_at(boost::asio::steady_timer::time_point::max());
    auto& image = *reply.mutable_image();
    image.set_id("img-1");
    image.set_name("debian-12");
    image.set_size_bytes(1000);
    image.set_sha256(std::string(64, 'a'));
    image.set_format("raw.zst");
    image.set_unpacked_size_bytes(5000);
    image.set_state(cache::v1::IMAGE_STATE_PULLING);
    reply.set_http_port(9081);
  }

  boost::asio::awaitable<absl::StatusOr<cache::v1::GetImageResponse>> GetImage(
      std::string image_id) override {
    asked.push_back("get " + image_id);
    if (closed) {
      ++waiting;
      co_await gate_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    }
    if (!status.ok()) co_return status;
    co_return reply;
  }

  boost::asio::awaitable<absl::Status> PullImage(std::string image_id) override {
    asked.push_back("pull " + image_id);
    co_return status;
  }

  boost::asio::awaitable<absl::Status> KeepImages(std::set<std::string> image_ids) override {
    kept = std::move(image_ids);
    co_return status;
  }

  void OpenGate() {
    closed = false;
    gate_.cancel();
  }

  cache::v1::GetImageResponse reply;
  absl::Status status;
  std::vector<std::string> asked;
  std::set<std::string> kept;
  bool closed = false;
  int waiting = 0;

 private:
  boost::asio::steady_timer gate_;
};

// A desk with everything around it. Start() again is what a restart is: nothing but the folder and
// the store survive.
class World {
 public:
  World() {
    PutBootFile("ramdisk/vmlinuz");
    PutBootFile("ramdisk/initrd.img");
    Start();
  }

  ~World() {
    desk_.reset();
    pool.join();
  }

  void Start() {
    registry = std::make_unique<prometheus::Registry>();
    metrics = std::make_unique<pxe::Metrics>(*registry);
    files = std::make_unique<pxe::TaskDir>(temp.path() + "/tasks");
    archive = std::make_unique<pxe::BootArchive>(store);
    desk_ = std::make_unique<pxe::BootDesk>(pxe::BootDesk::Parts{
        io.get_executor(), pool, clock, log, events, *metrics, cache, *files, *archive,
        pxe::BootFolder(temp.path() + "/boot"), "a secret of thirty-two octets...."});
    const absl::Status restored = desk_->Restore();
    EXPECT_TRUE(restored.ok()) << restored;
  }

  pxe::BootDesk& desk() { return *desk_; }

  void PutBootFile(const std::string& file) const {
    const std::filesystem::path path = temp.path() + "/boot/" + file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << file;
  }

  // Runs until nothing is left to do, what was begun in the background included.
  template <class T>
  T Await(boost::asio::awaitable<T> work) {
    std::optional<T> result;
    boost::asio::co_spawn(io, Store(std::move(work), &result), boost::asio::detached);
    Settle();
    EXPECT_TRUE(result.has_value()) << "still waiting";
    return *std::move(result);
  }

  template <class T>
  static boost::asio::awaitable<void> Store(boost::asio::awaitable<T> work,
                                            std::optional<T>* result) {
    *result = co_await std::move(work);
  }

  void Settle() {
    io.restart();
    io.run();
  }

  // The value of a sample as /metrics shows it, or "" when there is none.
  std::string Sample(const std::string& name) {
    const std::string text = "\n" + runtime::MetricsText(*registry);
    const std::size_t at = text.find("\n" + name + " ");
    if (at == std::string::npos) return "";
    const std::size_t from = at + name.size() + 2;
    return text.substr(from, text.find('\n', from) - from);
  }

  TempDir temp;
  boost::asio::io_context io;
  boost::asio::thread_pool pool{1};
  ManualClock clock;
  runtime::Log log{"pxe", runtime::LogLevel::kError};
  FakeEventLog events;
  FakeCache cache{io.get_executor()};
  std::unique_ptr<prometheus::Registry> registry;
  std::unique_ptr<pxe::Metrics> metrics;
  std::unique_ptr<pxe::TaskDir> files;
  std::unique_ptr<pxe::BootArchive> archive;
  MemoryStore store;

 private:
  std::unique_ptr<pxe::BootDesk> desk_;
};

}  // namespace tentacle::testing
