#include "services/discovery/port_scanner.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

namespace tentacle::discovery {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::uint32_t kLoopback = 0x7f000001;
constexpr std::uint16_t kClosed = 1;  // tcpmux, which nobody serves.
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
const wire::MacAddress kHost{{0x52, 0x54, 0, 0, 0, 1}};
const wire::MacAddress kOther{{0x52, 0x54, 0, 0, 0, 2}};

class PortScannerTest : public ::testing::Test {
 protected:
  PortScannerTest()
      : metrics_(registry_),
        scanner_(std::make_shared<PortScanner>(io_.get_executor(), metrics_)),
        server_(io_, {asio::ip::address_v4(kLoopback), 0}),
        open_(server_.local_endpoint().port()) {}

  static asio::awaitable<void> Greet(tcp::acceptor& server, std::string greeting) {
    for (;;) {
      auto [error, client] = co_await server.async_accept(kTuple);
      if (error) co_return;
      co_await asio::async_write(client, asio::buffer(greeting), kTuple);
    }
  }

  static asio::awaitable<void> ScanAll(PortScannerTest& test,
                                       std::vector<PortTarget> targets,
                                       std::vector<std::uint16_t> ports) {
    const PortScanner::Known known = [&test](const PortScanner::Found& found) {
      ++test.told_;
      test.known_ = found;
    };
    auto result =
        co_await PortScanner::Scan(test.scanner_, std::move(targets), std::move(ports), known);
    test.results_.push_back(std::move(result));
    if (test.results_.size() == test.wanted_) test.server_.close();
  }

  void Start(std::vector<PortTarget> targets, std::vector<std::uint16_t> ports) {
    ++wanted_;
    asio::co_spawn(io_, ScanAll(*this, std::move(targets), std::move(ports)), asio::detached);
  }

  void Run(std::string greeting) {
    asio::co_spawn(io_, Greet(server_, std::move(greeting)), asio::detached);
    io_.run();
  }

  static int Times(const std::vector<OpenPort>& list, std::uint16_t port) {
    return static_cast<int>(std::count_if(list.begin(), list.end(),
                                          [port](const OpenPort& o) { return o.port == port; }));
  }

  asio::io_context io_;
  prometheus::Registry registry_;
  Metrics metrics_;
  std::shared_ptr<PortScanner> scanner_;
  tcp::acceptor server_;
  std::uint16_t open_;
  int told_ = 0;
  std::size_t wanted_ = 0;
  PortScanner::Found known_;
  std::vector<absl::StatusOr<PortScanner::Found>> results_;
};

TEST_F(PortScannerTest, WhatIsOpenIsKnownBeforeItsGreeting) {
  Start({{kHost, kLoopback, kLoopback}}, {open_});
  Run("220 hello\r\n");
  EXPECT_EQ(told_, 1);
  EXPECT_EQ(known_, (PortScanner::Found{{kHost, {{open_, "", ""}}}}));
  ASSERT_EQ(results_.size(), 1u);
  ASSERT_TRUE(results_[0].ok());
  EXPECT_EQ(*results_[0], (PortScanner::Found{{kHost, {{open_, "", "220 hello"}}}}));
}

TEST_F(PortScannerTest, WhereNothingIsOpenTheListIsEmpty) {
  Start({{kHost, kLoopback, kLoopback}, {kOther, kLoopback, kLoopback}}, {kClosed});
  Run("");
  EXPECT_EQ(told_, 1);
  ASSERT_TRUE(results_[0].ok());
  EXPECT_EQ(*results_[0], (PortScanner::Found{{kHost, {}}, {kOther, {}}}));
}

TEST_F(PortScannerTest, AGreetingIsMadeFitForShowing) {
  Start({{kHost, kLoopback, kLoopback}}, {kClosed, open_});
  Run("\x1b[2J<script>" + std::string(500, 'x') + "\r\nmore");
  ASSERT_TRUE(results_[0].ok());
  const std::string& banner = results_[0]->at(kHost).at(0).banner;
  EXPECT_TRUE(banner.find("[2J<script>xxx") != std::string::npos) << banner;
  EXPECT_EQ(banner.find('\x1b'), std::string::npos);
  EXPECT_EQ(banner.find("more"), std::string::npos);
}

TEST_F(PortScannerTest, OfManyPortsEachIsLookedAtOnce) {
  std::vector<std::uint16_t> ports = {open_};
  for (std::uint16_t port = 1; port <= 1000; ++port)
    ports.push_back(port);
  Start({{kHost, kLoopback, kLoopback}, {kOther, kLoopback, kLoopback}}, ports);
  Run("hello\n");
  ASSERT_TRUE(results_[0].ok());
  for (const auto& host : {kHost, kOther})
    EXPECT_EQ(Times(results_[0]->at(host), open_), 1) << host.ToString();
  double probes = 0;
  for (const auto& family : registry_.Collect()) {
    if (family.name != "tentacle_discovery_port_probes_total") continue;
    for (const auto& metric : family.metric)
      probes += metric.counter.value;
  }
  EXPECT_EQ(probes, 2 * static_cast<double>(ports.size()));
}

TEST_F(PortScannerTest, WhoAcceptsAndSaysNothingIsOpenWithoutAGreeting) {
  Start({{kHost, kLoopback, kLoopback}}, {open_});
  io_.run();  // Nobody greets: the kernel alone accepts.
  ASSERT_TRUE(results_[0].ok());
  EXPECT_EQ(*results_[0], (PortScanner::Found{{kHost, {{open_, "", ""}}}}));
}

TEST_F(PortScannerTest, WhoDoesNotAnswerIsGivenUp) {
  // One place in the queue of connections, and it is taken: the kernel drops what comes further.
  tcp::acceptor full(io_, tcp::v4());
  full.bind({asio::ip::address_v4(kLoopback), 0});
  full.listen(0);
  tcp::socket first(io_);
  first.connect(full.local_endpoint());
  Start({{kHost, kLoopback, kLoopback}}, {full.local_endpoint().port(), open_});
  Run("hello\n");
  ASSERT_TRUE(results_[0].ok());
  EXPECT_EQ(*results_[0], (PortScanner::Found{{kHost, {{open_, "", "hello"}}}}));
}

TEST_F(PortScannerTest, ASecondScanIsRefusedWhileOneRuns) {
  Start({{kHost, kLoopback, kLoopback}}, {open_});
  Start({{kOther, kLoopback, kLoopback}}, {open_});
  Run("hello\n");
  ASSERT_EQ(results_.size(), 2u);
  EXPECT_TRUE(absl::IsUnavailable(results_[0].status()));
  EXPECT_TRUE(results_[1].ok());
}

TEST_F(PortScannerTest, WithoutTargetsItIsKnownAtOnce) {
  Start({}, {open_});
  Run("");
  EXPECT_EQ(told_, 1);
  ASSERT_TRUE(results_[0].ok());
  EXPECT_TRUE(results_[0]->empty());
}

}  // namespace
}  // namespace tentacle::discovery
