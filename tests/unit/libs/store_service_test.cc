// What a whole service does when its disk is full, its store damaged, or of a newer version.
#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include "libs/store/store.h"
#include "tests/support/child.h"
#include "tests/support/small_disk.h"

namespace tentacle {
namespace {

using testing::SmallDisk;

class TinyService {
 public:
  explicit TinyService(const std::string& folder)
      : process_({TINY_SERVICE, "--state-dir", folder + "/state", "--run-dir", folder + "/run"}) {}

  // True when it has started; what it logged until then, or until its end, is in log().
  bool Started() {
    std::string line;
    while (process_.ReadLine(line)) {
      log_ += line + "\n";
      if (line.find("service.started") == std::string::npos) continue;
      const std::string key = "\"admin_port\":";
      port_ = static_cast<unsigned short>(std::stoi(line.substr(line.find(key) + key.size())));
      return true;
    }
    return false;
  }

  std::string Get(const std::string& path) const {
    namespace asio = boost::asio;
    asio::io_context io;
    asio::ip::tcp::socket socket(io);
    boost::system::error_code error;
    socket.connect({asio::ip::address_v4::loopback(), port_}, error);
    const std::string request =
        "GET " + path + " HTTP/1.1\r\nHost: tiny\r\nConnection: close\r\n\r\n";
    asio::write(socket, asio::buffer(request), error);
    std::string answer;
    asio::read(socket, asio::dynamic_buffer(answer), error);
    return answer;
  }

  // Its readiness changes by itself; there is nothing to hear but the answer.
  bool ReadyBecomes(const std::string& status, const std::string& detail) const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (std::chrono::steady_clock::now() < deadline) {
      const std::string answer = Get("/readyz");
      if (answer.starts_with("HTTP/1.1 " + status) && answer.find(detail) != std::string::npos)
        return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
  }

  double Metric(const std::string& name) const {
    std::istringstream lines(Get("/metrics"));
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with(name)) return std::stod(line.substr(line.rfind(' ')));
    }
    return -1;
  }

  testing::Child& process() { return process_; }

  const std::string& log() const { return log_; }

 private:
  testing::Child process_;
  unsigned short port_ = 0;
  std::string log_;
};

constexpr char kRefused[] = "tentacle_tiny_store_refused_writes_total{reason=\"disk_full\"}";

TEST(ServiceOnAFullDisk, IsNotReadyAndSaysWhyUntilThereIsSpaceAgain) {
  SmallDisk disk(64);
  TinyService tiny(disk / "");
  ASSERT_TRUE(tiny.Started()) << tiny.log();
  EXPECT_TRUE(tiny.ReadyBecomes("200", "\"store\":{\"ok\":true"));
  for (int cycle = 0; cycle < 2; ++cycle) {
    const double before = tiny.Metric(kRefused);
    disk.FillBut(1 << 20);
    EXPECT_TRUE(tiny.ReadyBecomes("503", "is full:")) << tiny.Get("/readyz");
    EXPECT_GT(tiny.Metric(kRefused), before);
    EXPECT_GT(tiny.Metric("tentacle_tiny_events_refused_total"), 0);
    // It lives, which is something else than being ready.
    EXPECT_TRUE(tiny.Get("/healthz").starts_with("HTTP/1.1 200"));
    disk.Empty();
    EXPECT_TRUE(tiny.ReadyBecomes("200", "\"store\":{\"ok\":true")) << tiny.Get("/readyz");
  }
  tiny.process().Signal(SIGTERM);
  EXPECT_EQ(tiny.process().Wait(), 0);
}

TEST(ServiceWithADamagedStore, BeginsEmptyAndSaysWhereTheOldOneIs) {
  const TempDir dir;
  {
    TinyService tiny(dir.path());
    ASSERT_TRUE(tiny.Started()) << tiny.log();
    EXPECT_EQ(tiny.Metric("tentacle_tiny_store_began_empty"), 0);
  }
  std::ofstream(dir / "state/tiny/db/CURRENT") << "MANIFEST-nowhere\n";
  TinyService tiny(dir.path());
  ASSERT_TRUE(tiny.Started()) << tiny.log();
  EXPECT_NE(tiny.log().find("service.store_recovered"), std::string::npos) << tiny.log();
  EXPECT_TRUE(tiny.ReadyBecomes("200", "it is kept in " + (dir / "state/tiny/corrupt-")));
  EXPECT_EQ(tiny.Metric("tentacle_tiny_store_began_empty"), 1);
}

TEST(ServiceWithTheStoreOfANewerProgram, RefusesToStartWithTheCodeOfAWrongConfiguration) {
  const TempDir dir;
  store::StoreOptions newer;
  newer.format.version = 2;
  {
    auto store = store::Store::Open(dir / "state/tiny/db", newer);
    ASSERT_TRUE(store.ok()) << store.status();
  }
  TinyService tiny(dir.path());
  EXPECT_FALSE(tiny.Started());
  EXPECT_EQ(tiny.process().Wait(), 78);
  EXPECT_NE(tiny.log().find("written by a newer version"), std::string::npos) << tiny.log();
}

TEST(ServiceOfWhichOneRunsAlready, RefusesToStartAndLeavesTheOther) {
  const TempDir dir;
  TinyService first(dir.path());
  ASSERT_TRUE(first.Started()) << first.log();
  TinyService second(dir.path());
  EXPECT_FALSE(second.Started());
  EXPECT_EQ(second.process().Wait(), 69);
  EXPECT_TRUE(first.ReadyBecomes("200", "\"ready\":true"));
}

TEST(SocketFolder, ThatTheServiceMakesIsForItsGroupOnly) {
  const TempDir dir;
  TinyService tiny(dir.path());
  ASSERT_TRUE(tiny.Started()) << tiny.log();
  namespace fs = std::filesystem;
  const auto mode = [](const std::string& path) {
    return static_cast<unsigned>(fs::status(path).permissions());
  };
  EXPECT_EQ(mode(dir / "run"), 0750u);
  EXPECT_EQ(mode(dir / "run/tiny.sock"), 0660u);
  EXPECT_EQ(mode(dir / "state/tiny/db"), 0700u);
}

TEST(ServiceEnds, ThoughItsPoolIsBusy) {
  const TempDir dir;
  ::setenv("TINY_BUSY", "1", 1);  // NOLINT(concurrency-mt-unsafe): no thread reads it here.
  TinyService service(dir.path());
  ::unsetenv("TINY_BUSY");  // NOLINT(concurrency-mt-unsafe)
  ASSERT_TRUE(service.Started()) << service.log();
  service.process().Signal(SIGTERM);
  std::string line;
  bool stopped = false;
  while (!stopped && service.process().ReadLine(line))
    stopped = line.find("service.stopped") != std::string::npos;
  EXPECT_TRUE(stopped);
}

}  // namespace
}  // namespace tentacle
