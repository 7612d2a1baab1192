// Prepulls with a schedule, sites, ledgers and links, on a real database.
#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/backend/hub_bench.h"

namespace tentacle::backend {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;

class HubPlanning : public ::testing::Test {
 protected:
  std::string Image(const std::string& bytes) {
    static int number = 0;
    return bench_.MakeImage(fmt::format("planned-{}", ++number), bytes);
  }

  static json::object Offer(int port) {
    return {{"type", "peer.offer"}, {"port", port}, {"addresses", json::array{"10.0.0.7"}}};
  }

  void SetSite(const FakeTentacle& tentacle, const std::string& site) {
    bench_.Json("PUT", "/api/v1/tentacles/" + tentacle.text_id(), {{"site", site}});
  }

  Bench& bench_ = Bench::Get();
};

TEST_F(HubPlanning, APrepullGoesDownWithItsScheduleAndComesBackWithItsState) {
  FakeTentacle one;
  one.ConnectAndSync();
  const std::string image = Image(std::string(1'000'000, 'x'));
  one.Report("c/1/1", {{"type", "image.ledger"}, {"throughputMbit", 8.0}, {"backendBytes", 5}});
  const json::value made = bench_.Json("POST", "/api/v1/provisioning/prepulls",
                                       {{"imageId", image},
                                        {"tentacleIds", json::array{one.text_id()}},
                                        {"deadline", "Tue 07:00"},
                                        {"windows", json::array{"daily 22:00-06:00"}},
                                        {"timeZone", "Europe/Berlin"}});
  const json::object& target = made.at("targets").at(0).as_object();
  EXPECT_EQ(target.at("state"), "ordered");
  EXPECT_EQ(target.at("feasible"), true);
  EXPECT_THAT(std::string(target.at("forecast").as_string()), HasSubstr("before the deadline"));
  const json::object down = one.Await("image.prepull");
  EXPECT_EQ(down.at("imageId").as_string(), image);
  EXPECT_EQ(down.at("scheduleId"), made.at("id"));
  EXPECT_EQ(down.at("windows").at(0), "daily 22:00-06:00");
  EXPECT_TRUE(down.contains("deadline"));
  FakePage page;
  one.Report("c/1/2", {{"type", "prepull.status"},
                       {"scheduleId", made.at("id")},
                       {"state", "done"},
                       {"feasible", true},
                       {"reason", ""}});
  EXPECT_TRUE(
      page.Hears({{"kind", "prepull"}, {"id", made.at("id")}, {"tentacleId", one.text_id()}}));
  const std::string path =
      "/api/v1/provisioning/prepulls/" + std::string(made.at("id").as_string());
  EXPECT_EQ(bench_.Field(path, "/targets/0/state"), "done");
  // Over: nothing is left to be taken back.
  EXPECT_EQ(bench_.Call("DELETE", path).status, 204U);
  EXPECT_EQ(bench_.Field(path, "/targets/0/state"), "done");
}

TEST_F(HubPlanning, APrepullThatCannotBeInTimeIsSaidSoBeforeItIsOrdered) {
  FakeTentacle one;
  one.ConnectAndSync();
  const std::string image = Image(std::string(2'000'000, 'y'));
  json::object order{
      {"imageId", image}, {"tentacleIds", json::array{one.text_id()}}, {"dryRun", true}};
  const json::value unknown = bench_.Json("POST", "/api/v1/provisioning/prepulls", order);
  EXPECT_FALSE(unknown.at("targets").at(0).as_object().contains("feasible"));
  one.Report("c/2/1", {{"type", "image.ledger"}, {"throughputMbit", 0.00001}});
  order["deadline"] = "Tue 07:00";
  const json::value late = bench_.Json("POST", "/api/v1/provisioning/prepulls", order);
  EXPECT_EQ(late.at("targets").at(0).at("feasible"), false);
  EXPECT_THAT(std::string(late.at("targets").at(0).at("forecast").as_string()),
              HasSubstr("not feasible"));
  EXPECT_TRUE(one.IsQuiet());
}

TEST_F(HubPlanning, ACancelledPrepullIsTakenBackAndHearsNoMore) {
  FakeTentacle one;
  const std::string image = Image("z");
  const json::value made =
      bench_.Json("POST", "/api/v1/provisioning/prepulls",
                  {{"imageId", image}, {"tentacleIds", json::array{one.text_id()}}});
  const std::string path =
      "/api/v1/provisioning/prepulls/" + std::string(made.at("id").as_string());
  EXPECT_EQ(bench_.Call("DELETE", path).status, 204U);
  one.ConnectAndSync();
  one.Await("image.prepull");
  EXPECT_EQ(one.Await("prepull.cancel").at("scheduleId"), made.at("id"));
  one.Report("c/3/1",
             {{"type", "prepull.status"}, {"scheduleId", made.at("id")}, {"state", "pulling"}});
  EXPECT_EQ(bench_.Field(path, "/targets/0/state"), "cancelled");
}

TEST_F(HubPlanning, APrepullThatIsRefusedHasFailed) {
  FakeTentacle one;
  one.ConnectAndSync();
  const json::value made =
      bench_.Json("POST", "/api/v1/provisioning/prepulls",
                  {{"imageId", Image("r")}, {"tentacleIds", json::array{one.text_id()}}});
  const json::object down = one.Await("image.prepull");
  one.Report("u/1/1", {{"type", "command.failed"},
                       {"commandId", down.at("commandId")},
                       {"command", "image.prepull"},
                       {"reason", "not used in mode passive"}});
  const std::string path =
      "/api/v1/provisioning/prepulls/" + std::string(made.at("id").as_string());
  EXPECT_EQ(bench_.Field(path, "/targets/0/state"), "failed");
  EXPECT_EQ(bench_.Field(path, "/targets/0/reason"), "not used in mode passive");
}

TEST_F(HubPlanning, APrepullThatNobodyCouldBeToldOfHasFailed) {
  FakeTentacle one;
  const json::value made =
      bench_.Json("POST", "/api/v1/provisioning/prepulls",
                  {{"imageId", Image("e")}, {"tentacleIds", json::array{one.text_id()}}});
  bench_.Sql(
      "UPDATE outgoing_commands SET expires_at = now() - interval '1 minute' WHERE node_id = " +
      one.text_id());
  const std::string path =
      "/api/v1/provisioning/prepulls/" + std::string(made.at("id").as_string());
  EXPECT_TRUE(Bench::Until([&] { return bench_.Field(path, "/targets/0/state") == "failed"; }));
  EXPECT_THAT(std::string(bench_.Field(path, "/targets/0/reason").as_string()),
              HasSubstr("expired"));
}

TEST_F(HubPlanning, WrongOrdersNameTheirField) {
  FakeTentacle one;
  const std::string image = Image("w");
  const auto status = [&](const json::object& body) {
    return bench_.Call("POST", "/api/v1/provisioning/prepulls", body).status;
  };
  EXPECT_EQ(status({{"imageId", image}}), 422U);
  EXPECT_EQ(status({{"imageId", image}, {"site", "nowhere"}}), 404U);
  EXPECT_EQ(status({{"imageId", "99999"}, {"tentacleIds", json::array{one.text_id()}}}), 404U);
  EXPECT_EQ(status({{"imageId", image}, {"tentacleIds", json::array{one.text_id(), "99999"}}}),
            404U);
  EXPECT_EQ(bench_.Call("GET", "/api/v1/provisioning/prepulls/99999").status, 404U);
  EXPECT_EQ(bench_.Call("DELETE", "/api/v1/provisioning/prepulls/99999").status, 404U);
}

TEST_F(HubPlanning, TentaclesOfOneSiteAreIntroducedAndPartedAgain) {
  FakeTentacle one;
  FakeTentacle two;
  FakeTentacle stranger;
  SetSite(one, "berlin");
  SetSite(two, "berlin");
  SetSite(stranger, "paris");
  one.ConnectAndSync();
  two.ConnectAndSync();
  stranger.ConnectAndSync();
  one.Report("p/1/1", Offer(9081));
  two.Report("p/1/1", Offer(9082));
  stranger.Report("p/1/1", Offer(9083));
  json::object seen;
  while (!seen.contains("peers") || seen.at("peers").as_array().empty())
    seen = one.Await("peers.sync");
  ASSERT_EQ(seen.at("peers").as_array().size(), 1U);
  const json::object& peer = seen.at("peers").at(0).as_object();
  EXPECT_EQ(peer.at("nodeId").as_string(), two.text_id());
  EXPECT_EQ(peer.at("publicKey").as_string(), two.key().PublicKeyBase64());
  EXPECT_EQ(peer.at("port"), 9082);
  EXPECT_EQ(peer.at("addresses").at(0), "10.0.0.7");
  EXPECT_EQ(peer.at("sameSite"), true);
  SetSite(two, "paris");
  while (!seen.at("peers").as_array().empty())
    seen = one.Await("peers.sync");
  // What was said before is of the other site.
  std::string last;
  while (last != stranger.text_id()) {
    seen = two.Await("peers.sync");
    ASSERT_TRUE(seen.contains("peers"));
    const json::array& peers = seen.at("peers").as_array();
    last = peers.empty() ? "" : std::string(peers.at(0).at("nodeId").as_string());
  }
}

TEST_F(HubPlanning, ALedgerIsKeptAndShown) {
  FakeTentacle one;
  one.ConnectAndSync();
  one.Report("l/1/1", {{"type", "image.ledger"},
                       {"backendBytes", 10},
                       {"peerBytes", 20},
                       {"throughputMbit", 93.5}});
  const json::value ledger = bench_.Json("GET", "/api/v1/tentacles/" + one.text_id() + "/ledger");
  EXPECT_EQ(ledger.at("peerBytes"), 20);
  EXPECT_EQ(bench_.Call("GET", "/api/v1/tentacles/99999/ledger").status, 404U);
}

TEST_F(HubPlanning, ALinkServesItsImageToWhoHasItAndNothingElse) {
  FakeTentacle one;
  const std::string bytes = "the bytes of an image, long enough for a range";
  const std::string image = Image(bytes);
  const net::ClientReply asked = bench_.Fetch("GET", "/api/v1/tentacles/images/" + image + "/link",
                                              {{"Authorization", "Bearer " + one.Token()}});
  ASSERT_EQ(asked.status, 200U);
  const std::string path(json::parse(asked.body).at("url").as_string());
  ASSERT_TRUE(path.starts_with("/api/v1/images/" + image + "/content?")) << path;
  const net::ClientReply whole = bench_.Fetch("GET", path, {});
  EXPECT_EQ(whole.status, 200U);
  EXPECT_EQ(whole.body, bytes);
  const net::ClientReply part = bench_.Fetch("GET", path, {{"Range", "bytes=4-8"}});
  EXPECT_EQ(part.status, 206U);
  EXPECT_EQ(part.body, bytes.substr(4, 5));
  EXPECT_EQ(bench_.Fetch("GET", path.substr(0, path.size() - 1), {}).status, 403U);
  EXPECT_EQ(bench_.Fetch("GET", "/api/v1/images/" + image + "/content", {}).status, 403U);
  const std::string other = Image("another");
  std::string swapped = path;
  swapped.replace(swapped.find("/" + image + "/"), image.size() + 2, "/" + other + "/");
  EXPECT_EQ(bench_.Fetch("GET", swapped, {}).status, 403U);
  EXPECT_EQ(bench_.Fetch("GET", "/api/v1/tentacles/images/" + image + "/link", {}).status, 401U);
  // It goes with the tentacle that asked for it.
  bench_.Call("DELETE", "/api/v1/tentacles/" + one.text_id());
  EXPECT_EQ(bench_.Fetch("GET", path, {}).status, 403U);
  EXPECT_EQ(bench_.Log().find("signature="), std::string::npos);
}

}  // namespace
}  // namespace tentacle::backend
