// The end of a stream of unknown length, in bounded memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tentacle::agent {

// Holds at most twice `kept` octets.
class JobOutput {
 public:
  explicit JobOutput(std::size_t kept) : kept_(kept) {}

  void Append(std::string_view bytes);

  std::uint64_t total_bytes() const { return total_; }

  // The last `kept` octets as they came.
  std::string_view Raw() const;
  // The same as text: begins with a whole character, invalid UTF-8 replaced.
  std::string Text() const;

 private:
  std::size_t kept_;
  std::uint64_t total_ = 0;
  std::string tail_;
};

}  // namespace tentacle::agent
