// How the cache's answers look in a terminal. Pure.
#pragma once

#include <tentacle/cache/v1/cache_service.pb.h>

#include <string>

#include <absl/time/time.h>

namespace tentacle::cli {

// "4.5 GB", "812 MB", "17 kB".
std::string ByteText(std::uint64_t bytes);
// "cached", "pulling", ....
std::string StateText(cache::v1::ImageState state);
// "[##########..........]  50 %  2.3 of 4.5 GB  93.4 Mbit/s  3 min left"; no rate: nothing is said
// of time.
std::string ProgressBar(std::uint64_t present, std::uint64_t size, double bytes_per_second);

std::string ImageTable(const cache::v1::ListImagesResponse& images, absl::Time now);
std::string PrepullTable(const cache::v1::ListPrepullsResponse& prepulls);
std::string LineText(const cache::v1::GetLineResponse& line);

}  // namespace tentacle::cli
