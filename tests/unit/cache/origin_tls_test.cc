// What the cache asks the backend for over TLS is asked under the same conditions as uplink's
// WebSocket: its CA and its pins.
#include <fmt/format.h>

#include <fstream>
#include <memory>

#include <gtest/gtest.h>

#include "libs/identity/identity.h"
#include "services/cache/origin.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tls_server.h"

namespace tentacle::cache::testing {
namespace {

using ::tentacle::testing::Authority;
using ::tentacle::testing::SelfSigned;
using ::tentacle::testing::ServerIdentity;
using ::tentacle::testing::TlsServer;

class OriginTlsTest : public ::testing::Test {
 protected:
  OriginTlsTest() {
    std::ofstream(folder_ / "ca.pem") << authority_.Pem();
    const auto key = identity::IdentityKey::Generate();
    EXPECT_TRUE(key.ok() && key->Save(folder_ / "tentacle.key").ok());
    const std::string meta =
        fmt::format(R"({{"name":"img","sizeBytes":7,"sha256":"{}"}})", std::string(64, 'a'));
    server_.reply = fmt::format(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}", meta.size(), meta);
    origin_.backend.set_url(fmt::format("https://localhost:{}", server_.port()));
    origin_.backend.set_ca_file(folder_ / "ca.pem");
    origin_.node_id = "7";
    origin_.key_file = folder_ / "tentacle.key";
    origin_.clock = std::make_shared<BackendClock>();
  }

  void Pin(const std::string& one, const std::string& another) {
    origin_.backend.clear_pins();
    origin_.backend.add_pins(one);
    origin_.backend.add_pins(another);
  }

  absl::Status Ask() { return FetchMeta(origin_, "img").status(); }

  void ExpectRefusedUnasked() {
    const absl::Status status = Ask();
    EXPECT_TRUE(absl::IsUnauthenticated(status)) << status;
    server_.AwaitEnded(1);
    EXPECT_EQ(server_.application_bytes(), 0u);
  }

  const TempDir folder_;
  Authority authority_;
  const ServerIdentity identity_ = authority_.Issue({.alternative_names = "DNS:localhost"});
  TlsServer server_{identity_};
  Origin origin_;
};

TEST_F(OriginTlsTest, TheBackendOfTheConfiguredAuthorityAndPinIsAsked) {
  EXPECT_EQ(Ask(), absl::OkStatus());
  Pin(SelfSigned({}).Pin(), identity_.Pin());
  EXPECT_EQ(Ask(), absl::OkStatus());
}

TEST_F(OriginTlsTest, OneWithAnotherKeyHearsNothing) {
  Pin(SelfSigned({}).Pin(), SelfSigned({}).Pin());
  ExpectRefusedUnasked();
}

TEST_F(OriginTlsTest, OneOfAnUnknownAuthorityHearsNothing) {
  origin_.backend.clear_ca_file();
  ExpectRefusedUnasked();
}

}  // namespace
}  // namespace tentacle::cache::testing
