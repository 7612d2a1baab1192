// What the disk says of files, in one call each. Zero and empty where there is none.
#pragma once

#include <cstdint>
#include <string>

namespace tentacle::cache {

std::uint64_t FileSize(const std::string& path);
// Less than the size where there are holes.
std::uint64_t DiskUse(const std::string& path);
std::uint64_t DiskFree(const std::string& folder);
// Inode, size, times of the last change of content and of the file itself: another text means that
// somebody has touched it.
std::string FileId(const std::string& path);
// The same of a file that was published and not written to since; see PartFile::Publish().
std::string PublishedFileId(const std::string& path);

// The time of the last change that a published file is given: the clock of the file system ticks
// too slowly to tell a write right after the publishing from one before it, and this is no time
// that it could give.
inline constexpr std::int64_t kPublishedTime = 946684800;  // 2000-01-01T00:00:00Z

}  // namespace tentacle::cache
