// Prepulls with a schedule, sites, ledgers and links, on a real database.
#include <fmt/format.h>

#include <fstream>

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

TEST_F(HubPlanning, ATentacleThatIsRemovedIsTakenOutOfTheTablesOfItsSite) {
  FakeTentacle one;
  FakeTentacle stolen;
  SetSite(one, "rome");
  SetSite(stolen, "rome");
  one.ConnectAndSync();
  stolen.ConnectAndSync();
  one.Report("p/1/1", Offer(9081));
  stolen.Report("p/1/1", Offer(9082));
  json::object seen;
  while (!seen.contains("peers") || seen.at("peers").as_array().empty())
    seen = one.Await("peers.sync");
  bench_.Call("DELETE", "/api/v1/tentacles/" + stolen.text_id());
  while (!seen.at("peers").as_array().empty())
    seen = one.Await("peers.sync");
}

// Whoever has another in its table is in the other's: who is not would be refused.
TEST_F(HubPlanning, ALargeSiteIsIntroducedInParts) {
  for (int i = 0; i < 34; ++i) {
    bench_.Sql(fmt::format(
        "INSERT INTO nodes (name, hostname, public_key, is_tentacle, online, site, peer_offer) "
        "VALUES "
        "('l', 'l', 'large-{}', true, true, 'large', '{{\"port\": 1, \"addresses\": []}}')",
        i));
  }
  FakeTentacle last;
  SetSite(last, "large");
  last.ConnectAndSync();
  last.Report("p/1/1", Offer(9081));
  const json::object seen = last.Await("peers.sync");
  ASSERT_EQ(seen.at("peers").as_array().size(), 1U);
  EXPECT_EQ(seen.at("peers").at(0).at("publicKey"), "large-33");
  bench_.Sql("DELETE FROM nodes WHERE public_key LIKE 'large-%'");
}

TEST_F(HubPlanning, TentaclesThatOnlyTheBackendsOwnMachineIsInFrontOfAreNoNeighbours) {
  FakeTentacle one;
  one.ConnectAndSync();
  one.Report("p/1/1", Offer(9081));
  EXPECT_EQ(bench_.Sql("SELECT public_address FROM nodes WHERE id = " + one.text_id()), "");
}

TEST_F(HubPlanning, TentaclesWithoutASiteBehindOneAddressAreIntroduced) {
  const auto behind = [this](FakeTentacle& tentacle, const std::string& address, int port) {
    tentacle.ConnectAndSync();
    bench_.Sql(fmt::format("UPDATE nodes SET public_address = '{}' WHERE id = {}", address,
                           tentacle.text_id()));
    tentacle.Report("p/1/1", Offer(port));
  };
  FakeTentacle elsewhere;
  FakeTentacle of_a_site;
  FakeTentacle one;
  FakeTentacle two;
  SetSite(of_a_site, "madrid");
  behind(elsewhere, "203.0.113.8", 9081);
  behind(of_a_site, "203.0.113.7", 9082);
  behind(one, "203.0.113.7", 9083);
  behind(two, "203.0.113.7", 9084);
  json::object seen;
  while (!seen.contains("peers") || seen.at("peers").as_array().empty())
    seen = one.Await("peers.sync");
  ASSERT_EQ(seen.at("peers").as_array().size(), 1U);
  EXPECT_EQ(seen.at("peers").at(0).at("nodeId").as_string(), two.text_id());
  // Whether they are in one place the round trip has to say.
  EXPECT_EQ(seen.at("peers").at(0).at("sameSite"), false);
}

TEST_F(HubPlanning, WhatATentacleSaysOfItselfCannotHarmItsNeighbours) {
  FakeTentacle one;
  FakeTentacle broken;
  SetSite(one, "oslo");
  SetSite(broken, "oslo");
  one.ConnectAndSync();
  broken.ConnectAndSync();
  one.Report("p/1/1", Offer(9081));
  json::array addresses(40'000, 1e18);
  addresses.emplace_back(std::string(65, 'a'));
  for (int i = 0; i < 20; ++i)
    addresses.emplace_back("10.0.0.8");
  broken.Report("p/1/1", {{"type", "peer.offer"}, {"port", 9082}, {"addresses", addresses}});
  json::object seen;
  while (!seen.contains("peers") || seen.at("peers").as_array().empty())
    seen = one.Await("peers.sync");
  EXPECT_EQ(seen.at("peers").at(0).at("addresses").as_array(), json::array(16, "10.0.0.8"));
  broken.Report("p/1/2", {{"type", "peer.offer"}, {"port", "x"}, {"addresses", 7}});
  while (!seen.at("peers").as_array().empty())
    seen = one.Await("peers.sync");
  broken.Report("l/1/1", {{"type", "image.ledger"},
                          {"throughputMbit", "fast"},
                          {"backendBytes", 5},
                          {"unknown", std::string(100, 'x')}});
  EXPECT_EQ(bench_.Json("GET", "/api/v1/tentacles/" + broken.text_id() + "/ledger"),
            (json::value{{"backendBytes", 5}}));
  const json::value planned =
      bench_.Json("POST", "/api/v1/provisioning/prepulls",
                  {{"imageId", Image("o")}, {"site", "oslo"}, {"dryRun", true}});
  EXPECT_EQ(planned.at("targets").as_array().size(), 2U);
}

TEST_F(HubPlanning, WhatIsOrderedTwiceComesOnce) {
  FakeTentacle one;
  one.ConnectAndSync();
  one.Report("l/1/1", {{"type", "image.ledger"}, {"throughputMbit", 8.0}});
  const std::string before = Image(std::string(10'000'000, 'b'));
  const json::array ids{one.text_id(), one.text_id()};
  for (int i = 0; i < 2; ++i)
    bench_.Json("POST", "/api/v1/provisioning/prepulls",
                {{"imageId", before}, {"tentacleIds", ids}});
  const json::value planned =
      bench_.Json("POST", "/api/v1/provisioning/prepulls",
                  {{"imageId", Image("a")}, {"tentacleIds", ids}, {"dryRun", true}});
  ASSERT_EQ(planned.at("targets").as_array().size(), 1U);
  EXPECT_THAT(std::string(planned.at("targets").at(0).at("forecast").as_string()),
              HasSubstr("after 10 MB of others"));
}

TEST_F(HubPlanning, AnImageWhoseFileHasAnotherSizeThanWasRegisteredIsNotServed) {
  FakeTentacle one;
  const std::string image = Image("as it was registered");
  const std::string path = bench_.Sql("SELECT path FROM provisioning_images WHERE id = " + image);
  const auto status = [&](const std::string& what) {
    return bench_
        .Fetch("GET", "/api/v1/tentacles/images/" + image + what,
               {{"Authorization", "Bearer " + one.Token()}})
        .status;
  };
  EXPECT_EQ(status("/pull"), 200U);
  std::ofstream(bench_.ImagePath(path), std::ios::app) << "and more";
  EXPECT_EQ(status("/pull"), 503U);
  EXPECT_EQ(status("/bytes?first=0&last=3"), 503U);
  EXPECT_THAT(bench_.Log(), HasSubstr("api.image_changed"));
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

// Of two words one may be late; and who could not ask does not know.
TEST_F(HubPlanning, WhatBecameOfAnImageStandsAgainstWhatIsSaidOfItsWay) {
  FakeTentacle one;
  one.ConnectAndSync();
  const std::string image = Image("bytes");
  const auto say = [&](const char* id, const char* state, bool interim, int present) {
    json::object word{{"type", "image.progress"}, {"imageId", image}, {"state", state},
                      {"presentBytes", present},  {"sizeBytes", 5},   {"reason", ""}};
    if (interim) word["interim"] = true;
    one.Report(id, word);
  };
  const auto row = [&] {
    return bench_.Sql(
        fmt::format("SELECT state || ' ' || present_bytes FROM node_image_cache WHERE node_id = {} "
                    "AND image_id = {}",
                    one.id(), image));
  };
  say("r/1/1", "pulling", false, 0);
  say("m/1/1", "pulling", true, 2);
  EXPECT_EQ(row(), "pulling 2");
  say("r/1/2", "failed", false, 3);
  say("m/1/2", "pulling", true, 2);
  EXPECT_EQ(row(), "failed 3");
  one.Report("r/1/3", {{"type", "image.evicted"}, {"imageId", image}});
  say("m/1/3", "pulling", true, 5);
  EXPECT_EQ(row(), "");
  one.Report("r/1/4", {{"type", "image.cached"}, {"imageId", image}, {"size", 5}});
  one.Report("r/1/5", {{"type", "image.progress"},
                       {"imageId", image},
                       {"state", "failed"},
                       {"reason", "cache could not be reached"}});
  EXPECT_EQ(row(), "cached 5");
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
