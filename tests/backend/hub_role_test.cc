// Who may do what: every route of the OpenAPI document for everybody who may come; keys; and shells
// that need a second person.
#include <fmt/format.h>

#include <map>
#include <set>

#include <absl/strings/str_replace.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "tests/backend/hub_bench.h"

namespace tentacle::backend {
namespace {

namespace json = boost::json;

constexpr unsigned kUnauthorized = 401;
constexpr unsigned kForbidden = 403;

class HubRole : public ::testing::Test {
 protected:
  struct Visitor {
    std::string name;
    net::HeaderList headers;
  };

  // Of an answer whose body may never end.
  static unsigned StatusOf(const std::string& method,
                           const std::string& url,
                           net::HeaderList headers,
                           const json::value& body = {}) {
    unsigned status = 0;
    net::ClientRequest request;
    request.method = method;
    request.url = url;
    request.headers = std::move(headers);
    if (!body.is_null()) request.body = json::serialize(body);
    request.on_headers = [&status](unsigned answered, const net::HeaderList&) {
      status = answered;
      return false;
    };
    request.on_body = [](std::string_view) { return false; };
    static_cast<void>(net::Fetch(request));
    return status;
  }

  unsigned Ask(const std::string& method,
               const std::string& path,
               const std::string& key,
               const json::value& body = {}) {
    return StatusOf(method, bench_.base() + path, {{"X-API-Key", key}}, body);
  }

  std::vector<Visitor> Visitors() {
    return {{"anonymous", {}},
            {"viewer", {{"X-API-Key", bench_.MakeKey("matrix viewer", "viewer")}}},
            {"operator", {{"X-API-Key", bench_.MakeKey("matrix operator", "operator")}}},
            {"admin", {{"X-API-Key", bench_.MakeKey("matrix admin", "admin")}}},
            {"tentacle", {{"Authorization", "Bearer " + one_.Token()}}},
            {"other tentacle", {{"Authorization", "Bearer " + other_.Token()}}}};
  }

  Bench& bench_ = Bench::Get();
  FakeTentacle one_;
  FakeTentacle other_;
};

// A new route without a role here is a failure of openapi_test.py or of this test.
const std::map<std::string, std::set<std::string>, std::less<>> kMay = {
    {"anyone", {"anonymous", "viewer", "operator", "admin", "tentacle", "other tentacle"}},
    {"own proof", {}},
    {"viewer", {"viewer", "operator", "admin"}},
    {"operator", {"operator", "admin"}},
    {"admin", {"admin"}},
    {"tentacle", {"tentacle", "other tentacle"}},
    {"operator or callback", {"operator", "admin"}},
};

TEST_F(HubRole, EveryRouteIsForThoseItIsFor) {
  const json::value document = bench_.Json("GET", "/api/v1/openapi.json");
  const auto visitors = Visitors();
  int asked = 0;
  for (const auto& [path, operations] : document.at("paths").as_object()) {
    const std::string there = absl::StrReplaceAll(
        std::string(path.data(), path.size()),
        {{"{id}", "999999999"}, {"{session}", "nobody"}, {"{instance}", "job-0"}});
    for (const auto& [verb, operation] : operations.as_object()) {
      std::string method(verb.data(), verb.size());
      for (char& c : method)
        c = static_cast<char>(std::toupper(c));
      const std::string role(operation.at("x-role").as_string());
      ASSERT_TRUE(kMay.contains(role)) << role;
      for (const Visitor& visitor : visitors) {
        const bool has_body = operation.as_object().contains("requestBody");
        const unsigned status = StatusOf(method, bench_.base() + there, visitor.headers,
                                         has_body ? json::value(json::object()) : json::value());
        // Without its own proof a request gets nowhere, whoever sends it.
        const bool refused =
            role == "own proof" ? status >= 400 : status == kUnauthorized || status == kForbidden;
        const bool let_in = status != kUnauthorized && status != kForbidden && status != 0;
        const std::string what = fmt::format("{} {} as {}", method, there, visitor.name);
        if (kMay.at(role).contains(visitor.name)) {
          EXPECT_TRUE(let_in) << what << ": " << status;
        } else {
          EXPECT_TRUE(refused) << what << ": " << status;
        }
        ++asked;
      }
    }
  }
  EXPECT_GT(asked, 300);
}

TEST_F(HubRole, TheRefusalSaysWhatIsNeeded) {
  const std::string key = bench_.MakeKey("refused", "viewer");
  const auto reply = bench_.Fetch("POST", "/api/v1/jobs", {{"X-API-Key", key}}, "{}");
  EXPECT_EQ(reply.status, kForbidden);
  EXPECT_NE(reply.body.find("this needs the role operator, and the key refused has viewer"),
            std::string::npos)
      << reply.body;
  const json::value act = bench_.Field("/api/v1/audit", "/acts/0");
  EXPECT_EQ(act.at("by"), "refused");
  EXPECT_EQ(act.at("role"), "viewer");
  EXPECT_EQ(act.at("path"), "/api/v1/jobs");
  EXPECT_EQ(act.at("status"), kForbidden);
}

TEST_F(HubRole, WhatWasChangedIsOnRecordByName) {
  const std::string key = bench_.MakeKey("acts", "operator");
  ASSERT_EQ(Ask("POST", "/api/v1/tentacles/" + one_.text_id() + "/scan", key, json::object()),
            202U);
  EXPECT_EQ(bench_.Sql("SELECT role || ' ' || method || ' ' || path || ' ' || status FROM api_acts "
                       "WHERE name = 'acts'"),
            "operator POST /api/v1/tentacles/" + one_.text_id() + "/scan 202");
  // Seeing changes nothing.
  EXPECT_EQ(Ask("GET", "/api/v1/nodes", key), 200U);
  EXPECT_EQ(bench_.Sql("SELECT count(*) FROM api_acts WHERE name = 'acts'"), "1");
}

TEST_F(HubRole, AKeyIsShownOnceAndStoredAsItsDigest) {
  const std::string key = bench_.MakeKey("shown once", "operator");
  EXPECT_EQ(key.size(), 64U);
  const auto list = bench_.Call("GET", "/api/v1/api-keys");
  EXPECT_EQ(list.body.find(key), std::string::npos);
  EXPECT_EQ(bench_.Sql("SELECT count(*) FROM api_keys k WHERE k::text LIKE '%" + key + "%'"), "0");
  EXPECT_EQ(bench_.Sql("SELECT role || ' ' || created_by FROM api_keys WHERE name = 'shown once'"),
            "operator api-key-file");
}

TEST_F(HubRole, BadKeysAreNotMade) {
  const auto made = [&](const json::value& body) {
    return bench_.Call("POST", "/api/v1/api-keys", body).status;
  };
  EXPECT_EQ(made({{"name", "one"}, {"role", "root"}}), 422U);
  EXPECT_EQ(made({{"name", "api-key-file"}, {"role", "viewer"}}), 422U);
  EXPECT_EQ(made({{"name", "a, approved by b"}, {"role", "viewer"}}), 422U);
  EXPECT_EQ(made({{"name", "twice"}, {"role", "viewer"}}), 201U);
  EXPECT_EQ(made({{"name", "twice"}, {"role", "viewer"}}), 409U);
}

TEST_F(HubRole, ARevokedKeyEndsAndItsSessionsWithIt) {
  const std::string key = bench_.MakeKey("revoked", "operator");
  const auto signed_in =
      bench_.Fetch("POST", "/api/v1/session", {}, json::serialize(json::object{{"apiKey", key}}));
  ASSERT_EQ(signed_in.status, 204U);
  std::string cookie;
  for (const auto& [name, value] : signed_in.headers) {
    if (name == "Set-Cookie") cookie = value.substr(0, value.find(';'));
  }
  const auto session = [&] { return bench_.Fetch("GET", "/api/v1/session", {{"Cookie", cookie}}); };
  EXPECT_EQ(json::parse(session().body), (json::object{{"name", "revoked"}, {"role", "operator"}}));
  const std::string id = bench_.Sql("SELECT id FROM api_keys WHERE name = 'revoked'");
  EXPECT_EQ(bench_.Call("DELETE", "/api/v1/api-keys/" + id).status, 204U);
  EXPECT_EQ(session().status, kUnauthorized);
  EXPECT_EQ(Ask("GET", "/api/v1/nodes", key), kUnauthorized);
  EXPECT_EQ(bench_.Call("DELETE", "/api/v1/api-keys/" + id).status, 404U);
  // Its name is free again.
  bench_.MakeKey("revoked", "viewer");
}

// Four eyes: a backend that asks for them.
class HubApproval : public HubRole {
 protected:
  HubApproval() {
    one_.base = strict_.base();
    one_.ConnectAndSync();
    EXPECT_TRUE(
        bench_.Until([this] { return bench_.Field(Node(""), "/online") == json::value(true); }));
  }

  std::string Node(const std::string& rest) { return "/api/v1/nodes/" + one_.text_id() + rest; }

  json::value At(const std::string& method,
                 const std::string& path,
                 const std::string& key,
                 unsigned want,
                 const json::value& body = {}) {
    net::ClientRequest request;
    request.method = method;
    request.url = strict_.base() + path;
    request.headers = {{"X-API-Key", key}};
    if (!body.is_null()) request.body = json::serialize(body);
    const auto reply = net::Fetch(request);
    EXPECT_TRUE(reply.ok());
    EXPECT_EQ(reply->status, want) << method << " " << path << ": " << reply->body;
    boost::system::error_code error;
    return json::parse(reply->body, error);
  }

  std::string AskShell(const std::string& key) {
    const json::value asked = At("POST", Node("/shells"), key, 202, {{"reason", "to look"}});
    EXPECT_FALSE(asked.as_object().contains("ticket"));
    return std::string(asked.at("id").as_string());
  }

  static std::string Shell(const std::string& id, const std::string& rest) {
    return "/api/v1/shells/" + id + rest;
  }

  BackendProcess strict_{bench_.dir(), {"--shell-approval"}};
};

TEST_F(HubApproval, AShellNeedsASecondPerson) {
  const std::string anna = bench_.MakeKey("anna", "admin");
  const std::string bert = bench_.MakeKey("bert", "admin");
  const std::string carl = bench_.MakeKey("carl", "operator");
  const std::string id = AskShell(anna);
  At("POST", Shell(id, "/ticket"), anna, 409);
  At("POST", Shell(id, "/approve"), anna, 403);
  At("POST", Shell(id, "/approve"), carl, 403);
  At("POST", Shell(id, "/approve"), bert, 204);
  At("POST", Shell(id, "/approve"), bert, 409);
  // The ticket is for who asked, once.
  At("POST", Shell(id, "/ticket"), bert, 404);
  const json::value ticket = At("POST", Shell(id, "/ticket"), anna, 201);
  EXPECT_EQ(ticket.at("ticket").as_string().size(), 64U);
  At("POST", Shell(id, "/ticket"), anna, 404);
  const json::value shells = At("GET", Node("/shells"), carl, 200);
  const auto& shell = shells.at("shells").at(0);
  EXPECT_EQ(shell.at("askedBy"), "anna");
  EXPECT_EQ(shell.at("approvedBy"), "bert");
}

TEST_F(HubApproval, NobodyApprovesWhatIsTooOld) {
  const std::string asks = bench_.MakeKey("asks", "operator");
  const std::string id = AskShell(asks);
  bench_.Sql("UPDATE shell_sessions SET created_at = now() - interval '11 minutes' WHERE id = '" +
             id + "'");
  At("POST", Shell(id, "/approve"), bench_.MakeKey("late", "admin"), 404);
}

TEST_F(HubApproval, TheDatabaseRefusesOneNameForBoth) {
  const std::string id = AskShell(bench_.MakeKey("both", "admin"));
  EXPECT_THROW(bench_.Sql("UPDATE shell_sessions SET approved_by = 'both' WHERE id = '" + id + "'"),
               pqxx::check_violation);
}

}  // namespace
}  // namespace tentacle::backend
