// A terminal's session as asciicast v2 (docs.asciinema.org): a line of header, then a line for each
// event. Lines come in chunks, and each chunk's digest covers the one before it, so that nothing
// can be left out or changed afterwards.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <absl/time/time.h>

namespace tentacle::agent {

struct RecordingChunk {
  std::uint64_t index = 0;
  std::string data;      // Whole lines.
  std::string previous;  // Digest of the chunk before; empty for the first.
  std::string digest;    // SHA-256, hex, over `previous` and `data`.
};

class Asciicast {
 public:
  // Begins with the header.
  Asciicast(absl::Time start, std::uint32_t columns, std::uint32_t rows, std::string_view title);

  void Output(absl::Time now, std::string_view text) { Event(now, 'o', text); }

  void Resize(absl::Time now, std::uint32_t columns, std::uint32_t rows);

  // Octets that wait for the next chunk.
  std::size_t waiting() const { return waiting_.size(); }

  // Octets of all chunks so far and of what waits.
  std::uint64_t total() const { return total_; }

  const std::string& last_digest() const { return previous_; }

  std::uint64_t chunks() const { return next_index_; }

  RecordingChunk Take();

 private:
  void Event(absl::Time now, char kind, std::string_view text);
  void Append(std::string line);

  absl::Time start_;
  std::string waiting_;
  std::string previous_;
  std::uint64_t next_index_ = 0;
  std::uint64_t total_ = 0;
};

}  // namespace tentacle::agent
