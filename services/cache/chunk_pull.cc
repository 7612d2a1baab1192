// A pull by chunks: what is on the disk is checked and kept, what is missing is taken from whoever
// has it, and nothing counts before its hash was right.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <utility>

#include "services/cache/bad_blocks.h"
#include "services/cache/core/pull_plan.h"
#include "services/cache/core/zero_chunks.h"
#include "services/cache/kill_point.h"
#include "services/cache/origin_source.h"
#include "services/cache/part_file.h"
#include "services/cache/puller.h"
#include "services/cache/whole_hash.h"

namespace tentacle::cache {

namespace {

using Clock = std::chrono::steady_clock;

// A client waits for a chunk that this run does not reach.
absl::Status Elsewhere() {
  return absl::AbortedError("a client waits elsewhere");
}

class ChunkPull final : public ChunkSink {
 public:
  explicit ChunkPull(const PullJob& job)
      : job_(job),
        chunked_(*job.chunked),
        list_(chunked_.list),
        map_(chunked_.map),
        zeros_(list_) {}

  absl::Status Run() {
    absl::Status status = OpenFile();
    if (status.ok()) status = CheckWhatIsHere();
    if (!status.ok()) return status;
    MakeSources();
    status = FetchAll();
    if (!status.ok()) return status;
    Tell(true);
    job_.on_verifying();
    const auto digest = hash_->Finish(*job_.stop);
    if (job_.stop->begun()) return absl::CancelledError("stopped");
    if (!digest) return absl::UnavailableError("the image's file cannot be read");
    if (*digest != list_.whole)
      return absl::DataLossError("the chunks are right and the image is not");
    job_.on_right();
    return file_.Publish(job_.part_path, job_.final_path);
  }

  absl::Status Take(std::string_view bytes) override;
  absl::Status TakeFrom(int fd, std::uint64_t offset, std::uint64_t length) override;

 private:
  struct Source {
    ChunkSource* source = nullptr;
    int failures = 0;  // In a row, without a byte.
  };

  absl::Status OpenFile();
  absl::Status CheckWhatIsHere();
  absl::Status CheckOne(std::size_t chunk);
  void MakeSources();
  absl::Status FetchAll();
  absl::Status FetchRun(NextFetch next);
  absl::Status AfterFailure(Source& source, const absl::Status& status, bool fruitful);
  Source& Choose(ChunkRun& run);
  absl::Status Checked(const chunks::Digest& digest);
  absl::Status WriteOut();
  void Right(std::size_t chunk);
  absl::Status Wrong();
  absl::Status MayGoOn();
  void Tell(bool now);

  const PullJob& job_;
  Chunked& chunked_;
  const chunks::ChunkList& list_;
  ChunkMap& map_;
  PartFile file_;
  BadBlocks bad_blocks_{file_, list_, map_};
  std::unique_ptr<WholeHash> hash_;
  std::vector<char> buffer_;
  const ZeroChunks zeros_;
  ChunkSources own_sources_;
  std::vector<Source> sources_;
  std::map<std::size_t, int> tries_;  // Of chunks that were wrong.
  retry::Backoff backoff_{job_.retries};

  // Of the run that is being taken.
  Source* source_ = nullptr;
  bool urgent_ = false;
  std::size_t at_ = 0;
  std::size_t run_end_ = 0;
  std::uint32_t filled_ = 0;
  int wrong_ = 0;
  chunks::Sha256 digest_;
  std::string unwritten_;  // What came last, and where it belongs.
  std::uint64_t unwritten_at_ = 0;
  std::vector<std::size_t> right_;  // Chunks of it that are right.
  Clock::time_point write_by_{};

  std::size_t in_order_at_ = 0;  // Where the pull goes on when nobody waits elsewhere.
  std::size_t prefix_ = 0;       // So many chunks from the start on are here.
  std::uint64_t present_ = 0;
  std::uint64_t told_ = 0;
  bool looking_ = true;  // Through what is here.
  std::uint64_t written_ = 0;
  std::uint64_t room_checked_ = 0;
  Clock::time_point told_at_{};
  std::uint64_t wants_seen_ = 0;
  std::uint64_t interrupted_bytes_ = 0;
  Clock::time_point interrupted_at_{};
};

absl::Status ChunkPull::OpenFile() {
  absl::Status status = file_.Open(job_.part_path);
  if (!status.ok()) return status;
  const auto size = file_.Size();
  if (!size.ok()) return size.status();
  if (*size != list_.size()) status = file_.Resize(list_.size());
  hash_ = std::make_unique<WholeHash>(file_, list_.size());
  return status;
}

// Whatever wrote the file, and however it ended: the disk says what is here.
absl::Status ChunkPull::CheckWhatIsHere() {
  std::uint64_t data = file_.NextData(0);
  for (std::size_t i = 0; i < list_.chunks.size(); ++i) {
    if (job_.stop->begun()) return absl::CancelledError("stopped");
    const chunks::Chunk& chunk = list_.chunks[i];
    if (map_.Has(i)) {  // Of an earlier series of tries.
      Right(i);
      continue;
    }
    if (data < chunk.offset) data = file_.NextData(chunk.offset);
    if (data >= chunk.end()) {
      // Nobody needs to send zeros.
      if (zeros_.Has(chunk))
        Right(i);
      else if (job_.was_whole)
        job_.on_wrong_chunk(i, "disk");
      continue;
    }
    if (absl::Status status = CheckOne(i); !status.ok()) return status;
  }
  Tell(true);
  looking_ = false;
  return absl::OkStatus();
}

absl::Status ChunkPull::CheckOne(std::size_t i) {
  const chunks::Chunk& chunk = list_.chunks[i];
  buffer_.resize(std::max<std::size_t>(buffer_.size(), chunk.length));
  const auto got = file_.Read(chunk.offset, buffer_.data(), chunk.length);
  // What the disk cannot read is written anew like what it got wrong.
  if (!got.ok()) bad_blocks_.Find(chunk.offset, chunk.end());
  if (got.ok() && *got == chunk.length &&
      chunks::Sha256::Of({buffer_.data(), *got}) == chunk.digest) {
    Right(i);
    return absl::OkStatus();
  }
  if (job_.was_whole) job_.on_wrong_chunk(i, "disk");
  if (!zeros_.Has(chunk)) return absl::OkStatus();
  bad_blocks_.GiveBack(chunk.offset, chunk.end());
  absl::Status punched = file_.PunchHole(chunk.offset, chunk.length);
  if (punched.ok()) Right(i);
  return punched;
}

void ChunkPull::MakeSources() {
  own_sources_.push_back(std::make_unique<LocalSource>(list_, map_, file_.fd(), job_.local_images,
                                                       job_.load_list, job_.on_rotten));
  if (job_.more_sources) {
    for (auto& one : job_.more_sources(job_.image, chunked_))
      own_sources_.push_back(std::move(one));
  }
  own_sources_.push_back(std::make_unique<OriginSource>(job_.origin, job_.image, list_, job_.line));
  for (const auto& one : own_sources_)
    sources_.push_back({one.get(), 0});
}

// The first that has it. What a better one has, or will have by then, is not taken from a worse
// one.
ChunkPull::Source& ChunkPull::Choose(ChunkRun& run) {
  for (std::size_t i = 0; i + 1 < sources_.size(); ++i) {
    if (sources_[i].failures >= limits::kFruitlessTries) continue;
    const std::size_t offered = std::min(run.count, sources_[i].source->Offers(run));
    if (offered == 0) continue;
    run.count = offered;
    return sources_[i];
  }
  std::size_t count = 1;
  const auto expected = [&](std::size_t chunk) {
    return std::any_of(sources_.begin(), sources_.end() - 1, [chunk](const Source& one) {
      return one.failures < limits::kFruitlessTries && one.source->Expects(chunk);
    });
  };
  while (count < run.count && !expected(run.first + count))
    ++count;
  run.count = count;
  return sources_.back();
}

absl::Status ChunkPull::FetchAll() {
  while (prefix_ < map_.count()) {
    if (job_.stop->begun()) return absl::CancelledError("stopped");
    const NextFetch next =
        PlanFetch(list_, map_, chunked_.wants.offsets(), in_order_at_, limits::kUrgentBytes);
    if (absl::Status status = FetchRun(next); !status.ok()) return status;
    // What was wrong is tried again at once: a file that was exchanged shows after three tries, not
    // after three times the image.
    if (!next.urgent) in_order_at_ = wrong_ > 0 ? next.run.first : at_;
  }
  return absl::OkStatus();
}

absl::Status ChunkPull::FetchRun(NextFetch next) {
  Source& source = Choose(next.run);
  const std::uint64_t before = present_;
  source_ = &source;
  urgent_ = next.urgent;
  at_ = next.run.first;
  run_end_ = next.run.end();
  filled_ = 0;
  wrong_ = 0;
  digest_.Reset();
  // What the disk did not take in the run before is not here.
  unwritten_.clear();
  right_.clear();
  absl::Status status = source.source->Fetch(next.run, *this, *job_.stop);
  if (absl::Status written = WriteOut(); !written.ok()) status = written;
  Tell(true);
  if (status.ok() || absl::IsAborted(status)) {
    source.failures = 0;
    return absl::OkStatus();
  }
  return AfterFailure(source, status, present_ > before);
}

// OK: another try follows.
absl::Status ChunkPull::AfterFailure(Source& source, const absl::Status& status, bool fruitful) {
  const bool is_backend = &source == &sources_.back();
  if (absl::IsCancelled(status) || absl::IsResourceExhausted(status)) return status;
  if (is_backend && !absl::IsUnavailable(status)) return status;
  job_.on_trouble(
      is_backend ? std::string(status.message())
                 : fmt::format("{}: {}", source.source->name(), std::string(status.message())));
  source.failures = fruitful ? 0 : source.failures + 1;
  if (!is_backend) return absl::OkStatus();
  if (fruitful) backoff_.Reset();
  if (source.failures == limits::kFruitlessTries) return status;
  job_.stop->Pause(backoff_.Next(Jitter()));
  return absl::OkStatus();
}

absl::Status ChunkPull::Take(std::string_view bytes) {
  while (!bytes.empty()) {
    if (at_ >= run_end_) return absl::UnavailableError("more bytes than were asked for");
    const chunks::Chunk& chunk = list_.chunks[at_];
    const std::string_view step = bytes.substr(0, chunk.length - filled_);
    if (unwritten_.empty()) unwritten_at_ = chunk.offset + filled_;
    unwritten_.append(step);
    digest_.Add(step);
    filled_ += static_cast<std::uint32_t>(step.size());
    bytes.remove_prefix(step.size());
    // The backend's bytes are counted as they come over the line.
    const ChunkOrigin from = source_->source->origin();
    if (from != ChunkOrigin::kBackend) job_.on_fetched(from, step.size());
    if (filled_ == chunk.length) {
      if (absl::Status checked = Checked(digest_.Take()); !checked.ok()) return checked;
    }
    if (unwritten_.size() < limits::kWriteBytes && Clock::now() < write_by_) continue;
    if (absl::Status written = WriteOut(); !written.ok()) return written;
  }
  return absl::OkStatus();
}

// What came is written in one go, and what was right of it counts from then on.
absl::Status ChunkPull::WriteOut() {
  write_by_ = Clock::now() + absl::ToChronoNanoseconds(limits::kWriteWithin);
  if (!unwritten_.empty()) {
    bad_blocks_.GiveBack(unwritten_at_, unwritten_at_ + unwritten_.size());
    if (absl::Status put = file_.Write(unwritten_at_, unwritten_); !put.ok()) return put;
    unwritten_.clear();
  }
  for (const std::size_t chunk : right_)
    Right(chunk);
  right_.clear();
  return absl::OkStatus();
}

absl::Status ChunkPull::TakeFrom(int fd, std::uint64_t offset, std::uint64_t length) {
  if (at_ >= run_end_ || filled_ != 0 || length != list_.chunks[at_].length)
    return absl::UnavailableError("copies are of whole chunks");
  const chunks::Chunk& chunk = list_.chunks[at_];
  bad_blocks_.GiveBack(chunk.offset, chunk.end());
  if (absl::Status copied = file_.CopyFrom(fd, offset, chunk.offset, length); !copied.ok())
    return copied;
  buffer_.resize(std::max<std::size_t>(buffer_.size(), length));
  const auto got = file_.Read(chunk.offset, buffer_.data(), length);
  if (!got.ok()) return got.status();
  job_.on_fetched(source_->source->origin(), length);
  absl::Status checked = Checked(chunks::Sha256::Of({buffer_.data(), *got}));
  if (checked.ok()) checked = WriteOut();
  return checked;
}

// A whole chunk has come.
absl::Status ChunkPull::Checked(const chunks::Digest& digest) {
  const std::size_t chunk = at_++;
  filled_ = 0;
  const bool right = digest == list_.chunks[chunk].digest;
  source_->source->Judge(chunk, right);
  if (!right) {
    job_.on_wrong_chunk(chunk, source_->source->name());
    const bool is_backend = source_ == &sources_.back();
    if (is_backend && ++tries_[chunk] >= limits::kChunkTries)
      return absl::DataLossError(
          fmt::format("chunk {} is wrong {} times", chunk, limits::kChunkTries));
    return Wrong();
  }
  right_.push_back(chunk);
  written_ += list_.chunks[chunk].length;
  return MayGoOn();
}

void ChunkPull::Right(std::size_t chunk) {
  KillPoint("before_mark");
  map_.Mark(chunk);
  KillPoint("after_mark");
  present_ += list_.chunks[chunk].length;
  prefix_ = map_.FirstMissing(prefix_);
  hash_->Reach(prefix_ == map_.count() ? list_.size() : list_.chunks[prefix_].offset);
  Tell(false);
}

// The stream goes on behind a chunk that is wrong: it alone is fetched again. But not behind many:
// then these are not the image's bytes.
absl::Status ChunkPull::Wrong() {
  if (++wrong_ < limits::kWrongInARun) return absl::OkStatus();
  return absl::UnavailableError(fmt::format("{} chunks are wrong", wrong_));
}

absl::Status ChunkPull::MayGoOn() {
  if (written_ - room_checked_ >= limits::kRoomCheckBytes) {
    room_checked_ = written_;
    if (absl::Status free = CheckFree(job_.part_path, job_.min_free_bytes); !free.ok()) return free;
  }
  if (urgent_ || chunked_.wants.version() == wants_seen_) return absl::OkStatus();
  const auto now = Clock::now();
  const bool may_interrupt =
      present_ - interrupted_bytes_ >= limits::kBetweenInterruptions ||
      now - interrupted_at_ >= absl::ToChronoNanoseconds(limits::kBetweenInterruptionsTime);
  if (!may_interrupt) return absl::OkStatus();
  wants_seen_ = chunked_.wants.version();
  if (absl::Status written = WriteOut(); !written.ok()) return written;
  if (!WantedElsewhere(list_, map_, chunked_.wants.offsets(), at_, limits::kUrgentBytes))
    return absl::OkStatus();
  interrupted_bytes_ = present_;
  interrupted_at_ = now;
  return Elsewhere();
}

void ChunkPull::Tell(bool now) {
  const auto time = Clock::now();
  if (present_ == told_ && !(now && looking_)) return;
  if (!now && present_ - told_ < limits::kNotifyBytes &&
      time - told_at_ < absl::ToChronoNanoseconds(limits::kNotifyInterval)) {
    return;
  }
  told_ = present_;
  told_at_ = time;
  (looking_ ? job_.on_found : job_.on_progress)(present_);
}

}  // namespace

absl::Status PullChunks(const PullJob& job) {
  return ChunkPull(job).Run();
}

}  // namespace tentacle::cache
