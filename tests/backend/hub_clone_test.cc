// Two connections with one key: the same process again, a line that died, and a copy of the
// machine.
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "tests/backend/hub_bench.h"

namespace tentacle::backend {
namespace {

namespace json = boost::json;

class HubClone : public ::testing::Test {
 protected:
  HubClone() {
    one_.instance = "boot-1.process-1";
    second_.instance = "boot-2.process-1";
  }

  json::value Node(const std::string& pointer) {
    return bench_.Field("/api/v1/tentacles/" + one_.text_id(), pointer);
  }

  // Connects the second while the first lives.
  void ConnectTheClone() {
    one_.ConnectAndSync();
    one_.AnswerWhile([&] {
      EXPECT_EQ(second_.Connect(), absl::OkStatus());
      EXPECT_EQ(second_.Next().at("type"), "quarantine");
    });
    EXPECT_TRUE(bench_.Until([&] { return Node("/clone/connected") == true; }));
  }

  Bench& bench_ = Bench::Get();
  FakeTentacle one_;
  FakeTentacle second_{one_};
};

TEST_F(HubClone, IsQuarantinedShownAndDisturbsNobody) {
  ConnectTheClone();
  EXPECT_EQ(Node("/clone/address"), "127.0.0.1");
  EXPECT_EQ(Node("/clone/instance"), "boot-2.process-1");
  EXPECT_EQ(Node("/online"), true);
  EXPECT_EQ(Node("/reason"), "connected from 127.0.0.1");
  // The first works as ever.
  one_.Report("a/1/1", {{"type", "link"}, {"latencyMs", 1}});
  bench_.Json("POST", "/api/v1/tentacles/" + one_.text_id() + "/scan", json::object{});
  EXPECT_EQ(one_.Next().at("type"), "scan.start");
  // Nothing of the second counts and nothing goes to it, but it stays connected.
  second_.Send(json::object{{"type", "link"}, {"id", "b/1/1"}, {"latencyMs", 77}});
  one_.Report("a/1/2", {{"type", "metrics"}, {"time", "2026-01-01T00:00:00Z"}});
  EXPECT_TRUE(second_.IsQuiet());
  EXPECT_EQ(Node("/link/latencyMs"), 1);
  second_.Close();
  EXPECT_TRUE(bench_.Until([&] { return Node("/clone/connected") == false; }));
  EXPECT_EQ(Node("/online"), true);
}

TEST_F(HubClone, DoesNotSlipInWhileTheOriginalIsAwayForAMoment) {
  ConnectTheClone();
  second_.Close();
  one_.Close();
  EXPECT_TRUE(bench_.Until([&] { return Node("/online") == false; }));
  EXPECT_EQ(second_.Connect(), absl::OkStatus());
  EXPECT_EQ(second_.Next().at("type"), "quarantine");
  one_.instance = "boot-1.process-2";  // Restarted.
  one_.ConnectAndSync();
  EXPECT_EQ(Node("/online"), true);
}

TEST_F(HubClone, IsLetInOnceAPersonHasDecidedSo) {
  ConnectTheClone();
  one_.Close();
  EXPECT_TRUE(bench_.Until([&] { return Node("/online") == false; }));
  EXPECT_EQ(bench_.Call("DELETE", "/api/v1/tentacles/" + one_.text_id() + "/clone").status, 204U);
  EXPECT_FALSE(second_.End().ok());
  EXPECT_TRUE(bench_.Until(
      [&] { return second_.Connect().ok() && second_.Next().at("type") == "tasks.sync"; }));
}

TEST_F(HubClone, IsLetInWhenTheOriginalHasBeenAwayForLong) {
  ConnectTheClone();
  one_.Close();
  second_.Close();
  EXPECT_TRUE(
      bench_.Until([&] { return Node("/online") == false && Node("/clone/connected") == false; }));
  bench_.Sql("UPDATE nodes SET last_seen = now() - interval '11 minutes' WHERE id = " +
             one_.text_id());
  second_.ConnectAndSync();
}

TEST_F(HubClone, TheSameProcessTakesThePlaceOfItsOlderConnectionAtOnce) {
  one_.ConnectAndSync();
  second_.instance = one_.instance;
  one_.AnswerWhile([&] { second_.ConnectAndSync(); });
  EXPECT_FALSE(one_.End().ok());
  second_.Report("a/1/1", {{"type", "link"}, {"latencyMs", 1}});
  EXPECT_EQ(Node("/online"), true);
  EXPECT_TRUE(Node("/clone").is_null());
}

// The line died without a word, and the box was restarted meanwhile.
TEST_F(HubClone, ANewProcessTakesThePlaceOfAConnectionThatDoesNotAnswer) {
  one_.ConnectAndSync();
  second_.ConnectAndSync();  // Nobody reads for the first: no pong.
  EXPECT_FALSE(one_.End().ok());
  EXPECT_TRUE(Node("/clone").is_null());
}

TEST_F(HubClone, OfATentacleThatDoesNotNameItsProcessIsFoundTheSameWay) {
  one_.instance = second_.instance = "";
  ConnectTheClone();
  one_.Report("a/1/1", {{"type", "link"}, {"latencyMs", 1}});
}

}  // namespace
}  // namespace tentacle::backend
