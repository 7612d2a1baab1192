// SIGKILL in the middle of pulls, evictions, checks and repairs: never a wrong byte, never a lost
// image, never a file that nobody knows. Each victim checks what the one before has left.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/cache/core/image_name.h"
#include "tests/support/env_number.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/cache/cache_bench.h"
#include "tests/unit/cache/fake_origin.h"
#include "tests/unit/cache/kill_world.h"
#include "tests/unit/cache/power_cut.h"

extern char** environ;

namespace tentacle::cache::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::IsSupersetOf;

class Process {
 public:
  // `set`: "NAME=value", added to the environment.
  Process(std::vector<std::string> words, std::vector<std::string> set) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    std::vector<char*> argv;
    for (std::string& word : words)
      argv.push_back(word.data());
    argv.push_back(nullptr);
    std::vector<char*> environment;
    for (char** one = environ; *one != nullptr; ++one)
      environment.push_back(*one);
    for (std::string& one : set)
      environment.push_back(one.data());
    environment.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    EXPECT_EQ(::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environment.data()), 0);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    out_ = ends[0];
  }

  ~Process() { ::close(out_); }

  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // False: it ended before.
  bool AwaitReady() const {
    char byte = 0;
    return ::read(out_, &byte, 1) == 1;
  }

  void Kill() const { ::kill(pid_, SIGKILL); }

  // The exit code, or minus the signal.
  int Wait() const {
    int status = 0;
    EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  pid_t pid_ = 0;
  int out_ = -1;
};

class KillTest : public ::testing::Test {
 protected:
  KillTest() {
    for (std::size_t i = 0; i < kKillImages.size(); ++i) {
      if (kKillImages[i].chunked)
        origin_.PutChunked(kKillImages[i].id, KillBytes(i));
      else
        origin_.Put(kKillImages[i].id, KillBytes(i));
    }
  }

  Process Start(int seed, int operations, const std::string& kill_at = "") const {
    return Process(
        {CACHE_VICTIM, origin_.url(), folder_, std::to_string(seed), std::to_string(operations)},
        {"TENTACLE_KILL_AT=" + kill_at});
  }

  // A last one, which nobody kills, finds all in order.
  void ExpectOrder() const {
    const Process last = Start(0, 0);
    EXPECT_EQ(last.Wait(), 0);
  }

  // Of images, without the ending that those on their way have.
  std::set<std::string> Files(bool only_whole = false) const {
    std::set<std::string> names;
    for (const auto& file : fs::directory_iterator(folder_ + "/cache/images")) {
      if (!only_whole || !file.path().has_extension()) names.insert(file.path().stem().string());
    }
    return names;
  }

  FakeOrigin origin_;
  const TempDir dir_;
  const std::string& folder_ = dir_.path();
};

TEST_F(KillTest, AtRandomMoments) {
  const auto kills = static_cast<int>(tentacle::testing::EnvNumber("CACHE_KILLS", 15));
  std::mt19937 random(1);
  for (int i = 0; i < kills; ++i) {
    const Process victim = Start(i, 1'000'000);
    if (!victim.AwaitReady()) {
      ASSERT_EQ(victim.Wait(), 0) << "kill " << i;
      continue;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 150));
    victim.Kill();
    ASSERT_EQ(victim.Wait(), -SIGKILL) << "kill " << i;
  }
  ExpectOrder();
}

// Bar E2: what was not synced is gone, or there, or half there.
TEST_F(KillTest, ByPowerCuts) {
  const auto cuts = static_cast<int>(tentacle::testing::EnvNumber("CACHE_POWER_CUTS", 6));
  const std::string notes = folder_ + ".notes";
  std::mt19937 random(2);
  for (int i = 0; i <= cuts; ++i) {
    SCOPED_TRACE("after power cut " + std::to_string(i));
    const Process victim(
        {CACHE_POWER_VICTIM, origin_.url(), folder_, std::to_string(i),
         i == cuts ? "0" : "1000000"},
        {std::string(kPowerRoot) + "=" + folder_, std::string(kPowerNotes) + "=" + notes});
    ASSERT_TRUE(victim.AwaitReady()) << victim.Wait();
    if (i == cuts) {
      EXPECT_EQ(victim.Wait(), 0);
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 300));
    victim.Kill();
    ASSERT_EQ(victim.Wait(), -SIGKILL);
    CutPower(folder_, notes, random() % 2 == 0, random);
  }
  fs::remove_all(notes);
}

// A file that is doubted has two names, and for a moment the index knows it by neither state.
TEST_F(KillTest, BetweenADoubtAndItsRepairNoFileIsLost) {
  for (const char* place : {"before_doubt_rename", "after_doubt_rename"}) {
    SCOPED_TRACE(place);
    ASSERT_EQ(Start(7, 1'000'000, std::string(place) + ":1").Wait(), -SIGKILL);
    const std::set<std::string> before = Files();
    const std::set<std::string> whole = Files(true);
    CacheBench bench(origin_.url(), folder_);
    bench.Start();
    EXPECT_THAT(Files(), IsSupersetOf(before));
    bench.OnHome([&] {
      int repairs = 0;
      for (const auto& [id, entry] : bench.library().entries()) {
        const bool goes_on = entry->image.state() == v1::IMAGE_STATE_CACHED || entry->pull_runs ||
                             bench.library().Waits(*entry);
        EXPECT_TRUE(goes_on || !whole.contains(FileNameOf(id))) << id;
        repairs += goes_on && *entry->pull_class == PullClass::kRepair ? 1 : 0;
      }
      EXPECT_GT(repairs, 0);
    });
    bench.Stop();
  }
}

class KillPointTest : public KillTest, public ::testing::WithParamInterface<const char*> {};

// Bar E1: at each of the named places.
TEST_P(KillPointTest, OnceAndAgain) {
  const auto rounds = static_cast<int>(tentacle::testing::EnvNumber("CACHE_KILL_ROUNDS", 2));
  int killed = 0;
  for (int i = 0; i < rounds; ++i) {
    const Process victim =
        Start(100 + i, 150, std::string(GetParam()) + ":" + std::to_string(1 + 2 * i));
    const int ended = victim.Wait();
    ASSERT_TRUE(ended == -SIGKILL || ended == 0) << ended;
    killed += ended == 0 ? 0 : 1;
  }
  EXPECT_GT(killed, 0);
  ExpectOrder();
}

INSTANTIATE_TEST_SUITE_P(Places,
                         KillPointTest,
                         ::testing::ValuesIn(kKillPlaces),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace tentacle::cache::testing
