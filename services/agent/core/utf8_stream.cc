#include "services/agent/core/utf8_stream.h"

#include <utility>

#include "services/agent/core/utf8.h"

namespace tentacle::agent {

namespace {

// Octets at the end that may be the beginning of a character (RFC 3629 section 3).
std::size_t BegunAtEnd(std::string_view text) {
  for (std::size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const auto octet = static_cast<unsigned char>(text[text.size() - back]);
    if ((octet & 0xC0) == 0x80) continue;  // A continuation: its beginning is further to the left.
    const std::size_t length = octet >= 0xF0 ? 4 : octet >= 0xE0 ? 3 : octet >= 0xC0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}

}  // namespace

std::string Utf8Stream::Feed(std::string_view bytes) {
  std::string all = std::exchange(begun_, {});
  all += bytes;
  const std::size_t begun = BegunAtEnd(all);
  begun_ = all.substr(all.size() - begun);
  all.erase(all.size() - begun);
  return ReplaceInvalidUtf8(all);
}

std::string Utf8Stream::Finish() {
  return ReplaceInvalidUtf8(std::exchange(begun_, {}));
}

}  // namespace tentacle::agent
