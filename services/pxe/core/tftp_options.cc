#include "services/pxe/core/tftp_options.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

#include "services/pxe/limits.h"

namespace tentacle::pxe {

namespace {

std::optional<std::uint32_t> Number(const std::string& text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::uint32_t BlockBytesOf(std::uint32_t mtu) {
  constexpr std::uint32_t kHeaders = 32;
  return std::clamp(mtu, limits::kTftpBlockBytes + kHeaders,
                    limits::kTftpLargestBlockBytes + kHeaders) -
         kHeaders;
}

TftpTerms Negotiate(const wire::TftpOptionList& asked,
                    std::uint64_t file_bytes,
                    const TftpCaps& caps) {
  TftpTerms terms;
  terms.block_bytes = limits::kTftpBlockBytes;
  terms.timeout = limits::kTftpFirstTimeout;
  for (const auto& [name, text] : asked) {
    const auto value = Number(text);
    if (!value) continue;
    if (name == "blksize" && *value >= limits::kTftpMinBlockBytes) {
      terms.block_bytes = std::min(*value, caps.block_bytes);
      terms.granted.emplace_back(name, std::to_string(terms.block_bytes));
    } else if (name == "timeout" && *value >= 1 &&
               *value <= 255) {  // RFC 2349: seconds, echoed as they are.
      terms.timeout = absl::Seconds(*value);
      terms.granted.emplace_back(name, text);
    } else if (name == "tsize") {
      terms.granted.emplace_back(name, std::to_string(file_bytes));
    } else if (name == "windowsize" && *value >= 1 &&
               *value <= 65'535) {  // RFC 7440: equal or smaller.
      terms.window = std::min({*value, caps.window, limits::kTftpMaxWindow});
      terms.granted.emplace_back(name, std::to_string(terms.window));
    }
  }
  return terms;
}

}  // namespace tentacle::pxe
