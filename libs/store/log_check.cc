#include "libs/store/log_check.h"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>
#include <system_error>

#include <boost/crc.hpp>

namespace tentacle::store {

namespace {

// RocksDB's log format (its wiki, "Write Ahead Log File Format"): blocks of 32 KiB; in them records
// of crc32c (4, masked), length (2), type (1), payload; the sum is over type and payload.
constexpr std::size_t kBlockBytes = 32768;
constexpr std::size_t kHeaderBytes = 7;
constexpr std::uint32_t kLastType = 4;  // Above are those of logs that are used again; not here.
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

// The block is the last one of its file, or a whole one.
bool IsDamaged(const std::string& block) {
  std::size_t at = 0;
  while (at + kHeaderBytes <= block.size()) {
    const std::size_t length = Byte(block, at + 4) | Byte(block, at + 5) << 8;
    const std::uint32_t type = Byte(block, at + 6);
    // Zeros that were allocated ahead.
    if (length == 0 && type == 0) return false;
    if (type > kLastType) return true;
    if (at + kHeaderBytes + length > block.size()) return SumFitsAnyLength(block, at);
    at += kHeaderBytes + length;
  }
  return false;
}

bool IsDamaged(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string block(kBlockBytes, '\0');
  while (file) {
    file.read(block.data(), static_cast<std::streamsize>(kBlockBytes));
    block.resize(static_cast<std::size_t>(file.gcount()));
    if (IsDamaged(block)) return true;
  }
  return false;
}

}  // namespace

absl::Status CheckLogFiles(const std::filesystem::path& folder) {
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    const std::string name = at->path().filename().string();
    const bool log = at->path().extension() == ".log" || name.starts_with("MANIFEST-");
    if (log && IsDamaged(at->path()))
      return absl::DataLossError(fmt::format("records of {} are damaged", name));
  }
  return absl::OkStatus();
}

}  // namespace tentacle::store
