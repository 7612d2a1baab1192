// A job's secrets: files while it runs, sealed where it is stored, gone when it has ended.
#include <fmt/format.h>

#include <filesystem>
#include <string>

#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/backend_link/order.h"
#include "libs/identity/identity.h"
#include "libs/identity/signed_order.h"
#include "services/agent/order_desk.h"
#include "tests/unit/agent/job_bench.h"

namespace tentacle::agent {
namespace {

using ::testing::HasSubstr;
using testing::JobRunnerTest;
using testing::Life;
using testing::Text;
namespace json = boost::json;

constexpr char kSecret[] = "m4rker of the test";

class JobCredentials : public JobRunnerTest {
 protected:
  JobCredentials() { orders_.Configure(key_.PublicKeyBase64(), "7"); }

  static std::string Beside(const std::string& secret) {
    return json::serialize(json::object{{"salt", "73616c74"}, {"credentials", {{"db", secret}}}});
  }

  // An order that is signed for `signed_text`, with `text` beside it.
  absl::Status Take(const std::string& name,
                    const std::string& script,
                    const std::string& signed_text,
                    const std::string& text) {
    json::object job{{"id", Id(name)}, {"script", script}};
    if (!signed_text.empty()) job["credentialsSha256"] = identity::Sha256Hex(signed_text);
    const std::string order =
        backend_link::OrderText("job.run", "7", absl::InfiniteFuture(), {{"job", job}});
    return loop_.Run(orders_.Take({order, identity::SignOrder(key_, order), Id(name), text}));
  }

  bool StoreHas(std::string_view what) {
    for (const auto& [key, value] : life_.store.Snapshot()) {
      if (value.find(what) != std::string::npos) return true;
    }
    return false;
  }

  identity::IdentityKey key_ = *identity::IdentityKey::Generate();
  OrderDesk orders_{life_.clock, runtime::Log("agent", runtime::LogLevel::kError),
                    std::make_shared<Metrics>(life_.registry), life_.runner};
};

TEST_F(JobCredentials, AreFilesOfTheJobAlone) {
  const std::string text = Beside(kSecret);
  ASSERT_TRUE(Take("reads",
                   "cat \"$CREDENTIALS_DIRECTORY/db\"; echo; stat -c '%a %U' "
                   "\"$CREDENTIALS_DIRECTORY\" \"$CREDENTIALS_DIRECTORY/db\"; tr '\\0' '\\n' "
                   "</proc/$$/environ | grep -c m4rker; tr '\\0' ' ' </proc/$$/cmdline",
                   text, text)
                  .ok());
  const std::string out = Text(Result("reads"), "stdout");
  EXPECT_THAT(out, HasSubstr(fmt::format("{}\n700 root\n600 root\n0\n", kSecret)));
  EXPECT_FALSE(std::filesystem::exists(folder_ / ("jobs/" + Id("reads"))));
}

TEST_F(JobCredentials, BelongToTheUserOfTheJob) {
  if (::getuid() != 0) GTEST_SKIP() << "only root may become somebody else";
  std::filesystem::permissions(folder_ / ".", std::filesystem::perms(0711));
  ASSERT_TRUE(Order("user", {{"script", "cat \"$CREDENTIALS_DIRECTORY/db\""},
                             {"user", "nobody"},
                             {"credentials", {{"db", kSecret}}}})
                  .ok());
  EXPECT_EQ(Text(Result("user"), "stdout"), kSecret);
}

TEST_F(JobCredentials, AreSealedWhereTheJobIsStored) {
  const auto pipe = MakePipe("waits");
  const std::string text = Beside(kSecret);
  const std::string script = fmt::format("cat {}", folder_ / "waits");
  ASSERT_TRUE(Take("stored", script, text, text).ok());
  EXPECT_TRUE(StoreHas(std::string(1, '\0')));
  EXPECT_FALSE(StoreHas("m4rker"));
  EXPECT_FALSE(StoreHas(script));
  // Another life has them all the same; this one must not go on with the job beside it.
  life_.runner->Stop();
  Life next(loop_, folder_, life_.store.Snapshot());
  EXPECT_TRUE(loop_.Run(next.runner->Recover()).ok());
  EXPECT_TRUE(loop_.Run(next.runner->GetJob(Id("stored"))).ok());
}

TEST_F(JobCredentials, OfAnotherOrderAreRefusedAndTheJobSaysSo) {
  const std::string wanted = Beside(kSecret);
  const auto refused = [&](const std::string& name, const std::string& signed_text,
                           const std::string& text) {
    EXPECT_TRUE(absl::IsPermissionDenied(Take(name, "true", signed_text, text)));
    const std::string why = Text(Result(name), "errorMessage");
    EXPECT_THAT(why, HasSubstr("not those that the order is signed for"));
  };
  refused("altered", wanted, Beside("another"));
  refused("missing", wanted, "");
  refused("unasked", "", wanted);
}

TEST_F(JobCredentials, ThatAreNoneAreRefused) {
  const std::string text = "not json";
  EXPECT_TRUE(absl::IsInvalidArgument(Take("nonsense", "true", text, text)));
  json::object job{{"id", "j"}, {"script", "true"}, {"credentials", {{"../etc", "x"}}}};
  EXPECT_THAT(backend_link::ParseJob(job).status().ToString(), HasSubstr("credentials: the name"));
  job["credentials"] = json::object{{"db", 7}};
  EXPECT_THAT(backend_link::ParseJob(job).status().ToString(), HasSubstr("credentials: db"));
  job["credentials"] = json::object{{"db", std::string(70'000, 'x')}};
  EXPECT_THAT(backend_link::ParseJob(job).status().ToString(), HasSubstr("allowed are"));
}

}  // namespace
}  // namespace tentacle::agent
