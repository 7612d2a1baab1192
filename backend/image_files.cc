#include "backend/image_files.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>
#include <vector>

#include <absl/strings/escaping.h>
#include <absl/time/clock.h>

#include "libs/chunks/chunk_list.h"
#include "libs/net/http_types.h"

namespace tentacle::backend {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kReadBytes = 1 << 20;
constexpr std::string_view kZstdMagic("\x28\xb5\x2f\xfd", 4);
constexpr std::string_view kWimMagic("MSWIM\0\0\0", 8);

std::uint64_t LittleEndian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i > 0; --i)
    value = value << 8 | static_cast<unsigned char>(bytes[i - 1]);
  return value;
}

// Its size, and when somebody wrote to it last.
std::pair<std::uint64_t, absl::Time> WrittenAt(int fd) {
  struct stat info {};

  if (::fstat(fd, &info) != 0) return {0, absl::Now()};
  return {static_cast<std::uint64_t>(info.st_size), absl::TimeFromTimespec(info.st_mtim)};
}

absl::Status BeingWritten(const std::string& relative) {
  return absl::AbortedError(fmt::format("{}: is being written", relative));
}

}  // namespace

std::string_view FormatOf(std::string_view head) {
  if (head.starts_with(kZstdMagic)) return "raw.zst";
  if (head.starts_with(kWimMagic)) return "wim";
  return "raw";
}

std::uint64_t ZstdContentSize(std::string_view head) {
  if (!head.starts_with(kZstdMagic) || head.size() < 18) return 0;
  const auto descriptor = static_cast<unsigned char>(head[4]);
  const bool single_segment = (descriptor & 0x20) != 0;
  constexpr std::size_t kDictionaryBytes[] = {0, 1, 2, 4};
  const std::size_t at = 5 + (single_segment ? 0 : 1) + kDictionaryBytes[descriptor & 3];
  switch (descriptor >> 6) {
    case 0:
      return single_segment ? LittleEndian(head.substr(at, 1)) : 0;
    case 1:
      return LittleEndian(head.substr(at, 2)) + 256;
    case 2:
      return LittleEndian(head.substr(at, 4));
    default:
      return LittleEndian(head.substr(at, 8));
  }
}

absl::StatusOr<std::string> ImageFiles::Resolve(const std::string& relative) const {
  std::error_code error;
  const fs::path folder = fs::canonical(folder_, error);
  if (error)
    return absl::UnavailableError(fmt::format("image folder {}: {}", folder_, error.message()));
  const fs::path path = fs::canonical(folder / relative, error);
  if (error)
    return absl::NotFoundError(
        fmt::format("path: there is no file \"{}\" in the image folder", relative));
  const fs::path inside = path.lexically_relative(folder);
  if (relative.empty() || fs::path(relative).is_absolute() || inside.empty() ||
      *inside.begin() == "..") {
    return absl::InvalidArgumentError("path: leads out of the image folder");
  }
  if (!fs::is_regular_file(path, error))
    return absl::InvalidArgumentError("path: is not a regular file");
  return path.string();
}

absl::StatusOr<HashedImage> ImageFiles::Hash(const std::string& relative) const {
  const auto path = Resolve(relative);
  if (!path.ok()) return path.status();
  const auto file = net::OpenFileSpan(*path);
  if (!file.ok()) return file.status();
  const auto before = WrittenAt(*file->fd);
  const absl::Duration age = absl::Now() - before.second;
  if (age < settles_ && age > -settles_) return BeingWritten(relative);
  chunks::ListBuilder builder;
  HashedImage result;
  std::vector<char> buffer(kReadBytes);
  for (;;) {
    const ssize_t got = ::read(*file->fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return absl::DataLossError(fmt::format("{}: cannot be read", relative));
    if (got == 0) break;
    const std::string_view piece(buffer.data(), static_cast<std::size_t>(got));
    if (result.size_bytes == 0) {
      result.format = FormatOf(piece);
      result.unpacked_size_bytes = ZstdContentSize(piece);
    }
    builder.Add(piece);
    result.size_bytes += piece.size();
  }
  if (WrittenAt(*file->fd) != before || result.size_bytes != before.first)
    return BeingWritten(relative);
  if (result.size_bytes == 0)
    return absl::InvalidArgumentError(fmt::format("{}: is empty", relative));
  if (result.format == "raw") result.unpacked_size_bytes = result.size_bytes;
  const chunks::Digest whole = builder.Whole();
  result.sha256 =
      absl::BytesToHexString({reinterpret_cast<const char*>(whole.data()), whole.size()});
  if (const auto list = builder.Finish(); list.ok()) result.chunk_list = chunks::Encode(*list);
  return result;
}

}  // namespace tentacle::backend
