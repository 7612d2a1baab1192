// A neighbour that may talk to a service but has lost its mind: others are still answered.
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "libs/rpc/call.h"
#include "libs/rpc/limits.h"
#include "tests/rpc/raw_health.h"
#include "tests/rpc/raw_peer.h"
#include "tests/support/child.h"
#include "tests/support/env_number.h"
#include "tests/support/temp_dir.h"

namespace tentacle::rpc {
namespace {

using testing::Frame;
using testing::kPreface;
using testing::RawPeer;

constexpr int kHeaders = 1;
constexpr int kSettings = 4;
constexpr int kPing = 6;
constexpr int kConnections = 500;
constexpr long kShortCalls = 2000;

class Abuse : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string line;
    ASSERT_TRUE(server_.ReadLine(line));
    ASSERT_EQ(line, "serving");
  }

  // By somebody else, over a connection of its own.
  void ExpectHealthy() const {
    const auto before = std::chrono::steady_clock::now();
    const grpc::Status status = testing::CheckHealth(Dial(path_), std::chrono::seconds(20));
    EXPECT_TRUE(status.ok()) << status.error_code() << " " << status.error_message();
    const std::chrono::duration<double, std::milli> took =
        std::chrono::steady_clock::now() - before;
    slowest_ms_ = std::max(slowest_ms_, took.count());
  }

  void TearDown() override { fmt::print("slowest health check: {:.0f} ms\n", slowest_ms_); }

  TempDir dir_;
  std::string path_ = dir_ / "s.sock";
  testing::Child server_{
      {RPC_PEER, "serve", path_, std::to_string(::geteuid()), std::to_string(::getegid()), "0"}};
  mutable double slowest_ms_ = 0;
};

TEST_F(Abuse, FiveHundredSilentConnections) {
  std::vector<RawPeer> peers;
  for (int i = 0; i < kConnections; ++i)
    peers.emplace_back(path_);
  ExpectHealthy();
}

TEST_F(Abuse, OutOfDescriptorsItServesAgainWhenTheyAreFree) {
  const rlimit few{64, 64};
  ASSERT_EQ(::prlimit(server_.pid(), RLIMIT_NOFILE, &few, nullptr), 0);
  {
    std::vector<RawPeer> peers;
    for (int i = 0; i < 200; ++i)
      peers.emplace_back(path_);
    // One that the service can still hold is answered by its settings.
    EXPECT_TRUE(peers.front().Send(std::string(kPreface) + Frame(kSettings, 0, 0, "")));
    EXPECT_FALSE(peers.front().Read(9).empty());
  }
  ExpectHealthy();
}

TEST_F(Abuse, AMessageOfFiveMegabytesIsRefused) {
  std::string answer;
  const grpc::Status status =
      testing::RawCall(Dial(path_), "/grpc.health.v1.Health/Check", std::string(5 << 20, '\0'),
                       std::chrono::seconds(20), answer);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
  ExpectHealthy();
}

TEST_F(Abuse, BytesThatAreNoHttp2) {
  std::mt19937 random(7);
  for (int i = 0; i < 200; ++i) {
    const RawPeer peer(path_);
    std::string bytes(random() % 3000, '\0');
    std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<char>(random()); });
    // Every other one gets past the preface, every fourth past a frame's header.
    if (i % 2 == 1) bytes = std::string(kPreface) + bytes;
    if (i % 4 == 3) {
      const auto type = static_cast<int>(random() % 12);
      bytes = std::string(kPreface) + Frame(kSettings, 0, 0, "") +
              Frame(type, static_cast<int>(random() % 256), static_cast<std::uint32_t>(i), bytes);
    }
    peer.Send(bytes);
    if (i % 50 == 0) ExpectHealthy();
  }
  ExpectHealthy();
}

TEST_F(Abuse, APrefaceByteByByte) {
  const RawPeer peer(path_);
  for (const char byte : kPreface) {
    EXPECT_TRUE(peer.Send(std::string(1, byte)));
    ExpectHealthy();
  }
}

TEST_F(Abuse, APeerThatNeverReadsItsAnswers) {
  const RawPeer peer(path_);
  ASSERT_TRUE(peer.Send(std::string(kPreface) + Frame(kSettings, 0, 0, "")));
  // Every ping is to be answered (RFC 9113, 6.7); the answers pile up in the service.
  const std::string ping = Frame(kPing, 0, 0, std::string(8, 'p'));
  std::string pings;
  for (int i = 0; i < 1000; ++i)
    pings += ping;
  int rounds = 0;
  while (rounds < 2000 && peer.Send(pings))
    ++rounds;
  fmt::print("took {} x 1000 pings\n", rounds);
  ExpectHealthy();
}

TEST_F(Abuse, HeadersWithoutAnEnd) {
  const RawPeer peer(path_);
  ASSERT_TRUE(peer.Send(std::string(kPreface) + Frame(kSettings, 0, 0, "")));
  // Neither END_HEADERS nor a continuation that has it, far beyond the limit of headers.
  const std::string field = std::string("\x10\x04name\x7f\x01", 8) + std::string(128, 'v');
  std::string fields;
  for (int i = 0; i < 100; ++i)
    fields += field;
  bool taken = peer.Send(Frame(kHeaders, 0, 1, fields));
  for (int i = 0; i < 1000 && taken; ++i)
    taken = peer.Send(Frame(9, 0, 1, fields));
  ExpectHealthy();
}

TEST_F(Abuse, TheLimitOfConcurrentCallsIsAnnounced) {
  const RawPeer peer(path_);
  ASSERT_TRUE(peer.Send(std::string(kPreface) + Frame(kSettings, 0, 0, "")));
  const std::string answer = peer.Read(9 + 6);
  ASSERT_GE(answer.size(), 15u);
  ASSERT_EQ(answer[3], kSettings);
  const std::size_t length = static_cast<unsigned char>(answer[2]);
  int announced = -1;
  for (std::size_t at = 9; at + 6 <= std::min(answer.size(), 9 + length); at += 6) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(answer[at + i]); };
    if (byte(0) * 256 + byte(1) == 3) announced = byte(4) * 256 + byte(5);  // RFC 9113, 6.5.2.
  }
  EXPECT_EQ(announced, limits::kMaxConcurrentStreams);
}

TEST_F(Abuse, ManyCallsOneAfterAnother) {
  const long calls = testing::EnvNumber("TENTACLE_TEST_CALLS", kShortCalls);
  const auto channel = Dial(path_);
  long answered = 0;
  for (long i = 0; i < calls; ++i) {
    if (testing::CheckHealth(channel, std::chrono::seconds(20)).ok()) ++answered;
  }
  EXPECT_EQ(answered, calls);
  ExpectHealthy();
}

}  // namespace
}  // namespace tentacle::rpc
