// Bar I3: an enrollment that ends at any of its steps leaves no identity and no changed
// configuration, and done again it makes the one node that the first try may have made.
#include "cli/enroll.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/identity/identity.h"
#include "tests/support/tcp_server.h"
#include "tests/support/temp_dir.h"

namespace tentacle::cli {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using Socket = asio::ip::tcp::socket;

constexpr std::string_view kBlankLine = "\r\n\r\n";

enum class Answer { kGood, kRefused, kFailed, kNoNode, kNoJson, kNone };

std::string Http(int status, const std::string& body) {
  return fmt::format("HTTP/1.1 {} x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}", status,
                     body.size(), body);
}

// One node per key, as the backend has it; made before the answer goes out.
class Backend {
 public:
  std::string url() const { return fmt::format("http://127.0.0.1:{}", server_.port()); }

  void Give(Answer answer) {
    const std::lock_guard lock(mutex_);
    answer_ = answer;
  }

  std::set<std::string> nodes() {
    const std::lock_guard lock(mutex_);
    return nodes_;
  }

 private:
  asio::awaitable<void> Serve(Socket socket) {
    std::string text;
    std::array<char, 4096> piece;
    while (!IsWhole(text)) {
      const std::size_t got =
          co_await socket.async_read_some(asio::buffer(piece), asio::use_awaitable);
      text.append(piece.data(), got);
    }
    const std::string reply = Reply(text.substr(text.find(kBlankLine) + kBlankLine.size()));
    if (!reply.empty())
      co_await asio::async_write(socket, asio::buffer(reply), asio::use_awaitable);
  }

  static bool IsWhole(const std::string& text) {
    constexpr std::string_view kLength = "Content-Length: ";
    const std::size_t head = text.find(kBlankLine);
    if (head == std::string::npos) return false;
    const std::size_t length = std::stoul(text.substr(text.find(kLength) + kLength.size()));
    return text.size() >= head + kBlankLine.size() + length;
  }

  std::string Reply(const std::string& body) {
    const std::lock_guard lock(mutex_);
    if (answer_ == Answer::kRefused) return Http(401, R"({"detail":"the token is used up"})");
    if (answer_ == Answer::kFailed) return Http(500, "");
    nodes_.insert(std::string(boost::json::parse(body).at("publicKey").as_string()));
    if (answer_ == Answer::kNone) return "";
    if (answer_ == Answer::kNoNode) return Http(201, "{}");
    if (answer_ == Answer::kNoJson) return Http(201, "<html>");
    return Http(201, R"({"nodeId":7,"name":"n","config":{},"pins":[]})");
  }

  std::mutex mutex_;
  Answer answer_ = Answer::kGood;
  std::set<std::string> nodes_;
  testing::TcpServer server_{[this](Socket socket) { return Serve(std::move(socket)); }};
};

// One way to fail, how it is mended, and whether a pending key stays: the backend may know it.
struct Step {
  const char* name;
  std::function<void(Backend& backend, const fs::path& state, Enrollment& enrollment)> break_it;
  std::function<void(Backend& backend, const fs::path& state, Enrollment& enrollment)> mend;
  bool pending_stays;
};

Step Of(const char* name, Answer answer, bool pending_stays) {
  return {name, [answer](Backend& backend, const fs::path&, Enrollment&) { backend.Give(answer); },
          [](Backend& backend, const fs::path&, Enrollment&) { backend.Give(Answer::kGood); },
          pending_stays};
}

// A folder stands where a file is to be written.
Step Blocked(const char* name, const char* file, bool pending_stays) {
  return {name,
          [file](Backend&, const fs::path& state, Enrollment&) {
            fs::create_directories(state / file / "in the way");
          },
          [file](Backend&, const fs::path& state, Enrollment&) { fs::remove_all(state / file); },
          pending_stays};
}

class EnrollStep : public ::testing::TestWithParam<Step> {
 protected:
  EnrollStep() {
    std::ofstream(state_ / "config.yaml") << kConfig;
    paths_.state_dir = state_;
  }

  absl::Status Enroll() {
    std::string node_id;
    return EnrollAt(paths_, enrollment_, &node_id);
  }

  std::string Config() const {
    std::stringstream text;
    text << std::ifstream(state_ / "config.yaml").rdbuf();
    return text.str();
  }

  static constexpr char kConfig[] = "pxe:\n  enabled: false\n";
  const TempDir dir_;
  const fs::path state_ = dir_.path();
  runtime::Paths paths_;
  Backend backend_;
  Enrollment enrollment_{backend_.url(), "token", "Berlin", {}, ""};
};

TEST_P(EnrollStep, LeavesNothingAndTheNextTryIsTheSameNode) {
  GetParam().break_it(backend_, state_, enrollment_);
  EXPECT_FALSE(Enroll().ok());
  EXPECT_FALSE(fs::exists(paths_.KeyFile()));
  EXPECT_EQ(Config(), kConfig);
  // No service takes it for an identity; the next try needs it to be the same node.
  EXPECT_EQ(fs::exists(paths_.KeyFile() + ".pending"), GetParam().pending_stays);
  GetParam().mend(backend_, state_, enrollment_);
  const absl::Status status = Enroll();
  ASSERT_TRUE(status.ok()) << status;
  const auto key = identity::IdentityKey::Load(paths_.KeyFile());
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_THAT(backend_.nodes(), ::testing::ElementsAre(key->PublicKeyBase64()));
  EXPECT_FALSE(fs::exists(paths_.KeyFile() + ".pending"));
  EXPECT_THAT(Config(), ::testing::HasSubstr("Berlin"));
}

INSTANTIATE_TEST_SUITE_P(
    At,
    EnrollStep,
    ::testing::Values(Step{"APinWithoutABackup",
                           [](Backend&, const fs::path&, Enrollment& e) {
                             e.pins = {std::string(43, 'A') + "="};
                           },
                           [](Backend&, const fs::path&, Enrollment& e) { e.pins.clear(); }, false},
                      Blocked("TheKey", "tentacle.key.pending", true),
                      Step{"NobodyListening",
                           [](Backend&, const fs::path&, Enrollment& e) {
                             e.backend_url = "http://127.0.0.1:1";
                           },
                           [](Backend& backend, const fs::path&, Enrollment& e) {
                             e.backend_url = backend.url();
                           },
                           true},
                      Of("ATokenThatIsRefused", Answer::kRefused, false),
                      Of("ABackendThatFails", Answer::kFailed, true),
                      Of("AnAnswerThatGotLost", Answer::kNone, true),
                      Of("AnAnswerWithoutANode", Answer::kNoNode, true),
                      Of("AnAnswerThatIsNone", Answer::kNoJson, true),
                      Blocked("TheOldConfiguration", "config.yaml.bak.new", true),
                      Blocked("TheNewConfiguration", "config.yaml.new", true)),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace tentacle::cli
