// What a power cut leaves of a folder: what was synced, and of the rest as much as chance has
// written back. A program that is linked with power_cut.cc notes what it syncs; once it was killed,
// the folder is put into one of the states that a disk could then be in.
#pragma once

#include <random>
#include <string>

namespace tentacle::cache::testing {

// In the environment of the program: the folder, and where its synced state is noted.
inline constexpr char kPowerRoot[] = "TENTACLE_POWER_ROOT";
inline constexpr char kPowerNotes[] = "TENTACLE_POWER_NOTES";

// After the program's end. `all_is_lost`: nothing that was not synced is there; otherwise each name
// and each file is as it was synced last or as it was written last, by chance.
void CutPower(const std::string& root,
              const std::string& notes,
              bool all_is_lost,
              std::mt19937& random);

}  // namespace tentacle::cache::testing
