// Bar G2: pxe is killed at every turn of its home thread while a machine takes a step: before and
// behind each thing that is written down. Whatever the disk held then, the machine ends as it would
// have.
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "services/pxe/boot_http.h"
#include "services/pxe/core/boot_kind.h"
#include "tests/unit/pxe/fake_world.h"
#include "tests/unit/pxe/played_machine.h"

namespace tentacle::pxe {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using testing::kMac;

// What a killed process leaves.
struct Remains {
  std::map<std::string, std::string> files;
  std::map<std::string, std::string, std::less<>> store;
  bool replied = false;

  bool operator==(const Remains&) const = default;
};

class Office {
 public:
  explicit Office(const std::string& os_type) : os_type_(os_type) {
    for (const std::string& file : NeededFiles(*KindOf(os_type), testing::TaskOf(os_type, "t1")))
      world_.PutBootFile(file);
    Begin();
  }

  Office(const std::string& os_type, const Remains& remains) : Office(os_type) {
    fs::remove_all(Folder());
    fs::create_directories(Folder());
    for (const auto& [name, text] : remains.files)
      std::ofstream(Folder() / name) << text;
    std::vector<store::Write> writes;
    for (const auto& [key, value] : remains.store)
      writes.push_back({key, value});
    EXPECT_TRUE(world_.store.Apply(writes, true).ok());
    world_.Start();
    Begin();
  }

  bool Take(const std::string& step) {
    return IsGranted(step, world_.Await(http_->Handle(Request(step))));
  }

  // Every state of the disk while the step is taken.
  std::vector<Remains> TakeAndLook(const std::string& step) {
    std::vector<Remains> seen{Look(false)};
    std::optional<net::HttpReply> reply;
    auto handle = http_->Handle(Request(step));
    asio::co_spawn(world_.io, testing::World::Store(std::move(handle), &reply), asio::detached);
    world_.io.restart();
    while (world_.io.run_one() > 0) {
      if (Remains now = Look(reply.has_value()); !(now == seen.back()))
        seen.push_back(std::move(now));
    }
    EXPECT_TRUE(reply && IsGranted(step, *reply)) << step;
    return seen;
  }

  task::v1::TaskStatus status() { return world_.desk().table().Find(kMac)->progress.status(); }

 private:
  // uplink says the table again to whoever comes up.
  void Begin() {
    http_.emplace(world_.desk(), *world_.metrics, world_.temp.path() + "/boot", 9080,
                  [](const std::string&) { return std::optional(kMac); });
    world_.Await(world_.desk().Replace(1, {testing::TaskOf(os_type_, "t1")}));
  }

  fs::path Folder() const { return world_.temp.path() + "/tasks"; }

  net::HttpRequest Request(const std::string& step) {
    const BootTable& table = world_.desk().table();
    return testing::RequestOf(step, testing::TokensOf(table, *table.Find(kMac)));
  }

  static bool IsGranted(const std::string& step, const net::HttpReply& reply) {
    return step == "script" ? testing::Boots(reply) : reply.status == 200 || reply.status == 204;
  }

  Remains Look(bool replied) {
    Remains remains;
    remains.replied = replied;
    for (const auto& entry : fs::directory_iterator(Folder())) {
      // Being written: a start does not look at it.
      if (entry.path().extension() != ".json") continue;
      std::stringstream text;
      text << std::ifstream(entry.path()).rdbuf();
      remains.files[entry.path().filename()] = text.str();
    }
    remains.store = world_.store.Snapshot();
    return remains;
  }

  const std::string os_type_;
  testing::World world_;
  std::optional<BootHttp> http_;
};

class KillPoints : public ::testing::TestWithParam<std::string> {};

TEST_P(KillPoints, AtEachTheInstallationEndsAsItWouldHave) {
  const std::vector<std::string> steps = testing::StepsOf(GetParam());
  int kills = 0;
  for (std::size_t at = 0; at < steps.size(); ++at) {
    Office office(GetParam());
    for (std::size_t i = 0; i < at; ++i) {
      if (steps[i] != "failed") {
        ASSERT_TRUE(office.Take(steps[i])) << steps[i];
      }
    }
    for (const Remains& remains : office.TakeAndLook(steps[at])) {
      SCOPED_TRACE(steps[at] + ", kill " + std::to_string(++kills));
      Office next(GetParam(), remains);
      // What was answered is known to the next process; what was not is asked again.
      if (remains.replied) {
        EXPECT_EQ(next.status(), office.status());
      }
      if (!remains.replied) {
        ASSERT_TRUE(next.Take(steps[at]));
      }
      EXPECT_EQ(next.status(), office.status());
      if (steps[at] == "failed") continue;
      for (std::size_t i = at + 1; i < steps.size(); ++i) {
        if (steps[i] != "failed") {
          ASSERT_TRUE(next.Take(steps[i])) << steps[i];
        }
      }
      EXPECT_EQ(next.status(), task::v1::TASK_STATUS_COMPLETE);
    }
  }
  // Each step writes at least once before it is answered.
  EXPECT_GE(kills, static_cast<int>(2 * steps.size()));
}

INSTANTIATE_TEST_SUITE_P(Of,
                         KillPoints,
                         ::testing::Values("linux-image", "debian-preseed"),
                         [](const auto& test) {
                           return test.param == "linux-image" ? "LinuxImage" : "DebianPreseed";
                         });

}  // namespace
}  // namespace tentacle::pxe
