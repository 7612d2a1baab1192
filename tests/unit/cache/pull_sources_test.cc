// A pull and its sources, alone: what a source or the disk does in mid-run stays in that run.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <fstream>
#include <functional>
#include <future>
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

constexpr std::uint64_t kBlockBytes = 4096;

// A block of a file that cannot be read. As with a sector that has gone bad: what writes a part of
// the block has to read the rest first, and fails; what writes all of it, or gives it back, heals
// it.
class BadBlock {
 public:
  explicit BadBlock(std::uint64_t offset) : begin_(offset / kBlockBytes * kBlockBytes) {}

  ~BadBlock() { watcher_.join(); }

  BadBlock(const BadBlock&) = delete;
  BadBlock& operator=(const BadBlock&) = delete;

  // For the calling thread and those it starts, for as long as they live.
  void Begin() {
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pread64, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pwrite64, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fallocate, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
    };
    const sock_fprog program{std::size(filter), filter};
    EXPECT_EQ(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    const long listener =
        ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    EXPECT_GE(listener, 0);
    listener_.set_value(static_cast<int>(listener));
  }

 private:
  // Until the last thread that is watched has ended.
  void Watch(int listener) {
    while (listener >= 0) {
      pollfd ready{listener, POLLIN, 0};
      if (::poll(&ready, 1, -1) < 0 || (ready.revents & POLLIN) == 0) break;
      seccomp_notif call{};
      if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) continue;
      seccomp_notif_resp answer{};
      answer.id = call.id;
      if (Fails(call.data))
        answer.error = -EIO;
      else
        answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
      ::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
    }
    ::close(listener);
  }

  bool Fails(const seccomp_data& call) {
    const bool is_punch = call.nr == SYS_fallocate;
    const std::uint64_t from = is_punch ? call.args[2] : call.args[3];
    const std::uint64_t to = from + (is_punch ? call.args[3] : call.args[2]);
    if (to <= begin_ || from >= begin_ + kBlockBytes) return false;
    const bool is_whole = from <= begin_ && to >= begin_ + kBlockBytes;
    if (call.nr != SYS_pread64 && is_whole) bad_ = false;
    return bad_;
  }

  const std::uint64_t begin_;
  bool bad_ = true;  // The watcher's.
  std::promise<int> listener_;
  // Begun before the others: it is not watched itself.
  std::thread watcher_{[this] { Watch(listener_.get_future().get()); }};
};

class PullSources : public ::testing::Test {
 protected:
  PullSources() {
    chunks::ListBuilder builder;
    builder.Add(bytes_);
    job_.part_path = folder_ / "img.part";
    job_.final_path = folder_ / "img";
    job_.chunked = std::make_shared<Chunked>(builder.Finish().value());
    job_.stop = &stop_;
    job_.retries = {absl::Milliseconds(1), absl::Milliseconds(2)};
    job_.on_found = [](std::uint64_t) {};
    job_.on_progress = [](std::uint64_t) {};
    job_.on_trouble = [this](const std::string&) { ++troubles_; };
    job_.on_verifying = [] {};
    job_.on_right = [] {};
    job_.line.on_wire = [](std::uint64_t) {};
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

  absl::Status PullBeside(std::uint64_t bad_offset) {
    job_.was_whole = true;
    BadBlock bad(bad_offset);
    absl::Status pulled;
    std::thread thread([&] {
      bad.Begin();
      pulled = Pull(job_);
    });
    thread.join();
    return pulled;
  }

  void PullWithABadBlock(std::uint64_t offset, bool heals = true) {
    TakeFrom({[](std::string_view run, ChunkSink& sink) { return sink.Take(run); }});
    const absl::Status pulled = PullBeside(offset);
    EXPECT_EQ(pulled.ok(), heals) << pulled;
    if (heals) {
      EXPECT_TRUE(ReadFile(job_.final_path) == bytes_);
    }
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
  PullWithABadBlock(job_.chunked->list.chunks[2].offset + kBlockBytes);
  EXPECT_EQ(wrong_, 1);
  EXPECT_EQ(fetched_, job_.chunked->list.chunks[2].length);
}

TEST_F(PullSources, ABlockThatTheDiskCannotReadAndTwoChunksShareCostsBoth) {
  std::ofstream(job_.part_path, std::ios::binary) << bytes_;
  const auto& chunks = job_.chunked->list.chunks;
  ASSERT_NE(chunks[3].offset % kBlockBytes, 0u);
  PullWithABadBlock(chunks[3].offset);
  EXPECT_EQ(wrong_, 2);
  EXPECT_EQ(fetched_, chunks[2].length + chunks[3].length);
}

// Its pages are still in memory, or it was written a moment ago: what is right is not given up.
TEST_F(PullSources, ABlockThatTheDiskCannotReadTakesNoByteFromAChunkThatIsRight) {
  std::ofstream(job_.part_path, std::ios::binary) << bytes_;
  const auto& chunks = job_.chunked->list.chunks;
  job_.chunked->map.Mark(2);
  PullWithABadBlock(chunks[3].offset, false);
  EXPECT_EQ(wrong_, 1);
  EXPECT_EQ(ReadFile(job_.part_path).substr(chunks[2].offset, chunks[2].length),
            bytes_.substr(chunks[2].offset, chunks[2].length));
}

// What cannot be read now may be readable again.
TEST_F(PullSources, ABlockThatTheDiskCannotReadStaysWhileNothingComesForIt) {
  std::ofstream(job_.part_path, std::ios::binary) << bytes_;
  EXPECT_FALSE(PullBeside(job_.chunked->list.chunks[3].offset).ok());
  EXPECT_TRUE(ReadFile(job_.part_path) == bytes_);
}

}  // namespace
}  // namespace tentacle::cache::testing
