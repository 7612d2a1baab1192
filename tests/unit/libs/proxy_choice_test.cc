#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/net/proxy.h"

namespace tentacle::net {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

EnvironmentLookup Environment(std::map<std::string, std::string> variables) {
  return [variables](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

absl::StatusOr<std::optional<Proxy>> Choose(const std::string& url,
                                            std::map<std::string, std::string> variables) {
  return ChooseProxy(*ParseTarget(url), Environment(std::move(variables)));
}

std::string NameOf(const std::string& url, std::map<std::string, std::string> variables) {
  const auto proxy = Choose(url, std::move(variables));
  if (!proxy.ok()) return std::string(proxy.status().message());
  return *proxy ? (*proxy)->Name() : "direct";
}

TEST(ProxyChoiceTest, SecureSchemesTakeHttpsProxyInEitherCaseLowerFirst) {
  EXPECT_EQ(NameOf("wss://h/", {{"HTTPS_PROXY", "http://upper:1"}}), "http://upper:1");
  EXPECT_EQ(
      NameOf("https://h/", {{"HTTPS_PROXY", "http://upper:1"}, {"https_proxy", "http://lower:2"}}),
      "http://lower:2");
  EXPECT_EQ(NameOf("https://h/", {{"HTTPS_PROXY", "http://upper:1"}, {"https_proxy", ""}}),
            "http://upper:1");
  EXPECT_EQ(NameOf("wss://h/", {{"http_proxy", "http://p:1"}}), "direct");
}

TEST(ProxyChoiceTest, PlainSchemesTakeHttpProxyInLowerCaseOnly) {
  EXPECT_EQ(NameOf("ws://h/", {{"http_proxy", "http://p:1"}}), "http://p:1");
  EXPECT_EQ(
      NameOf("http://h/", {{"HTTP_PROXY", "http://injected:1"}, {"https_proxy", "http://q:2"}}),
      "direct");
}

TEST(ProxyChoiceTest, SchemeAndPortMayBeMissing) {
  EXPECT_EQ(NameOf("wss://h/", {{"https_proxy", "p"}}), "http://p:1080");
  EXPECT_EQ(NameOf("wss://h/", {{"https_proxy", "p:3128"}}), "http://p:3128");
  EXPECT_EQ(NameOf("wss://h/", {{"https_proxy", "http://[::1]:3128/"}}), "http://[::1]:3128");
}

TEST(ProxyChoiceTest, UserAndPasswordAreDecodedAndNotShown) {
  const auto chosen = Choose("wss://h/", {{"https_proxy", "http://ann%40lab:p%3Aw%2F@p:3128"}});
  ASSERT_TRUE(chosen.ok());
  const Proxy& proxy = **chosen;
  EXPECT_EQ(proxy.user, "ann@lab");
  EXPECT_EQ(proxy.password, "p:w/");
  EXPECT_EQ(proxy.Name(), "http://p:3128");
}

TEST(ProxyChoiceTest, BadValuesNameTheVariableAndKeepThePassword) {
  for (const char* value :
       {"https://u:secret@p:1", "socks5://u:secret@p:1", "http://u:secret@p:99999",
        "http://u:secret@p:1 2", "http://u%3Av:secret@p:1", "http://u:secret@"}) {
    const auto chosen = Choose("wss://h/", {{"https_proxy", value}});
    ASSERT_EQ(chosen.status().code(), absl::StatusCode::kInvalidArgument) << value;
    EXPECT_THAT(std::string(chosen.status().message()), HasSubstr("https_proxy"));
    EXPECT_THAT(std::string(chosen.status().message()), Not(HasSubstr("secret")));
  }
}

TEST(TargetTest, PartsOfAUrl) {
  const auto target = ParseTarget("wss://[::1]:8443/ws?a=b");
  ASSERT_TRUE(target.ok());
  EXPECT_TRUE(target->tls);
  EXPECT_EQ(target->host, "::1");
  EXPECT_EQ(target->Authority(), "[::1]:8443");
  EXPECT_EQ(target->resource, "/ws?a=b");
  EXPECT_EQ(target->host_header, "[::1]:8443");
  EXPECT_EQ(ParseTarget("http://h")->Authority(), "h:80");
  EXPECT_EQ(ParseTarget("https://h")->resource, "/");
  for (const char* wrong : {"", "h", "ftp://h/", "http://h:0/", "http://h:65536/"}) {
    EXPECT_EQ(ParseTarget(wrong).status().code(), absl::StatusCode::kInvalidArgument) << wrong;
  }
}

TEST(ProxyChoiceTest, NoProxyWins) {
  EXPECT_EQ(NameOf("wss://a.example.org/",
                   {{"https_proxy", "http://p:1"}, {"NO_PROXY", "x, example.org"}}),
            "direct");
  EXPECT_EQ(
      NameOf("wss://b/", {{"https_proxy", "http://p:1"}, {"no_proxy", "a"}, {"NO_PROXY", "b"}}),
      "http://p:1");
}

struct Bypass {
  const char* list;
  const char* host;
  bool direct;
};

class NoProxyTest : public ::testing::TestWithParam<Bypass> {};

TEST_P(NoProxyTest, Matches) {
  EXPECT_EQ(BypassesProxy(GetParam().list, GetParam().host), GetParam().direct);
}

INSTANTIATE_TEST_SUITE_P(Lists,
                         NoProxyTest,
                         ::testing::Values(Bypass{"*", "any.where", true},
                                           Bypass{"", "a", false},
                                           Bypass{"example.org", "example.org", true},
                                           Bypass{"example.org", "EXAMPLE.Org.", true},
                                           Bypass{"example.org", "a.example.org", true},
                                           Bypass{".example.org", "a.example.org", true},
                                           Bypass{".example.org", "example.org", true},
                                           Bypass{"example.org", "badexample.org", false},
                                           Bypass{"example.org", "example.org.evil", false},
                                           Bypass{"a,,b , c\td", "d", true},
                                           Bypass{"a,b", "c", false},
                                           Bypass{".,.", "a.", false},
                                           Bypass{"127.0.0.1", "127.0.0.1", true},
                                           Bypass{"[::1]", "::1", true},
                                           Bypass{"::1", "::1", true}));

TEST(ConnectTest, RequestCarriesBasicCredentials) {
  const Proxy proxy{"p", 3128, "Aladdin", "open sesame"};
  // The example of RFC 7617 section 2.
  EXPECT_THAT(ConnectRequest(proxy, "h:443"),
              HasSubstr("Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"));
  EXPECT_THAT(ConnectRequest({"p", 3128, "", ""}, "h:443"), Not(HasSubstr("Proxy-Authorization")));
  EXPECT_TRUE(
      ConnectRequest(proxy, "h:443").starts_with("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n"));
}

TEST(ConnectTest, StatusOfAnAnswer) {
  EXPECT_EQ(ConnectStatus("HTTP/1.1 200 OK\r\n\r\n"), 200u);
  EXPECT_EQ(ConnectStatus("HTTP/1.0 407 \r\n\r\n"), 407u);
  for (const char* rubbish : {"", "HTTP/1.1", "HTTP/2 200 OK\r\n", "HTTP/1.1 2x0 OK",
                              "SSH-2.0-OpenSSH_9.2", "HTTP/1.1  200"}) {
    EXPECT_EQ(ConnectStatus(rubbish), std::nullopt) << rubbish;
  }
}

TEST(ConnectTest, RefusalSaysWhatToDo) {
  const Proxy proxy{"p", 3128, "ann", "secret"};
  EXPECT_EQ(ProxyRefusal(proxy, 407).message(),
            "proxy http://p:3128 answered 407: user and password are wrong or missing");
}

}  // namespace
}  // namespace tentacle::net
