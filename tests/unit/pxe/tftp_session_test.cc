// A transfer against a model client, with the network's losses and doubles between them.
#include <deque>

#include <gtest/gtest.h>

#include "services/pxe/core/tftp_options.h"
#include "services/pxe/core/tftp_session.h"
#include "services/pxe/limits.h"

namespace tentacle::pxe {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'760'000'000);

// Does not repeat within 64 KiB, so that a block out of place shows.
std::shared_ptr<const std::string> File(std::size_t size) {
  auto content = std::make_shared<std::string>(size, '\0');
  std::uint32_t state = 1;
  for (char& c : *content) {
    state = state * 1664525u + 1013904223u;
    c = static_cast<char>(state >> 24);
  }
  return content;
}

wire::Buffer Ack(std::uint64_t block) { return wire::EmitTftp(wire::TftpAck{static_cast<std::uint16_t>(block)}); }

wire::TftpPacket Parsed(const wire::Buffer& bytes) {
  auto packet = wire::ParseTftp(bytes);
  EXPECT_TRUE(packet.ok());
  return *std::move(packet);
}

std::uint16_t BlockOf(const TftpSession::Step& step) { return std::get<wire::TftpData>(Parsed(step.send)).block; }

// What a client does: acknowledges the block it waits for, repeats its last word for any other.
struct Client {
  std::string received;
  std::uint64_t block = 0;
  std::uint32_t block_bytes = limits::kTftpBlockBytes;
  bool complete = false;

  wire::Buffer OnPacket(const wire::Buffer& bytes) {
    const wire::TftpPacket packet = Parsed(bytes);
    if (std::holds_alternative<wire::TftpOack>(packet)) return Ack(0);
    const auto& data = std::get<wire::TftpData>(packet);
    if (data.block == static_cast<std::uint16_t>(block + 1)) {
      ++block;
      received.append(data.data.begin(), data.data.end());
      complete = data.data.size() < block_bytes;
    }
    return Ack(block);
  }
};

TEST(TftpOptions, OnlyWhatWasAskedForIsGranted) {
  EXPECT_TRUE(Negotiate({}, 1000).granted.empty());
  const TftpTerms terms = Negotiate({{"blksize", "1432"}, {"tsize", "0"}, {"timeout", "3"}}, 70000);
  const wire::TftpOptionList want = {{"blksize", "1432"}, {"tsize", "70000"}, {"timeout", "3"}};
  EXPECT_EQ(terms.granted, want);
  EXPECT_EQ(terms.block_bytes, 1432u);
  EXPECT_EQ(terms.timeout, absl::Seconds(3));
}

TEST(TftpOptions, BlockSizeOnlyBecomesSmaller) {
  for (const char* asked : {"1469", "8192", "65464", "4294967295"}) {
    EXPECT_EQ(Negotiate({{"blksize", asked}}, 0).block_bytes, limits::kTftpMaxBlockBytes) << asked;
  }
  EXPECT_EQ(Negotiate({{"blksize", "8"}}, 0).block_bytes, 8u);
}

TEST(TftpOptions, SenselessValuesArePassedOver) {
  for (const char* asked : {"", "7", "0", "-1", "1432x", "99999999999", "0x200"}) {
    const TftpTerms terms = Negotiate({{"blksize", asked}}, 0);
    EXPECT_TRUE(terms.granted.empty()) << asked;
    EXPECT_EQ(terms.block_bytes, limits::kTftpBlockBytes) << asked;
  }
  EXPECT_TRUE(Negotiate({{"timeout", "0"}, {"timeout", "256"}, {"windowsize", "4"}}, 0).granted.empty());
}

TEST(TftpSession, WithoutOptionsDataComesAtOnce) {
  TftpSession session(File(700), Negotiate({}, 700));
  TftpSession::Step step = session.Start(kNow);
  EXPECT_EQ(BlockOf(step), 1);
  step = session.OnPacket(Ack(1), kNow);
  EXPECT_EQ(std::get<wire::TftpData>(Parsed(step.send)).data.size(), 700u - 512u);
  EXPECT_EQ(session.acknowledged_bytes(), 512u);
  step = session.OnPacket(Ack(2), kNow);
  EXPECT_EQ(step.outcome, TftpOutcome::kComplete);
  EXPECT_EQ(session.acknowledged_bytes(), 700u);
}

TEST(TftpSession, OptionsAreAcknowledgedFirst) {
  TftpSession session(File(10), Negotiate({{"tsize", "0"}}, 10));
  const TftpSession::Step step = session.Start(kNow);
  EXPECT_EQ(std::get<wire::TftpOack>(Parsed(step.send)).options, (wire::TftpOptionList{{"tsize", "10"}}));
  EXPECT_EQ(BlockOf(session.OnPacket(Ack(0), kNow)), 1);
}

TEST(TftpSession, WholeBlocksEndWithAnEmptyOne) {
  for (const std::size_t size : {0u, 512u, 1024u}) {
    TftpSession session(File(size), Negotiate({}, size));
    TftpSession::Step step = session.Start(kNow);
    for (std::size_t block = 1; block <= size / 512; ++block) step = session.OnPacket(Ack(block), kNow);
    EXPECT_TRUE(std::get<wire::TftpData>(Parsed(step.send)).data.empty()) << size;
    EXPECT_EQ(session.OnPacket(Ack(size / 512 + 1), kNow).outcome, TftpOutcome::kComplete) << size;
  }
}

TEST(TftpSession, LostBlockIsSentAgainAndTheTimeoutGrows) {
  TftpSession session(File(700), Negotiate({}, 700));
  TftpSession::Step step = session.Start(kNow);
  EXPECT_EQ(step.deadline, kNow + absl::Seconds(1));
  const wire::Buffer first = step.send;
  step = session.OnDeadline(step.deadline);
  EXPECT_EQ(step.send, first);
  EXPECT_EQ(step.deadline, kNow + absl::Seconds(1 + 2));
  step = session.OnDeadline(step.deadline);
  EXPECT_EQ(step.deadline, kNow + absl::Seconds(1 + 2 + 4));
  EXPECT_EQ(session.retransmits(), 2u);
  // The next block starts with a short timeout again.
  EXPECT_EQ(session.OnPacket(Ack(1), kNow).deadline, kNow + absl::Seconds(1));
}

TEST(TftpSession, DuplicateAcknowledgementIsNotAnswered) {
  TftpSession session(File(2000), Negotiate({}, 2000));
  session.Start(kNow);
  EXPECT_EQ(BlockOf(session.OnPacket(Ack(1), kNow)), 2);
  EXPECT_TRUE(session.OnPacket(Ack(1), kNow).send.empty());
  EXPECT_EQ(BlockOf(session.OnPacket(Ack(2), kNow)), 3);
}

TEST(TftpSession, StrayPacketsDoNotPutOffTheDeadline) {
  TftpSession session(File(2000), Negotiate({}, 2000));
  session.Start(kNow);
  const absl::Time deadline = session.OnPacket(Ack(1), kNow).deadline;
  // The client has lost block 2 and repeats its last word faster than we time out.
  const absl::Time later = kNow + absl::Milliseconds(900);
  EXPECT_EQ(session.OnPacket(Ack(1), later).deadline, deadline);
  EXPECT_EQ(session.OnPacket(wire::Buffer{0, 9}, later).deadline, deadline);
  EXPECT_EQ(BlockOf(session.OnDeadline(deadline)), 2);
}

TEST(TftpSession, SilenceEndsIt) {
  TftpSession session(File(700), Negotiate({}, 700));
  TftpSession::Step step = session.Start(kNow);
  int sent = 1;
  while (!step.outcome) {
    step = session.OnDeadline(step.deadline);
    if (!step.send.empty()) ++sent;
  }
  EXPECT_EQ(step.outcome, TftpOutcome::kTimedOut);
  EXPECT_EQ(sent, limits::kTftpTries);
}

TEST(TftpSession, LostLastAcknowledgementIsNoFailure) {
  TftpSession session(File(100), Negotiate({}, 100));
  TftpSession::Step step = session.Start(kNow);
  while (!step.outcome) step = session.OnDeadline(step.deadline);
  EXPECT_EQ(step.outcome, TftpOutcome::kComplete);
}

TEST(TftpSession, SizeProbeIsTold) {
  TftpSession session(File(100), Negotiate({{"tsize", "0"}}, 100));
  session.Start(kNow);
  const auto error = wire::EmitTftp(wire::TftpError{wire::TftpErrorCode::kOptionRefused, "aborted"});
  EXPECT_EQ(session.OnPacket(error, kNow).outcome, TftpOutcome::kSizeProbe);
}

TEST(TftpSession, ErrorInTheMiddleIsAnAbort) {
  TftpSession session(File(2000), Negotiate({}, 2000));
  session.Start(kNow);
  session.OnPacket(Ack(1), kNow);
  const auto error = wire::EmitTftp(wire::TftpError{wire::TftpErrorCode::kNotDefined, "no memory"});
  EXPECT_EQ(session.OnPacket(error, kNow).outcome, TftpOutcome::kAborted);
}

TEST(TftpSession, BlockNumbersRollOver) {
  constexpr std::size_t kSize = 8 * 65536 + 100;  // 65549 blocks of 8.
  const auto file = File(kSize);
  TftpSession session(file, Negotiate({{"blksize", "8"}}, kSize));
  Client client;
  client.block_bytes = 8;
  TftpSession::Step step = session.Start(kNow);
  while (!step.outcome) step = session.OnPacket(client.OnPacket(step.send), kNow);
  EXPECT_EQ(client.received, *file);
  EXPECT_EQ(step.outcome, TftpOutcome::kComplete);
  EXPECT_GT(client.block, 65536u);
}

// Loses, doubles and reorders by a seeded sequence; nothing here depends on the clock of the test machine.
class LossyLink : public ::testing::TestWithParam<std::uint32_t> {};

TEST_P(LossyLink, TheFileArrivesWhole) {
  const auto file = File(40'000);
  TftpSession session(file, Negotiate({{"blksize", "1432"}}, file->size()));
  Client client;
  client.block_bytes = 1432;
  std::uint32_t state = GetParam();
  const auto chance = [&state](std::uint32_t percent) {
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % 100 < percent;
  };
  std::deque<wire::Buffer> to_server;
  absl::Time now = kNow;
  TftpSession::Step step = session.Start(now);
  for (int turn = 0; turn < 100'000 && !step.outcome; ++turn) {
    if (!step.send.empty() && !chance(15)) {
      const wire::Buffer answer = client.OnPacket(step.send);
      const int copies = chance(15) ? 2 : 1;
      for (int i = 0; i < copies; ++i) {
        if (!chance(15)) chance(10) ? to_server.push_front(answer) : to_server.push_back(answer);
      }
    }
    if (to_server.empty()) {
      now = step.deadline;
      step = session.OnDeadline(now);
    } else {
      step = session.OnPacket(to_server.front(), now);
      to_server.pop_front();
    }
  }
  EXPECT_EQ(step.outcome, TftpOutcome::kComplete);
  EXPECT_TRUE(client.complete);
  EXPECT_EQ(client.received, *file);
}

INSTANTIATE_TEST_SUITE_P(Seeds, LossyLink, ::testing::Range(1u, 41u));

}  // namespace
}  // namespace tentacle::pxe
