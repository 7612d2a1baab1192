#include "services/uplink/core/delivery.h"

#include <gtest/gtest.h>

namespace tentacle::uplink {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'800'000'000);

event::v1::FetchEventsResponse Page(const std::string& epoch,
                                    std::uint64_t confirmed,
                                    std::vector<std::uint64_t> sequences) {
  event::v1::FetchEventsResponse page;
  page.set_epoch(epoch);
  page.set_confirmed_sequence(confirmed);
  for (const std::uint64_t sequence : sequences)
    page.add_events()->set_sequence(sequence);
  return page;
}

TEST(EventIds, GoBothWays) {
  const auto id = ParseEventId(FormatEventId({Service::kCache, "5a1f", 17}));
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(id->service, Service::kCache);
  EXPECT_EQ(id->epoch, "5a1f");
  EXPECT_EQ(id->sequence, 17u);
}

TEST(EventIds, WhatIsNoneOfOursIsNothing) {
  for (const char* text :
       {"", "x", "pxe/5a", "pxe/5a/", "pxe/5a/x", "pxe/5a/1x", "dns/5a/1", "/5a/1", "pxe/5a/-1"}) {
    EXPECT_FALSE(ParseEventId(text).has_value()) << text;
  }
}

TEST(Delivery, ConfirmsOnlyWhatWasAcknowledged) {
  Delivery delivery(64);
  EXPECT_EQ(delivery.OnFetched(Page("e", 3, {4, 5, 6})).size(), 3u);
  EXPECT_EQ(delivery.after(), 6u);
  for (const std::uint64_t sequence : {4u, 5u, 6u})
    delivery.OnWritten(sequence);
  EXPECT_FALSE(delivery.ConfirmThrough().has_value());
  EXPECT_TRUE(delivery.OnAck("e", 4));
  EXPECT_EQ(delivery.ConfirmThrough(), 4u);
  delivery.OnConfirmed(4);
  EXPECT_FALSE(delivery.ConfirmThrough().has_value());
}

TEST(Delivery, LostAckHoldsBackEverythingBehindIt) {
  Delivery delivery(64);
  delivery.OnFetched(Page("e", 0, {1, 2, 3}));
  delivery.OnAck("e", 2);
  delivery.OnAck("e", 3);
  EXPECT_FALSE(delivery.ConfirmThrough().has_value());
  delivery.OnAck("e", 1);
  EXPECT_EQ(delivery.ConfirmThrough(), 3u);
  EXPECT_EQ(delivery.in_flight(), 0u);
}

TEST(Delivery, GapsInTheLogAreNoHindrance) {
  Delivery delivery(64);
  delivery.OnFetched(Page("e", 0, {10, 20}));
  delivery.OnAck("e", 10);
  delivery.OnAck("e", 20);
  EXPECT_EQ(delivery.ConfirmThrough(), 20u);
}

TEST(Delivery, WindowIsNeverExceeded) {
  Delivery delivery(2);
  EXPECT_EQ(delivery.OnFetched(Page("e", 0, {1, 2, 3})).size(), 2u);
  EXPECT_EQ(delivery.room(), 0u);
  EXPECT_EQ(delivery.after(), 2u);
  delivery.OnAck("e", 1);
  EXPECT_EQ(delivery.room(), 1u);
  EXPECT_EQ(delivery.OnFetched(Page("e", 0, {3})).size(), 1u);
}

TEST(Delivery, NothingIsSentTwiceWithinAConnection) {
  Delivery delivery(64);
  delivery.OnFetched(Page("e", 0, {1, 2}));
  EXPECT_TRUE(delivery.OnFetched(Page("e", 0, {1, 2})).empty());
}

TEST(Delivery, WhatWasNotAcknowledgedIsRepeatedAfterAReconnect) {
  Delivery first(64);
  first.OnFetched(Page("e", 0, {1, 2}));
  first.OnAck("e", 1);
  // The log has forgotten 1, because it was confirmed; 2 comes again.
  Delivery second(64);
  EXPECT_EQ(second.after(), 0u);
  const auto again = second.OnFetched(Page("e", 1, {2}));
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again.front().sequence(), 2u);
}

TEST(Delivery, AckOfAnotherEpochOrTwiceIsNotExpected) {
  Delivery delivery(64);
  delivery.OnFetched(Page("e", 0, {1, 2}));
  EXPECT_FALSE(delivery.OnAck("old", 1));
  EXPECT_FALSE(delivery.OnAck("e", 9));
  EXPECT_TRUE(delivery.OnAck("e", 2));
  EXPECT_FALSE(delivery.OnAck("e", 2));
}

TEST(Delivery, NewLogIsReadFromItsStart) {
  Delivery delivery(64);
  delivery.OnFetched(Page("old", 0, {7, 8}));
  EXPECT_TRUE(delivery.OnFetched(Page("new", 0, {9})).empty());
  EXPECT_EQ(delivery.after(), 0u);
  EXPECT_EQ(delivery.in_flight(), 0u);
  EXPECT_EQ(delivery.OnFetched(Page("new", 0, {1})).size(), 1u);
  EXPECT_FALSE(delivery.OnAck("old", 7));
}

TEST(Delivery, UnsendableEventDoesNotBlockTheOthers) {
  Delivery delivery(64);
  delivery.OnFetched(Page("e", 0, {1, 2}));
  delivery.OnUnsendable(1);
  delivery.OnAck("e", 2);
  EXPECT_EQ(delivery.ConfirmThrough(), 2u);
}

TEST(Delivery, PlainPeerHasWhatIsWrittenAndNothingElse) {
  Delivery delivery(64);
  delivery.OnFetched(Page("e", 0, {1, 2, 3}));
  delivery.OnWritten(1);
  delivery.OnWritten(2);
  delivery.AcknowledgeWritten();
  EXPECT_EQ(delivery.ConfirmThrough(), 2u);
  EXPECT_EQ(delivery.in_flight(), 1u);
}

TEST(AckWatch, PeerIsPlainTenSecondsAfterTheFirstMessage) {
  AckWatch acks(absl::Seconds(10), absl::Minutes(2));
  EXPECT_FALSE(acks.IsPlain(kStart));
  EXPECT_EQ(acks.NextLook(), absl::InfiniteFuture());
  acks.OnSent(kStart);
  acks.OnSent(kStart + absl::Seconds(5));
  EXPECT_EQ(acks.NextLook(), kStart + absl::Seconds(10));
  EXPECT_FALSE(acks.IsPlain(kStart + absl::Milliseconds(9999)));
  EXPECT_TRUE(acks.IsPlain(kStart + absl::Seconds(10)));
  EXPECT_FALSE(acks.IsStalled(kStart + absl::Hours(1)));
}

TEST(AckWatch, OneAckMakesThePeerOneThatAcknowledges) {
  AckWatch acks(absl::Seconds(10), absl::Minutes(2));
  acks.OnSent(kStart);
  acks.OnAck(kStart + absl::Seconds(11));
  EXPECT_FALSE(acks.IsPlain(kStart + absl::Hours(1)));
}

TEST(AckWatch, PeerThatStopsAcknowledgingIsStalled) {
  AckWatch acks(absl::Seconds(10), absl::Minutes(2));
  acks.OnSent(kStart);
  acks.OnSent(kStart);
  acks.OnAck(kStart + absl::Seconds(1));
  EXPECT_EQ(acks.NextLook(), kStart + absl::Seconds(121));
  EXPECT_FALSE(acks.IsStalled(kStart + absl::Seconds(120)));
  EXPECT_TRUE(acks.IsStalled(kStart + absl::Seconds(121)));
}

TEST(AckWatch, PeerThatDoesNotListenForNowIsNeitherPlainNorStalled) {
  AckWatch acks(absl::Seconds(10), absl::Minutes(2));
  acks.OnSent(kStart);
  acks.Suspend();
  EXPECT_FALSE(acks.IsPlain(kStart + absl::Hours(1)));
  EXPECT_FALSE(acks.IsStalled(kStart + absl::Hours(1)));
  EXPECT_EQ(acks.NextLook(), absl::InfiniteFuture());
}

TEST(AckWatch, QuietHoursAreNoStall) {
  AckWatch acks(absl::Seconds(10), absl::Minutes(2));
  acks.OnSent(kStart);
  acks.OnAck(kStart);
  EXPECT_FALSE(acks.IsStalled(kStart + absl::Hours(9)));
  acks.OnSent(kStart + absl::Hours(9));
  EXPECT_FALSE(acks.IsStalled(kStart + absl::Hours(9) + absl::Seconds(119)));
}

}  // namespace
}  // namespace tentacle::uplink
