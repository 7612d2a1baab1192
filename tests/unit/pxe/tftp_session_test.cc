// A transfer against a model client.
#include <gtest/gtest.h>

#include "tests/unit/pxe/tftp_model.h"

namespace tentacle::pxe {
namespace {

using namespace tentacle::testing;  // NOLINT(google-build-using-namespace): packets and clients.

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
  EXPECT_TRUE(
      Negotiate({{"timeout", "0"}, {"timeout", "256"}, {"windowsize", "0"}}, 0).granted.empty());
}

TEST(TftpOptions, WindowsOnlyBecomeSmaller) {
  EXPECT_EQ(Negotiate({{"windowsize", "16"}}, 0).window, 16u);
  EXPECT_EQ(Negotiate({{"windowsize", "65535"}}, 0).window, limits::kTftpMaxWindow);
  EXPECT_EQ(Negotiate({{"windowsize", "65536"}}, 0).window, 1u);
  EXPECT_EQ(Negotiate({{"windowsize", "16"}}, 0, {1468, 4}).window, 4u);
}

TEST(TftpOptions, BlocksFollowThePathsMtu) {
  EXPECT_EQ(BlockBytesOf(1500), 1468u);
  EXPECT_EQ(BlockBytesOf(1420), 1388u);
  EXPECT_EQ(BlockBytesOf(9000), 8968u);
  EXPECT_EQ(BlockBytesOf(68), limits::kTftpBlockBytes);
  EXPECT_EQ(BlockBytesOf(65'536), limits::kTftpLargestBlockBytes);
  EXPECT_EQ(Negotiate({{"blksize", "1468"}}, 0, {1388, 64}).granted,
            (wire::TftpOptionList{{"blksize", "1388"}}));
}

TEST(TftpSession, WithoutOptionsDataComesAtOnce) {
  TftpSession session(File(700), Negotiate({}, 700));
  TftpSession::Step step = session.Start(kNow);
  EXPECT_EQ(BlockOf(session, step), 1);
  step = session.OnPacket(Ack(1), kNow);
  EXPECT_EQ(std::get<wire::TftpData>(Parsed(OnlyPacket(session, step))).data.size(), 700u - 512u);
  EXPECT_EQ(session.acknowledged_bytes(), 512u);
  step = session.OnPacket(Ack(2), kNow);
  EXPECT_EQ(step.outcome, TftpOutcome::kComplete);
  EXPECT_EQ(session.acknowledged_bytes(), 700u);
}

TEST(TftpSession, OptionsAreAcknowledgedFirst) {
  TftpSession session(File(10), Negotiate({{"tsize", "0"}}, 10));
  const TftpSession::Step step = session.Start(kNow);
  EXPECT_EQ(std::get<wire::TftpOack>(Parsed(OnlyPacket(session, step))).options,
            (wire::TftpOptionList{{"tsize", "10"}}));
  EXPECT_EQ(BlockOf(session, session.OnPacket(Ack(0), kNow)), 1);
}

TEST(TftpSession, WholeBlocksEndWithAnEmptyOne) {
  for (const std::size_t size : {0u, 512u, 1024u}) {
    TftpSession session(File(size), Negotiate({}, size));
    TftpSession::Step step = session.Start(kNow);
    for (std::size_t block = 1; block <= size / 512; ++block)
      step = session.OnPacket(Ack(block), kNow);
    EXPECT_TRUE(std::get<wire::TftpData>(Parsed(OnlyPacket(session, step))).data.empty()) << size;
    EXPECT_EQ(session.OnPacket(Ack(size / 512 + 1), kNow).outcome, TftpOutcome::kComplete) << size;
  }
}

TEST(TftpSession, LostBlockIsSentAgainAndTheTimeoutGrows) {
  TftpSession session(File(700), Negotiate({{"tsize", "0"}}, 700));
  TftpSession::Step step = session.Start(kNow);
  EXPECT_EQ(step.deadline, kNow + absl::Seconds(1));
  const wire::Buffer first = OnlyPacket(session, step);
  step = session.OnDeadline(step.deadline);
  EXPECT_EQ(OnlyPacket(session, step), first);
  EXPECT_EQ(step.deadline, kNow + absl::Seconds(1 + 2));
  step = session.OnDeadline(step.deadline);
  EXPECT_EQ(step.deadline, kNow + absl::Seconds(1 + 2 + 4));
  EXPECT_EQ(session.retransmits(), 2u);
  // The next block starts with a short timeout again.
  EXPECT_EQ(session.OnPacket(Ack(0), kNow).deadline, kNow + absl::Seconds(1));
}

TEST(TftpSession, DuplicateAcknowledgementIsNotAnswered) {
  TftpSession session(File(2000), Negotiate({}, 2000));
  session.Start(kNow);
  EXPECT_EQ(BlockOf(session, session.OnPacket(Ack(1), kNow)), 2);
  EXPECT_TRUE(IsSilent(session.OnPacket(Ack(1), kNow)));
  EXPECT_EQ(BlockOf(session, session.OnPacket(Ack(2), kNow)), 3);
}

TEST(TftpSession, StrayPacketsDoNotPutOffTheDeadline) {
  TftpSession session(File(2000), Negotiate({}, 2000));
  session.Start(kNow);
  const absl::Time deadline = session.OnPacket(Ack(1), kNow).deadline;
  // The client has lost block 2 and repeats its last word faster than we time out.
  const absl::Time later = kNow + absl::Milliseconds(900);
  EXPECT_EQ(session.OnPacket(Ack(1), later).deadline, deadline);
  EXPECT_EQ(session.OnPacket(wire::Buffer{0, 9}, later).deadline, deadline);
  EXPECT_EQ(BlockOf(session, session.OnDeadline(deadline)), 2);
}

TEST(TftpSession, SilenceEndsIt) {
  TftpSession session(File(700), Negotiate({{"tsize", "0"}}, 700));
  TftpSession::Step step = session.Start(kNow);
  int sent = 1;
  while (!step.outcome) {
    step = session.OnDeadline(step.deadline);
    if (!IsSilent(step)) ++sent;
  }
  EXPECT_EQ(step.outcome, TftpOutcome::kTimedOut);
  EXPECT_EQ(sent, limits::kTftpSilentTries);
}

TEST(TftpSession, LostLastAcknowledgementIsNoFailure) {
  TftpSession session(File(600), Negotiate({}, 600));
  session.Start(kNow);
  TftpSession::Step step = session.OnPacket(Ack(1), kNow);
  while (!step.outcome)
    step = session.OnDeadline(step.deadline);
  EXPECT_EQ(step.outcome, TftpOutcome::kComplete);
}

TEST(TftpSession, AClientThatStopsForAWhileIsNotLost) {
  TftpSession session(File(5000), Negotiate({}, 5000));
  session.Start(kNow);
  TftpSession::Step step = session.OnPacket(Ack(1), kNow + absl::Milliseconds(1));
  absl::Time now = kNow;
  while (!step.outcome) {
    EXPECT_GT(step.deadline, now);
    now = step.deadline;
    step = session.OnDeadline(now);
  }
  EXPECT_EQ(step.outcome, TftpOutcome::kTimedOut);
  EXPECT_GE(now - kNow, limits::kTftpGiveUp);
  EXPECT_LE(now - kNow, limits::kTftpGiveUp + limits::kTftpMaxTimeout);
}

TEST(TftpSession, TheTimeoutFollowsTheRoundTrip) {
  TftpSession session(File(500'000), Negotiate({}, 500'000));
  TftpSession::Step step = session.Start(kNow);
  absl::Time now = kNow;
  for (int block = 1; block <= 50; ++block)
    step = session.OnPacket(Ack(block), now += absl::Milliseconds(20));
  EXPECT_EQ(session.round_trip(), absl::Milliseconds(20));
  EXPECT_GE(step.deadline - now, limits::kTftpMinTimeout);
  EXPECT_LE(step.deadline - now, absl::Milliseconds(60));
  // Karn: the answer to what was sent twice tells nothing.
  step = session.OnDeadline(step.deadline);
  session.OnPacket(Ack(51), now + absl::Seconds(9));
  EXPECT_EQ(session.round_trip(), absl::Milliseconds(20));
}

TEST(TftpSession, AForgedRequestBringsItsVictimLittle) {
  const wire::TftpRequest request{
      false, "ipxe.efi", "octet", {{"tsize", "0"}, {"blksize", "1432"}, {"windowsize", "64"}}};
  TftpSession session(File(500'000), Negotiate(request.options, 500'000));
  std::size_t octets = 0;
  absl::Time now = kNow;
  TftpSession::Step step = session.Start(now);
  while (!step.outcome) {
    for (const auto& packet : Sent(session, step))
      octets += packet.size();
    now = step.deadline;
    step = session.OnDeadline(now);
  }
  EXPECT_LE(octets, 10 * wire::EmitTftp(request).size());
  EXPECT_LE(now - kNow, absl::Seconds(10));
}

// Without options the first answer is a whole block: one goes out for each request, however long
// nobody says anything.
TEST(TftpSession, ARequestWithoutOptionsBringsOneBlockAndARepeatedOneAnother) {
  TftpSession session(File(500'000), Negotiate({}, 500'000));
  TftpSession::Step step = session.Start(kNow);
  EXPECT_EQ(BlockOf(session, step), 1);
  step = session.OnDeadline(step.deadline);
  EXPECT_TRUE(IsSilent(step));
  const absl::Time deadline = step.deadline;
  EXPECT_GT(deadline, kNow + absl::Seconds(1));
  step = session.OnRequestAgain(kNow + absl::Seconds(2));
  EXPECT_EQ(BlockOf(session, step), 1);
  EXPECT_EQ(step.deadline, deadline);
  while (!step.outcome) {
    step = session.OnDeadline(step.deadline);
    EXPECT_TRUE(IsSilent(step));
  }
  EXPECT_EQ(step.outcome, TftpOutcome::kTimedOut);
}

TEST(TftpSession, AClientThatHasAnsweredIsRepeatedToWithoutAsking) {
  TftpSession session(File(2000), Negotiate({}, 2000));
  session.Start(kNow);
  const absl::Time deadline = session.OnPacket(Ack(1), kNow).deadline;
  EXPECT_TRUE(IsSilent(session.OnRequestAgain(kNow)));
  EXPECT_EQ(BlockOf(session, session.OnDeadline(deadline)), 2);
}

TEST(TftpSession, ARepeatedRequestWithOptionsWaitsForTheDeadline) {
  TftpSession session(File(2000), Negotiate({{"tsize", "0"}}, 2000));
  const absl::Time deadline = session.Start(kNow).deadline;
  EXPECT_TRUE(IsSilent(session.OnRequestAgain(kNow)));
  EXPECT_FALSE(IsSilent(session.OnDeadline(deadline)));
}

TEST(TftpSession, SizeProbeIsTold) {
  TftpSession session(File(100), Negotiate({{"tsize", "0"}}, 100));
  session.Start(kNow);
  const auto error =
      wire::EmitTftp(wire::TftpError{wire::TftpErrorCode::kOptionRefused, "aborted"});
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
  while (!step.outcome)
    step = session.OnPacket(client.OnPacket(OnlyPacket(session, step)), kNow);
  EXPECT_EQ(client.received, *file);
  EXPECT_EQ(step.outcome, TftpOutcome::kComplete);
  EXPECT_GT(client.block, 65536u);
}

}  // namespace
}  // namespace tentacle::pxe
