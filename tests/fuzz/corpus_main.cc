// Runs a fuzz target over a folder of inputs, each as it is, cut at every place and with every bit
// turned. No fuzzer is needed for it, so it runs with the other tests.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

// Larger ones are for the fuzzer alone.
constexpr std::size_t kMaxBytes = 4096;

// On the heap and no longer than the input, so that a read behind its end is seen.
void RunOne(const std::uint8_t* data, std::size_t size) {
  const std::vector<std::uint8_t> copy(data, data + size);
  LLVMFuzzerTestOneInput(copy.data(), copy.size());
}

void RunVariants(std::vector<std::uint8_t> input) {
  for (std::size_t size = 0; size <= input.size(); ++size)
    RunOne(input.data(), size);
  for (std::uint8_t& octet : input) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      const auto mask = static_cast<std::uint8_t>(1u << bit);
      octet ^= mask;
      RunOne(input.data(), input.size());
      octet ^= mask;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 64;
  }
  int inputs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    std::ifstream file(entry.path(), std::ios::binary);
    std::vector<std::uint8_t> input((std::istreambuf_iterator<char>(file)),
                                    std::istreambuf_iterator<char>());
    if (input.size() > kMaxBytes) continue;
    RunVariants(std::move(input));
    ++inputs;
  }
  std::printf("%d inputs\n", inputs);
  return inputs > 0 ? 0 : 1;  // An empty folder would test nothing.
}
