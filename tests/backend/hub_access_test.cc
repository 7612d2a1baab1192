// Who is let in, who is shown the door, and what an image pull is answered.
#include <fmt/format.h>
#include <strings.h>

#include <atomic>
#include <thread>
#include <vector>

#include <absl/strings/escaping.h>
#include <absl/time/clock.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_from.hpp>
#include <gtest/gtest.h>

#include "libs/backend_link/messages.h"
#include "libs/net/retry_after.h"
#include "tests/backend/hub_bench.h"

namespace tentacle::backend {
namespace {

namespace json = boost::json;

std::string HeaderOf(const net::ClientReply& reply, const char* name) {
  for (const auto& [key, value] : reply.headers) {
    if (strcasecmp(key.c_str(), name) == 0) return value;
  }
  return "";
}

class HubAccess : public ::testing::Test {
 protected:
  std::string Sign(const identity::IdentityKey& key,
                   const json::object& claims,
                   const std::string& alg = "EdDSA") {
    const std::string part =
        absl::WebSafeBase64Escape(json::serialize(json::object{{"alg", alg}, {"typ", "JWT"}})) +
        "." + absl::WebSafeBase64Escape(json::serialize(claims));
    return part + "." + (alg == "none" ? "" : absl::WebSafeBase64Escape(key.Sign(part)));
  }

  json::object Claims(absl::Duration issued = absl::ZeroDuration(),
                      absl::Duration lives = absl::Minutes(4)) {
    const absl::Time at = absl::Now() + issued;
    return {{"iss", one_.text_id()},
            {"aud", "octofleet"},
            {"iat", absl::ToUnixSeconds(at)},
            {"exp", absl::ToUnixSeconds(at + lives)},
            {"jti", identity::RandomHex(8)}};
  }

  json::object With(const char* name, json::value value) {
    json::object claims = Claims();
    claims[name] = std::move(value);
    return claims;
  }

  // Refused as 401 with `why` in the detail, and nobody is online for it.
  void Refused(const std::string& token, std::string_view why) {
    const absl::Status status = one_.Connect(token);
    EXPECT_TRUE(absl::IsUnauthenticated(status)) << status;
    EXPECT_NE(status.message().find({why.data(), why.size()}), absl::string_view::npos) << status;
    EXPECT_EQ(Node("/online"), false);
  }

  json::value Node(const std::string& pointer) {
    return bench_.Field("/api/v1/nodes/" + one_.text_id(), pointer);
  }

  // The reason that the node shows once it is offline.
  std::string OfflineReason() {
    EXPECT_TRUE(bench_.Until([this] { return Node("/online") == false; }));
    return std::string(Node("/reason").as_string());
  }

  Bench& bench_ = Bench::Get();
  FakeTentacle one_;
};

TEST_F(HubAccess, AGoodTokenOpensTheSocket) {
  EXPECT_EQ(one_.Connect(Sign(one_.key(), Claims())), absl::OkStatus());
  one_.Await("tasks.sync");
  EXPECT_EQ(Node("/online"), true);
  EXPECT_EQ(Node("/reason"), "connected from 127.0.0.1");
}

TEST_F(HubAccess, ATokenOpensTheSocketOnce) {
  const std::string token = Sign(one_.key(), Claims());
  EXPECT_EQ(one_.Connect(token), absl::OkStatus());
  one_.Await("tasks.sync");
  one_.Close();
  EXPECT_TRUE(bench_.Until([this] { return Node("/online") == false; }));
  Refused(token, "has opened a connection already");
  Refused(token + "==", "has opened a connection already");  // Its signature, written differently.
}

TEST_F(HubAccess, AClockThatIsAMinuteOffIsForgiven) {
  EXPECT_EQ(one_.Connect(Sign(one_.key(), Claims(absl::Seconds(50)))), absl::OkStatus());
  EXPECT_EQ(one_.Connect(Sign(one_.key(), Claims(-absl::Seconds(290)))), absl::OkStatus());
}

TEST_F(HubAccess, NoTokenIsRefused) {
  Refused("", "want Authorization: Bearer");
}

TEST_F(HubAccess, GarbageIsRefused) {
  Refused("garbage", "token has not three parts");
  Refused("a.b.c", "token");
  Refused(std::string(5000, 'x'), "too long");
}

TEST_F(HubAccess, AnotherAudienceIsRefused) {
  Refused(Sign(one_.key(), With("aud", "elsewhere")), "aud");
}

TEST_F(HubAccess, AnExpiredTokenIsRefused) {
  Refused(Sign(one_.key(), Claims(-absl::Minutes(6))), "expired");
}

TEST_F(HubAccess, ATokenFromTheFutureIsRefused) {
  Refused(Sign(one_.key(), Claims(absl::Minutes(3))), "not valid yet");
}

TEST_F(HubAccess, ATokenThatLivesTooLongIsRefused) {
  Refused(Sign(one_.key(), Claims({}, absl::Minutes(10))), "longer than 5 minutes");
}

TEST_F(HubAccess, AnUnknownIssuerIsRefused) {
  Refused(Sign(one_.key(), With("iss", "987654")), "unknown");
  Refused(Sign(one_.key(), With("iss", "99999999999999999999")), "unknown");
  Refused(Sign(one_.key(), With("iss", json::value_from(one_.text_id() + "x"))), "unknown");
  Refused(Sign(one_.key(), With("iss", 7)), "iss");
}

TEST_F(HubAccess, AnothersSignatureIsRefused) {
  FakeTentacle other;
  Refused(Sign(other.key(), Claims()), "signature");
}

TEST_F(HubAccess, ATokenThatChoosesNoSignatureIsRefused) {
  Refused(Sign(one_.key(), Claims(), "none"), "alg is not EdDSA");
  Refused(Sign(one_.key(), Claims(), "HS256"), "alg is not EdDSA");
}

TEST_F(HubAccess, ARemovedTentacleIsToldCutOffAndRefused) {
  one_.ConnectAndSync();
  EXPECT_EQ(bench_.Call("DELETE", "/api/v1/tentacles/" + one_.text_id()).status, 204U);
  EXPECT_EQ(one_.Next().at("type"), "node.removed");
  EXPECT_FALSE(one_.End().ok());
  const absl::Status again = one_.Connect();
  EXPECT_TRUE(absl::IsUnauthenticated(again)) << again;
  EXPECT_EQ(net::ProblemType(again), backend_link::kRemovedProblem);
}

TEST_F(HubAccess, ARemovedTentacleThatWasAwayIsToldWhenItComes) {
  EXPECT_EQ(bench_.Call("DELETE", "/api/v1/tentacles/" + one_.text_id()).status, 204U);
  EXPECT_EQ(net::ProblemType(one_.Connect()), backend_link::kRemovedProblem);
}

// Whoever cannot prove to be that tentacle learns nothing, and a backend with an old database tells
// nobody to wipe.
TEST_F(HubAccess, AStrangerIsNotToldThatATentacleWasRemoved) {
  EXPECT_EQ(bench_.Call("DELETE", "/api/v1/tentacles/" + one_.text_id()).status, 204U);
  FakeTentacle other;
  EXPECT_NE(net::ProblemType(one_.Connect(Sign(other.key(), Claims()))),
            backend_link::kRemovedProblem);
  EXPECT_NE(net::ProblemType(one_.Connect(Sign(one_.key(), With("iss", "987654")))),
            backend_link::kRemovedProblem);
}

TEST_F(HubAccess, AConnectionThatBreaksIsToldInPlainWords) {
  one_.ConnectAndSync();
  FakePage page;
  one_.Close();
  EXPECT_EQ(OfflineReason(), "the line broke");
  EXPECT_TRUE(page.Hears({{"kind", "node"}, {"id", one_.text_id()}}));
}

// Thirty boxes with one token for one use.
TEST_F(HubAccess, AUsedUpTokenLetsInNobodyHoweverManyComeAtOnce) {
  const json::value token = bench_.Json("POST", "/api/v1/enrollment-tokens", {{"maxUses", 1}});
  // A backend of its own, since it will not hear this address for a minute.
  const BackendProcess own(bench_.dir());
  const auto enroll = [&](const std::string& with) {
    net::ClientRequest request;
    request.method = "POST";
    request.url = own.base() + "/api/v1/tentacles/enroll";
    request.body = json::serialize(
        json::object{{"token", with},
                     {"name", "box"},
                     {"hostname", "box"},
                     {"publicKey", identity::IdentityKey::Generate()->PublicKeyBase64()}});
    const auto reply = net::Fetch(request);
    return reply.ok() ? reply->status : 0U;
  };
  const std::string text(token.at("token").as_string());
  std::atomic<int> let_in = 0;
  std::vector<std::thread> boxes;
  for (int i = 0; i < 30; ++i) {
    boxes.emplace_back([&] {
      if (enroll(text) == 201) ++let_in;
    });
  }
  for (std::thread& box : boxes)
    box.join();
  EXPECT_EQ(let_in, 1);
  // And who goes on guessing has to wait, also with a good token.
  EXPECT_EQ(enroll(text), 429U);
}

class HubImage : public HubAccess {
 protected:
  HubImage() {
    static const std::string id = bench_.MakeImage("pulled", kBytes);
    path_ = "/api/v1/tentacles/images/" + id + "/pull";
    etag_ = '"' + identity::Sha256Hex(kBytes) + '"';
  }

  net::ClientReply Pull(net::HeaderList headers, const std::string& method = "GET") {
    headers.emplace_back("Authorization", "Bearer " + one_.Token());
    return bench_.Fetch(method, path_, headers);
  }

  inline static const std::string kBytes = "0123456789abcdefghij";
  std::string path_;
  std::string etag_;
};

TEST_F(HubImage, TheWhole) {
  const net::ClientReply reply = Pull({});
  EXPECT_EQ(reply.status, 200U);
  EXPECT_EQ(reply.body, kBytes);
  EXPECT_EQ(HeaderOf(reply, "ETag"), etag_);
  EXPECT_EQ(HeaderOf(reply, "Accept-Ranges"), "bytes");
  EXPECT_EQ(HeaderOf(reply, "Content-Length"), "20");
}

TEST_F(HubImage, HeadTellsWithoutSending) {
  const net::ClientReply reply = Pull({}, "HEAD");
  EXPECT_EQ(reply.status, 200U);
  EXPECT_EQ(reply.body, "");
  EXPECT_EQ(HeaderOf(reply, "Content-Length"), "20");
  EXPECT_EQ(HeaderOf(reply, "ETag"), etag_);
}

TEST_F(HubImage, AnOpenAndAClosedRangeAndTheEnd) {
  const net::ClientReply open = Pull({{"Range", "bytes=15-"}});
  EXPECT_EQ(open.status, 206U);
  EXPECT_EQ(open.body, "fghij");
  EXPECT_EQ(HeaderOf(open, "Content-Range"), "bytes 15-19/20");
  EXPECT_EQ(Pull({{"Range", "bytes=2-4"}}).body, "234");
  EXPECT_EQ(Pull({{"Range", "bytes=-3"}}).body, "hij");
}

TEST_F(HubImage, ARangeBehindTheEndIsRefused) {
  const net::ClientReply reply = Pull({{"Range", "bytes=20-"}});
  EXPECT_EQ(reply.status, 416U);
  EXPECT_EQ(HeaderOf(reply, "Content-Range"), "bytes */20");
}

// RFC 9110 section 14.2 lets a server ignore what it does not want to understand.
TEST_F(HubImage, SeveralRangesOrNonsenseMeanTheWhole) {
  for (const char* range : {"bytes=0-1,4-5", "bytes=x-y", "bytes=5-2", "lines=1-2"}) {
    const net::ClientReply reply = Pull({{"Range", range}});
    EXPECT_EQ(reply.status, 200U) << range;
    EXPECT_EQ(reply.body, kBytes) << range;
  }
}

TEST_F(HubImage, IfRangeGoesOnWithTheSameImageOnly) {
  EXPECT_EQ(Pull({{"Range", "bytes=15-"}, {"If-Range", etag_}}).status, 206U);
  const net::ClientReply other = Pull({{"Range", "bytes=15-"}, {"If-Range", "\"other\""}});
  EXPECT_EQ(other.status, 200U);
  EXPECT_EQ(other.body, kBytes);
}

TEST_F(HubImage, WithoutATokenThereIsNothing) {
  EXPECT_EQ(bench_.Fetch("GET", path_, {}).status, 401U);
  EXPECT_EQ(bench_.Call("GET", path_).status, 401U) << "the API key is no pass for it";
  EXPECT_EQ(bench_.Fetch("HEAD", path_, {}).status, 401U);
  EXPECT_EQ(
      bench_
          .Fetch("GET", path_, {{"Authorization", "Bearer " + Sign(one_.key(), Claims(), "none")}})
          .status,
      401U);
}

TEST_F(HubAccess, AnAssetThatIsNotThereIsNotThePage) {
  EXPECT_EQ(bench_.Fetch("GET", "/nodes/7", {}).body, "the page");
  EXPECT_EQ(bench_.Fetch("GET", "/assets/app-1.js", {}).body, "the script");
  EXPECT_EQ(bench_.Fetch("GET", "/assets/app-0.js", {}).status, 404U);
}

TEST_F(HubAccess, WhoComesWithTooManyOthersIsToldWhenToComeAgain) {
  const std::string token = one_.Token();
  ASSERT_EQ(one_.Connect(token), absl::OkStatus());
  // Its token is worth nothing any more, which is looked at after how many come.
  net::ClientReply reply;
  EXPECT_TRUE(Bench::Until([&] {
    reply = bench_.Fetch("GET", "/api/v1/tentacles/ws",
                         {{"Authorization", "Bearer " + token}, {"Upgrade", "websocket"}});
    return reply.status == 503;
  }));
  EXPECT_GE(std::atoi(HeaderOf(reply, "Retry-After").c_str()), 1);
}

}  // namespace
}  // namespace tentacle::backend
