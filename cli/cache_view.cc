#include "cli/cache_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tentacle::cli {

namespace {

constexpr std::size_t kBarWidth = 24;

std::string Ago(const google::protobuf::Timestamp& time, absl::Time now) {
  if (time.seconds() == 0) return "never";
  const absl::Duration since = now - absl::FromUnixSeconds(time.seconds());
  if (since < absl::Minutes(1)) return "just now";
  if (since < absl::Hours(1)) return fmt::format("{} min ago", absl::ToInt64Minutes(since));
  if (since < absl::Hours(48)) return fmt::format("{} h ago", absl::ToInt64Hours(since));
  return fmt::format("{} d ago", absl::ToInt64Hours(since) / 24);
}

std::string Left(double seconds) {
  if (seconds < 90) return fmt::format("{:.0f} s left", seconds);
  if (seconds < 5400) return fmt::format("{:.0f} min left", seconds / 60);
  return fmt::format("{:.1f} h left", seconds / 3600);
}

// A name is text of the backend: what is no printable character does not reach the terminal.
std::string Printable(std::string text) {
  std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  return text;
}

// "[######......] 50 %"
std::string Bar(std::uint64_t done, std::uint64_t size) {
  const double share =
      size == 0 ? 0 : std::min(1.0, static_cast<double>(done) / static_cast<double>(size));
  const auto full = static_cast<std::size_t>(share * kBarWidth);
  return fmt::format("[{}{}] {:>3.0f} %", std::string(full, '#'),
                     std::string(kBarWidth - full, '.'), std::floor(share * 100));
}

std::string_view PrepullStateText(cache::v1::PrepullState state) {
  return state == cache::v1::PREPULL_STATE_PULLING ? "pulling" : "waiting";
}

}  // namespace

std::string ByteText(std::uint64_t bytes) {
  const double value = static_cast<double>(bytes);
  if (value >= 1e9) return fmt::format("{:.1f} GB", value / 1e9);
  if (value >= 1e6) return fmt::format("{:.0f} MB", value / 1e6);
  return fmt::format("{:.0f} kB", std::ceil(value / 1e3));
}

std::string StateText(cache::v1::ImageState state) {
  std::string text =
      cache::v1::ImageState_Name(state).substr(std::string_view("IMAGE_STATE_").size());
  for (char& c : text)
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string ProgressBar(std::uint64_t present, std::uint64_t size, double bytes_per_second) {
  std::string text =
      fmt::format("{}  {} of {}", Bar(present, size), ByteText(present), ByteText(size));
  if (bytes_per_second <= 0) return text;
  text += fmt::format("  {:.1f} Mbit/s", bytes_per_second * 8 / 1e6);
  if (present < size) text += "  " + Left(static_cast<double>(size - present) / bytes_per_second);
  return text;
}

std::string ImageTable(const cache::v1::ListImagesResponse& images, absl::Time now) {
  std::string text = fmt::format("{:<8} {:<28} {:<10} {:>9} {:>9}  {:<12} {}\n", "ID", "NAME",
                                 "STATE", "SIZE", "HERE", "USED", "");
  for (const auto& image : images.images()) {
    std::string more = image.pinned() ? "pinned" : "";
    if (image.needed()) more += more.empty() ? "needed" : ", needed";
    const auto add = [&more](const std::string& one) { more += (more.empty() ? "" : "; ") + one; };
    if (image.checked_bytes() > 0)
      add("checking " + Bar(image.checked_bytes(), image.size_bytes()));
    const bool moves = image.state() == cache::v1::IMAGE_STATE_PULLING ||
                       image.state() == cache::v1::IMAGE_STATE_VERIFYING;
    if (moves) add(Bar(image.present_bytes(), image.size_bytes()));
    if (!image.reason().empty()) add(Printable(image.reason()));
    text += fmt::format("{:<8} {:<28} {:<10} {:>9} {:>9}  {:<12} {}\n", Printable(image.id()),
                        Printable(image.name()).substr(0, 28), StateText(image.state()),
                        ByteText(image.size_bytes()), ByteText(image.present_bytes()),
                        Ago(image.last_used_at(), now), more);
  }
  text +=
      fmt::format("{} of {} used\n", ByteText(images.used_bytes()), ByteText(images.max_bytes()));
  return text;
}

std::string PrepullTable(const cache::v1::ListPrepullsResponse& prepulls) {
  if (prepulls.prepulls().empty()) return "No prepulls\n";
  std::string text;
  for (const auto& planned : prepulls.prepulls()) {
    text += fmt::format("image {:<8} {:<8} {}{}{}\n", Printable(planned.prepull().image_id()),
                        PrepullStateText(planned.state()), planned.forecast(),
                        planned.reason().empty() ? "" : "; ", Printable(planned.reason()));
  }
  return text;
}

std::string LineText(const cache::v1::GetLineResponse& line) {
  const auto& ledger = line.ledger();
  const std::uint64_t all = ledger.backend_bytes() + ledger.peer_bytes() + ledger.local_bytes();
  const double saved =
      all == 0 ? 0
               : 100 - 100 * static_cast<double>(ledger.backend_bytes()) / static_cast<double>(all);
  std::string text = fmt::format(
      "from the backend  {:>9}\nfrom peers        {:>9}\nfrom local images {:>9}\n"
      "to machines       {:>9}\nto peers          {:>9}\nnot over the WAN  {:>7.0f} %\n",
      ByteText(ledger.backend_bytes()), ByteText(ledger.peer_bytes()),
      ByteText(ledger.local_bytes()), ByteText(ledger.served_bytes()),
      ByteText(ledger.peer_served_bytes()), saved);
  text += ledger.throughput_mbit() > 0
              ? fmt::format("line measured at  {:.1f} Mbit/s\n", ledger.throughput_mbit())
              : "line not measured yet\n";
  text += line.has_limit_mbit()
              ? fmt::format("limited to        {:.1f} Mbit/s\n", line.limit_mbit())
              : "no limit now\n";
  if (!line.site().empty()) text += fmt::format("site              {}\n", Printable(line.site()));
  for (const auto& peer : line.peers()) {
    text += fmt::format("peer {:<12} {} {}\n", Printable(peer.peer().name()),
                        peer.usable() ? "usable" : "not asked:",
                        peer.usable() ? fmt::format("({:.1f} ms), {} taken", peer.round_trip_ms(),
                                                    ByteText(peer.taken_bytes()))
                                      : Printable(peer.reason()));
  }
  return text;
}

}  // namespace tentacle::cli
