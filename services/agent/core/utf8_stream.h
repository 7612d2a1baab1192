// Octets that come in pieces -> text, where a character may lie across two pieces.
#pragma once

#include <string>
#include <string_view>

namespace tentacle::agent {

class Utf8Stream {
 public:
  // The text up to here; the beginning of a character that is not complete is kept for the next
  // call. What is no UTF-8 becomes U+FFFD.
  std::string Feed(std::string_view bytes);
  // What is left, at the end.
  std::string Finish();

 private:
  std::string begun_;  // Three octets at most.
};

}  // namespace tentacle::agent
