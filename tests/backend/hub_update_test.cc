// Updates of a tentacle: ordered through REST, brought down signed, and what it says of them.
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/backend_link/release.h"
#include "libs/identity/identity.h"
#include "tests/backend/hub_bench.h"

namespace tentacle::backend {
namespace {

namespace json = boost::json;

class HubUpdate : public ::testing::Test {
 protected:
  HubUpdate() {
    static const std::string image = bench_.MakeImage("octofleet-tentacle", "the executable");
    image_ = image;
    manifest_.product = backend_link::kReleaseProduct;
    manifest_.release_id = "2026.11.2";
    manifest_.version = 12;
    manifest_.arch = "x86_64";
    manifest_.size_bytes = std::string("the executable").size();
    manifest_.sha256 = identity::Sha256Hex("the executable");
  }

  json::object Body() const {
    return {{"imageId", image_},
            {"keys", "{}"},
            {"keysSignature", "c2ln"},
            {"manifest", ManifestText(manifest_)},
            {"manifestSignature", "c2ln"}};
  }

  std::string Path() const { return "/api/v1/tentacles/" + one_.text_id() + "/updates"; }

  std::string Order() {
    return std::string(bench_.Json("POST", Path(), Body()).at("id").as_string());
  }

  json::value Shown(const std::string& field) {
    return bench_.Json("GET", Path()).at("updates").at(0).at(field);
  }

  void Report(const std::string& id, const std::string& update, const std::string& status) {
    one_.Report(id, {{"type", "update.status"},
                     {"updateId", update},
                     {"status", status},
                     {"reason", "because of " + status},
                     {"version", 12}});
  }

  Bench& bench_ = Bench::Get();
  FakeTentacle one_;
  std::string image_;
  backend_link::ReleaseManifest manifest_;
};

TEST_F(HubUpdate, IsBroughtDownSignedWithTheTextsAsTheyWereGiven) {
  const std::string id = Order();
  EXPECT_EQ(Shown("status"), "ordered");
  one_.ConnectAndSync();
  const json::object start = one_.Next();
  ASSERT_EQ(start.at("type"), "update.start");
  EXPECT_TRUE(start.at("commandId").as_string().starts_with("cmd-"));
  const json::value order = json::parse(start.at("order").as_string());
  EXPECT_EQ(order.at("nodeId").as_string(), one_.text_id());
  EXPECT_TRUE(order.as_object().contains("expiresAt"));
  const auto offer = backend_link::ParseReleaseOffer(order.at("update").as_object());
  ASSERT_TRUE(offer.ok()) << offer.status();
  EXPECT_EQ(offer->id, id);
  EXPECT_EQ(offer->image_id, image_);
  EXPECT_EQ(offer->manifest, ManifestText(manifest_));
}

TEST_F(HubUpdate, FirstEndIsTheEnd) {
  const std::string id = Order();
  one_.ConnectAndSync();
  one_.Await("update.start");
  Report("c/1/1", id, "downloading");
  EXPECT_EQ(Shown("status"), "downloading");
  Report("c/1/2", id, "committed");
  Report("c/1/3", id, "downloading");  // Was overtaken.
  EXPECT_EQ(Shown("status"), "committed");
  EXPECT_EQ(Shown("reason"), "because of committed");
  EXPECT_EQ(Shown("releaseId"), "2026.11.2");
}

TEST_F(HubUpdate, NobodySpeaksForAnotherTentacle) {
  const std::string id = Order();
  FakeTentacle other;
  other.ConnectAndSync();
  other.Report("c/1/1", {{"type", "update.status"}, {"updateId", id}, {"status", "committed"}});
  EXPECT_EQ(Shown("status"), "ordered");
}

TEST_F(HubUpdate, OrderThatTheTentacleDoesNotTakeHasFailed) {
  Order();
  one_.ConnectAndSync();
  const std::string command(one_.Await("update.start").at("commandId").as_string());
  one_.Report("c/1/1", {{"type", "command.failed"},
                        {"commandId", command},
                        {"command", "update.start"},
                        {"reason", "this agent knows no order of the type update.start"}});
  EXPECT_EQ(Shown("status"), "failed");
  EXPECT_EQ(Shown("reason"), "this agent knows no order of the type update.start");
}

TEST_F(HubUpdate, WhatCannotBeRightIsNotOrdered) {
  const auto refused = [&](const json::object& body, const std::string& why) {
    const auto reply = bench_.Call("POST", Path(), body);
    EXPECT_EQ(reply.status, 422u);
    EXPECT_THAT(reply.body, ::testing::HasSubstr(why));
  };
  json::object other_image = Body();
  other_image["imageId"] = bench_.MakeImage("other-" + one_.text_id(), "something else");
  refused(other_image, "not the executable");
  json::object no_image = Body();
  no_image["imageId"] = "999999";
  refused(no_image, "no such image");
  json::object no_keys = Body();
  no_keys.erase("keys");
  refused(no_keys, "keys: is missing");
  json::object no_manifest = Body();
  no_manifest["manifest"] = "{}";
  refused(no_manifest, "manifest: product");
  EXPECT_EQ(bench_.Json("GET", Path()).at("updates").as_array().size(), 0u);
  EXPECT_EQ(bench_.Call("POST", "/api/v1/tentacles/999999/updates", Body()).status, 404u);
}

}  // namespace
}  // namespace tentacle::backend
