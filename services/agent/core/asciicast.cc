#include "services/agent/core/asciicast.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>

#include "libs/identity/identity.h"

namespace tentacle::agent {

Asciicast::Asciicast(absl::Time start,
                     std::uint32_t columns,
                     std::uint32_t rows,
                     std::string_view title)
    : start_(start) {
  Append(boost::json::serialize(boost::json::object{
      {"version", 2},
      {"width", columns},
      {"height", rows},
      {"timestamp", absl::ToUnixSeconds(start)},
      {"title", boost::json::string_view(title.data(), title.size())},
      {"env", {{"TERM", "xterm-256color"}}},
  }));
}

void Asciicast::Resize(absl::Time now, std::uint32_t columns, std::uint32_t rows) {
  Event(now, 'r', fmt::format("{}x{}", columns, rows));
}

void Asciicast::Event(absl::Time now, char kind, std::string_view text) {
  // A clock that was set back does not make time run backward.
  const double seconds = std::max(0.0, absl::ToDoubleSeconds(now - start_));
  const boost::json::string quoted(text.data(), text.size());
  Append(fmt::format("[{:.6f}, \"{}\", {}]", seconds, kind,
                     boost::json::serialize(boost::json::value(quoted))));
}

void Asciicast::Append(std::string line) {
  line += '\n';
  total_ += line.size();
  waiting_ += line;
}

RecordingChunk Asciicast::Take() {
  RecordingChunk chunk;
  chunk.index = next_index_++;
  chunk.data = std::exchange(waiting_, {});
  chunk.previous = previous_;
  chunk.digest = identity::Sha256Hex(chunk.previous + chunk.data);
  previous_ = chunk.digest;
  return chunk;
}

}  // namespace tentacle::agent
