// Windows (RFC 7440), and whole transfers over lines that lose, double and reorder.
#include <deque>

#include <gtest/gtest.h>

#include "tests/unit/pxe/tftp_model.h"

namespace tentacle::pxe {
namespace {

using namespace tentacle::testing;  // NOLINT(google-build-using-namespace): packets and clients.

TEST(TftpWindow, AWholeWindowIsSentAndAcknowledgedAtOnce) {
  TftpSession session(File(8 * 100), Negotiate({{"blksize", "8"}, {"windowsize", "4"}}, 800));
  session.Start(kNow);
  EXPECT_EQ(Blocks(session.OnPacket(Ack(0), kNow)), (std::vector<std::uint64_t>{1, 2, 3, 4}));
  EXPECT_EQ(Blocks(session.OnPacket(Ack(4), kNow)), (std::vector<std::uint64_t>{5, 6, 7, 8}));
  EXPECT_EQ(session.retransmits(), 0u);
}

TEST(TftpWindow, AnAcknowledgementInTheMiddleGoesBackToTheGap) {
  TftpSession session(File(800), Negotiate({{"blksize", "8"}, {"windowsize", "4"}}, 800));
  session.Start(kNow);
  session.OnPacket(Ack(0), kNow);
  EXPECT_EQ(Blocks(session.OnPacket(Ack(2), kNow)), (std::vector<std::uint64_t>{3, 4, 5, 6}));
  EXPECT_EQ(session.retransmits(), 2u);
}

TEST(TftpWindow, ALostFirstBlockIsAskedForByTheLastWordAgainButADoubleIsNot) {
  TftpSession session(File(800), Negotiate({{"blksize", "8"}, {"windowsize", "4"}}, 800));
  absl::Time now = kNow;
  session.Start(now);
  session.OnPacket(Ack(0), now += absl::Milliseconds(10));
  session.OnPacket(Ack(4), now += absl::Milliseconds(10));
  // A double made on the way comes at once; a client's word takes a round trip.
  EXPECT_TRUE(IsSilent(session.OnPacket(Ack(4), now + absl::Milliseconds(1))));
  EXPECT_EQ(Blocks(session.OnPacket(Ack(4), now += absl::Milliseconds(10))),
            (std::vector<std::uint64_t>{5, 6, 7, 8}));
  EXPECT_TRUE(IsSilent(session.OnPacket(Ack(4), now + absl::Milliseconds(1))));
}

TEST(TftpWindow, AnAcknowledgementOfWhatWasNotSentIsNone) {
  TftpSession session(File(800), Negotiate({{"blksize", "8"}, {"windowsize", "4"}}, 800));
  session.Start(kNow);
  session.OnPacket(Ack(0), kNow);
  for (const std::uint64_t block : {5u, 100u, 65'535u})
    EXPECT_TRUE(IsSilent(session.OnPacket(Ack(block), kNow)));
  EXPECT_EQ(Blocks(session.OnPacket(Ack(4), kNow)).front(), 5u);
}

TEST(TftpWindow, RollsOverInsideAWindow) {
  constexpr std::size_t kSize = 8 * 65'600;
  TftpSession session(File(kSize), Negotiate({{"blksize", "8"}, {"windowsize", "64"}}, kSize));
  session.Start(kNow);
  TftpSession::Step step = session.OnPacket(Ack(0), kNow);
  while (!step.outcome)
    step = session.OnPacket(Ack(step.first_block + step.blocks - 1), kNow);
  EXPECT_EQ(step.outcome, TftpOutcome::kComplete);
  EXPECT_EQ(session.acknowledged_bytes(), kSize);
}

// Loses, doubles and reorders by a seeded sequence; nothing here depends on the clock of the test
// machine.
class LossyLink : public ::testing::TestWithParam<std::uint32_t> {
 protected:
  bool Chance(std::uint32_t percent) {
    state_ = state_ * 1664525u + 1013904223u;
    return (state_ >> 8) % 100 < percent;
  }

  // Through a line that loses, doubles and reorders so many in a hundred.
  void Carry(const std::vector<wire::Buffer>& packets,
             std::uint32_t bad,
             std::deque<wire::Buffer>* line) {
    for (const wire::Buffer& packet : packets) {
      if (Chance(bad)) continue;
      const int copies = Chance(bad) ? 2 : 1;
      for (int i = 0; i < copies; ++i)
        Chance(bad) ? line->push_front(packet) : line->push_back(packet);
    }
  }

  std::uint32_t state_ = GetParam();
};

TEST_P(LossyLink, TheFileArrivesWhole) {
  const auto file = File(40'000 + GetParam() * 7);
  for (const std::uint32_t window : {1u, 4u, 16u, 64u}) {
    TftpSession session(
        file,
        Negotiate({{"blksize", "512"}, {"windowsize", std::to_string(window)}}, file->size()));
    WindowClient client;
    client.block_bytes = 512;
    client.window = window;
    std::deque<wire::Buffer> to_client;
    std::deque<wire::Buffer> to_server;
    absl::Time now = kNow;
    TftpSession::Step step = session.Start(now);
    Carry(Sent(session, step), 10, &to_client);
    for (int turn = 0; turn < 100'000 && !step.outcome; ++turn) {
      now += absl::Microseconds(100);
      if (!to_client.empty()) {
        const auto answer = client.OnPacket(to_client.front());
        to_client.pop_front();
        if (answer) Carry({*answer}, 10, &to_server);
      } else if (!to_server.empty()) {
        step = session.OnPacket(to_server.front(), now);
        to_server.pop_front();
        Carry(Sent(session, step), 10, &to_client);
      } else {
        now = std::max(now, step.deadline);
        step = session.OnDeadline(now);
        Carry(Sent(session, step), 10, &to_client);
      }
    }
    EXPECT_EQ(step.outcome, TftpOutcome::kComplete) << window;
    EXPECT_TRUE(client.complete) << window;
    EXPECT_EQ(client.received, *file) << window;
  }
}

// C6: a line that only doubles brings no block twice.
TEST_P(LossyLink, DoublesAreNotAnsweredTwice) {
  const auto file = File(200'000);
  TftpSession session(file, Negotiate({{"blksize", "512"}}, file->size()));
  WindowClient client;
  client.block_bytes = 512;
  std::deque<wire::Buffer> to_server;
  std::size_t sent = 0;
  TftpSession::Step step = session.Start(kNow);
  while (!step.outcome) {
    for (const wire::Buffer& packet : Sent(session, step)) {
      ++sent;
      const int copies = Chance(20) ? 2 : 1;
      for (int i = 0; i < copies; ++i) {
        if (const auto answer = client.OnPacket(packet)) to_server.push_back(*answer);
        if (Chance(20) && !to_server.empty()) to_server.push_back(to_server.back());
      }
    }
    ASSERT_FALSE(to_server.empty());
    step = session.OnPacket(to_server.front(), kNow);
    to_server.pop_front();
  }
  EXPECT_EQ(client.received, *file);
  EXPECT_EQ(sent, 1 + file->size() / 512 + 1);
}

INSTANTIATE_TEST_SUITE_P(Seeds, LossyLink, ::testing::Range(1u, 41u));

}  // namespace
}  // namespace tentacle::pxe
