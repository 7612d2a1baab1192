#include "libs/store/log_tail.h"

#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include <boost/crc.hpp>

namespace tentacle::store {

namespace {

// RocksDB's log format (its wiki, "Write Ahead Log File Format"): blocks of 32 KiB; in them records
// of crc32c (4, masked), length (2), type (1), payload; the sum is over type and payload.
constexpr std::size_t kBlockBytes = 32768;
constexpr std::size_t kHeaderBytes = 7;
constexpr std::uint32_t kMaskDelta = 0xa282ead8;

using Crc32c = boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true>;

std::uint32_t Byte(const std::string& block, std::size_t at) {
  return static_cast<unsigned char>(block[at]);
}

std::uint32_t Unmasked(std::uint32_t stored) {
  const std::uint32_t rotated = stored - kMaskDelta;
  return (rotated >> 17) | (rotated << 15);
}

// True when the sum of the record at `at` fits a length that the block has room for.
bool SumFitsAnyLength(const std::string& block, std::size_t at) {
  const std::uint32_t stored = Byte(block, at) | Byte(block, at + 1) << 8 |
                               Byte(block, at + 2) << 16 | Byte(block, at + 3) << 24;
  const std::uint32_t wanted = Unmasked(stored);
  Crc32c sum;
  for (std::size_t next = at + 6; next < block.size(); ++next) {
    sum.process_byte(static_cast<unsigned char>(block[next]));
    if (sum.checksum() == wanted) return true;
  }
  return false;
}

std::string LastBlock(const std::filesystem::path& path) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error || size == 0) return "";
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>((size - 1) / kBlockBytes * kBlockBytes));
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

bool EndsInDamagedLength(const std::string& block) {
  std::size_t at = 0;
  while (at + kHeaderBytes <= block.size()) {
    const std::size_t length = Byte(block, at + 4) | Byte(block, at + 5) << 8;
    // Zeros that were allocated ahead.
    if (length == 0 && Byte(block, at + 6) == 0) return false;
    if (at + kHeaderBytes + length > block.size()) return SumFitsAnyLength(block, at);
    at += kHeaderBytes + length;
  }
  return false;
}

absl::Status CheckLogTails(const std::string& folder) {
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    const std::string name = at->path().filename().string();
    const bool log = at->path().extension() == ".log" || name.starts_with("MANIFEST-");
    if (log && EndsInDamagedLength(LastBlock(at->path()))) {
      return absl::DataLossError(fmt::format("the last records of {} are damaged", name));
    }
  }
  return absl::OkStatus();
}

}  // namespace tentacle::store
