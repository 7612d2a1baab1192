// The file of an image on its way: written anywhere, published once. One thread writes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

namespace tentacle::cache {

class PartFile {
 public:
  PartFile() = default;
  ~PartFile();
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  absl::Status Open(const std::string& path);

  // ResourceExhausted: the disk is full.
  absl::Status Write(std::uint64_t offset, std::string_view bytes);
  // The same bytes of another file: shared or copied by the kernel where it can be.
  absl::Status CopyFrom(int fd, std::uint64_t from, std::uint64_t offset, std::uint64_t length);
  // Zeros that take no room.
  absl::Status PunchHole(std::uint64_t offset, std::uint64_t length);
  absl::Status Resize(std::uint64_t size);
  // Up to `length` bytes into `buffer`; fewer at the end of the file.
  absl::StatusOr<std::size_t> Read(std::uint64_t offset, char* buffer, std::size_t length) const;
  // The first byte from `offset` on that is not in a hole; the size of the file when there is none.
  std::uint64_t NextData(std::uint64_t offset) const;

  absl::StatusOr<std::uint64_t> Size() const;

  // Under its final name only once it is on the disk for good.
  absl::Status Publish(const std::string& part_path, const std::string& final_path);

  int fd() const { return fd_; }

 private:
  int fd_ = -1;
};

}  // namespace tentacle::cache
