// A pull and its sources, alone: what a source or the disk does in mid-run stays in that run.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "libs/chunks/chunk_list.h"
#include "services/cache/puller.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/cache/cache_bench.h"
#include "tests/unit/cache/fake_origin.h"

namespace tentacle::cache::testing {
namespace {

constexpr std::size_t kSize = (3 << 20) + 11;

// While it lives the disk takes no byte more.
class DiskTakesNothing {
 public:
  DiskTakesNothing() {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit none{0, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &none);
  }

  ~DiskTakesNothing() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, SIG_DFL);
  }

 private:
  rlimit before_{};
};

// Has the whole image and gives it as the script says.
class ScriptedSource final : public ChunkSource {
 public:
  using Script = std::function<absl::Status(std::string_view run, ChunkSink& sink)>;

  ScriptedSource(const std::string& bytes, const chunks::ChunkList& list, int runs, Script script)
      : bytes_(bytes), list_(list), runs_(runs), script_(std::move(script)) {}

  std::string_view name() const override { return "scripted"; }

  ChunkOrigin origin() const override { return ChunkOrigin::kPeer; }

  std::size_t Offers(const ChunkRun& run) override { return runs_ > 0 ? run.count : 0; }

  absl::Status Fetch(const ChunkRun& run, ChunkSink& sink, Stopping&) override {
    --runs_;
    const std::uint64_t begin = list_.chunks[run.first].offset;
    const std::uint64_t end = list_.chunks[run.end() - 1].end();
    return script_(std::string_view(bytes_).substr(begin, end - begin), sink);
  }

  void Judge(std::size_t, bool) override {}

 private:
  const std::string& bytes_;
  const chunks::ChunkList& list_;
  int runs_;
  Script script_;
};

// For the calling thread and those it starts, and for good: what begins at `offset` of a file
// cannot be read, as with a bad sector.
void CannotReadAt(std::uint64_t offset) {
  const auto low = static_cast<std::uint32_t>(offset);
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pread64, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[3])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, low, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EIO),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{std::size(filter), filter};
  EXPECT_EQ(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  EXPECT_EQ(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

class PullSources : public ::testing::Test {
 protected:
  PullSources() {
    chunks::ListBuilder builder;
    builder.Add(bytes_);
    job_.part_path = folder_ / "img.part";
    job_.final_path = folder_ / "img";
    job_.chunked = std::make_shared<Chunked>(builder.Finish().value());
    job_.stop = &stop_;
    job_.on_found = [](std::uint64_t) {};
    job_.on_progress = [](std::uint64_t) {};
    job_.on_trouble = [this](const std::string&) { ++troubles_; };
    job_.on_verifying = [] {};
    job_.on_right = [] {};
    job_.on_fetched = [this](ChunkOrigin, std::uint64_t bytes) { fetched_ += bytes; };
    job_.on_wrong_chunk = [this](std::size_t, std::string_view) { ++wrong_; };
  }

  // Each asked for one run at most, in this order.
  void TakeFrom(std::vector<ScriptedSource::Script> scripts) {
    job_.more_sources = [this, scripts](const v1::Image&, const Chunked& chunked) {
      ChunkSources sources;
      for (const auto& script : scripts)
        sources.push_back(std::make_unique<ScriptedSource>(bytes_, chunked.list, 1, script));
      return sources;
    };
  }

  const TempDir folder_;
  const std::string bytes_ = Pattern(1, kSize);
  Stopping stop_;
  PullJob job_;
  int troubles_ = 0;
  int wrong_ = 0;
  std::uint64_t fetched_ = 0;
};

TEST_F(PullSources, WhatTheDiskRefusedDoesNotShiftWhatComesNext) {
  std::unique_ptr<DiskTakesNothing> refusal;
  TakeFrom({[&](std::string_view run, ChunkSink& sink) {
              refusal = std::make_unique<DiskTakesNothing>();
              return sink.Take(run.substr(0, 1000));
            },
            [&](std::string_view run, ChunkSink& sink) {
              refusal.reset();
              return sink.Take(run);
            }});
  const absl::Status pulled = Pull(job_);
  EXPECT_TRUE(pulled.ok()) << pulled;
  EXPECT_EQ(troubles_, 1);
  EXPECT_EQ(wrong_, 0);
  EXPECT_TRUE(ReadFile(job_.final_path) == bytes_);
}

TEST_F(PullSources, WhatTheDiskCannotReadIsFetchedAgain) {
  std::ofstream(job_.part_path, std::ios::binary) << bytes_;
  TakeFrom({[](std::string_view run, ChunkSink& sink) { return sink.Take(run); }});
  const chunks::Chunk bad = job_.chunked->list.chunks[2];
  absl::Status pulled;
  std::thread thread([&] {
    CannotReadAt(bad.offset);
    pulled = Pull(job_);
  });
  thread.join();
  EXPECT_TRUE(pulled.ok()) << pulled;
  EXPECT_EQ(wrong_, 1);
  EXPECT_EQ(fetched_, bad.length);
  EXPECT_TRUE(ReadFile(job_.final_path) == bytes_);
}

}  // namespace
}  // namespace tentacle::cache::testing
