// A pull and its sources, alone: what a source or the disk does in mid-run stays in that run.
#include <sys/resource.h>

#include <csignal>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

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

TEST(PullSources, WhatTheDiskRefusedDoesNotShiftWhatComesNext) {
  const TempDir folder;
  const std::string bytes = Pattern(1, kSize);
  chunks::ListBuilder builder;
  builder.Add(bytes);
  Stopping stop;
  std::unique_ptr<DiskTakesNothing> refusal;
  int troubles = 0;
  int wrong = 0;
  PullJob job;
  job.part_path = folder / "img.part";
  job.final_path = folder / "img";
  job.chunked = std::make_shared<Chunked>(builder.Finish().value());
  job.stop = &stop;
  job.on_progress = [](std::uint64_t) {};
  job.on_trouble = [&](const std::string&) { ++troubles; };
  job.on_verifying = [] {};
  job.on_right = [] {};
  job.on_fetched = [](ChunkOrigin, std::uint64_t) {};
  job.on_wrong_chunk = [&](std::size_t, std::string_view) { ++wrong; };
  job.more_sources = [&](const v1::Image&, const Chunked& chunked) {
    ChunkSources sources;
    sources.push_back(std::make_unique<ScriptedSource>(
        bytes, chunked.list, 1, [&](std::string_view run, ChunkSink& sink) {
          refusal = std::make_unique<DiskTakesNothing>();
          return sink.Take(run.substr(0, 1000));
        }));
    sources.push_back(std::make_unique<ScriptedSource>(bytes, chunked.list, 1,
                                                       [&](std::string_view run, ChunkSink& sink) {
                                                         refusal.reset();
                                                         return sink.Take(run);
                                                       }));
    return sources;
  };
  const absl::Status pulled = Pull(job);
  EXPECT_TRUE(pulled.ok()) << pulled;
  EXPECT_EQ(troubles, 1);
  EXPECT_EQ(wrong, 0);
  EXPECT_TRUE(ReadFile(job.final_path) == bytes);
}

}  // namespace
}  // namespace tentacle::cache::testing
