#include "tests/support/data_dir.h"

namespace tentacle::testing {

std::string DataDir() {
  return TENTACLE_TEST_DATA;
}

}  // namespace tentacle::testing
