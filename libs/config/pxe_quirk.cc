#include "libs/config/pxe_quirk.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace tentacle::config {

namespace {

constexpr std::size_t kMaxRowBytes = 300;
constexpr std::uint32_t kMinBlockBytes = 8;
constexpr std::uint32_t kMaxBlockBytes = 65'464;
constexpr std::uint32_t kMaxWindow = 64;

absl::StatusOr<std::uint32_t> Number(std::string_view text, std::uint32_t min, std::uint32_t max) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && value >= min && value <= max)
    return value;
  return absl::InvalidArgumentError(fmt::format("want {} to {}, got \"{}\"", min, max, text));
}

absl::StatusOr<bool> YesOrNo(std::string_view text) {
  if (text == "yes" || text == "no") return text == "yes";
  return absl::InvalidArgumentError(fmt::format("want yes or no, got \"{}\"", text));
}

absl::StatusOr<std::vector<std::uint8_t>> MacPrefix(std::string_view text) {
  std::vector<std::uint8_t> octets;
  for (std::size_t at = 0; at < text.size(); at += 3) {
    std::uint8_t octet = 0;
    const char* from = text.data() + at;
    const char* to = from + std::min<std::size_t>(2, text.size() - at);
    const auto [end, error] = std::from_chars(from, to, octet, 16);
    const bool separated = at + 2 == text.size() ||
                           (at + 2 < text.size() && text[at + 2] == ':' && at + 3 < text.size());
    if (error != std::errc() || end != from + 2 || !separated || octets.size() == 6) {
      return absl::InvalidArgumentError(
          fmt::format("want the beginning of a MAC like b8:27:eb, got \"{}\"", text));
    }
    octets.push_back(octet);
  }
  return octets;
}

absl::StatusOr<QuirkOption43> Option43(std::string_view text) {
  if (text == "none") return QuirkOption43::kNone;
  if (text == "bypass") return QuirkOption43::kBypass;
  if (text == "raspberry-pi") return QuirkOption43::kRaspberryPi;
  return absl::InvalidArgumentError(
      fmt::format("want none, bypass or raspberry-pi, got \"{}\"", text));
}

absl::StatusOr<std::string> Loader(std::string_view text) {
  const auto plain = [](char c) { return c > ' ' && c < 0x7f && c != '\\' && c != '%'; };
  // The header field holds 127 octets, of which a URL takes up to 40.
  constexpr std::size_t kMaxLoaderBytes = 80;
  constexpr int kMaxSlashes = 7;  // As deep as boot files are served.
  const bool hidden = text.starts_with('.') || text.find("/.") != std::string_view::npos;
  if (!text.empty() && text.size() <= kMaxLoaderBytes && !text.starts_with('/') && !hidden &&
      std::count(text.begin(), text.end(), '/') <= kMaxSlashes &&
      std::all_of(text.begin(), text.end(), plain)) {
    return std::string(text);
  }
  return absl::InvalidArgumentError(
      fmt::format("want a name below the boot folder, got \"{}\"", text));
}

template <class Value, class Target>
absl::Status Take(const absl::StatusOr<Value>& value, Target* target) {
  if (!value.ok()) return value.status();
  *target = *value;
  return absl::OkStatus();
}

absl::Status SetWord(std::string_view key, std::string_view text, PxeQuirk* quirk) {
  if (key == "name") return quirk->name = text, absl::OkStatus();
  if (key == "vendor") return quirk->vendor_prefix = text, absl::OkStatus();
  if (key == "machine") return quirk->machine_prefix = text, absl::OkStatus();
  if (key == "mac") return Take(MacPrefix(text), &quirk->mac_prefix);
  if (key == "arch") {
    const auto arch = Number(text, 0, 0xffff);
    if (arch.ok()) quirk->arch = static_cast<std::uint16_t>(*arch);
    return arch.status();
  }
  if (key == "delay_ms") return Take(Number(text, 0, kMaxQuirkDelayMs), &quirk->delay_ms);
  if (key == "option43") return Take(Option43(text), &quirk->option43);
  if (key == "loader") return Take(Loader(text), &quirk->loader);
  if (key == "nul") return Take(YesOrNo(text), &quirk->nul);
  if (key == "block")
    return Take(Number(text, kMinBlockBytes, kMaxBlockBytes), &quirk->block_bytes);
  if (key == "window") return Take(Number(text, 1, kMaxWindow), &quirk->window);
  if (key == "answer") return Take(YesOrNo(text), &quirk->answer);
  return absl::InvalidArgumentError(
      "unknown; want name, mac, arch, vendor, machine, delay_ms, option43, loader, nul, block, "
      "window or answer");
}

}  // namespace

absl::StatusOr<PxeQuirk> ParsePxeQuirk(std::string_view row) {
  if (row.size() > kMaxRowBytes) {
    return absl::InvalidArgumentError(
        fmt::format("want at most {} characters, got {}", kMaxRowBytes, row.size()));
  }
  PxeQuirk quirk;
  while (!row.empty()) {
    const std::size_t end = std::min(row.find(' '), row.size());
    const std::string_view word = row.substr(0, end);
    row.remove_prefix(std::min(end + 1, row.size()));
    if (word.empty()) continue;
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos || equals + 1 == word.size()) {
      return absl::InvalidArgumentError(fmt::format("want key=value, got \"{}\"", word));
    }
    const std::string_view key = word.substr(0, equals);
    if (const absl::Status status = SetWord(key, word.substr(equals + 1), &quirk); !status.ok()) {
      return absl::InvalidArgumentError(
          fmt::format("\"{}\": {}", key, std::string(status.message())));
    }
  }
  if (quirk.name.empty()) return absl::InvalidArgumentError("want name=… in it");
  const bool about = !quirk.mac_prefix.empty() || quirk.arch || !quirk.vendor_prefix.empty() ||
                     !quirk.machine_prefix.empty();
  if (!about)
    return absl::InvalidArgumentError(
        "want mac=, arch=, vendor= or machine= in it: it would hold for everybody");
  return quirk;
}

}  // namespace tentacle::config
