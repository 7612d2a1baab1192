// The images of the kill test and the places where it kills, known to who serves them and to who
// checks what is served.
#pragma once

#include <array>
#include <cstddef>
#include <string>

#include "tests/unit/cache/fake_origin.h"

namespace tentacle::cache::testing {

struct KillImage {
  const char* id;
  std::size_t size;
  bool chunked;
};

// The first is pinned and must never be lost.
inline constexpr std::array<KillImage, 6> kKillImages = {{
    {"keep", 900'000, true},
    {"a", 2'500'000, true},
    {"b", 1'700'000, true},
    {"c", 3'100'000, true},
    {"plain", 1'300'000, false},
    {"small", 40'000, true},
}};

// Where KillPoint() stands on the way of a repair, a pull and an eviction.
inline constexpr const char* kKillPlaces[] = {
    "before_create",      "after_create",    "before_resize", "after_resize",
    "after_list",         "before_write",    "after_write",   "before_copy",
    "after_copy",         "before_mark",     "after_mark",    "before_stamp",
    "before_fsync",       "after_fsync",     "before_rename", "after_rename",
    "after_fsync_folder", "before_index",    "after_index",   "before_evict_index",
    "before_unlink",      "between_unlinks", "after_unlink",  "before_doubt_rename",
    "after_doubt_rename"};

// Not all of them at once.
inline constexpr std::size_t kKillRoom = 7'000'000;

// Image c is a later version of a.
inline std::string KillBytes(std::size_t index) {
  if (index == 3) return KillBytes(1).substr(0, 2'000'000) + Pattern(33, 1'100'000);
  return Pattern(30 + index, kKillImages[index].size);
}

}  // namespace tentacle::cache::testing
