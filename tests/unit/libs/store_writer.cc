// Writes key after key with sync into the store at argv[1] and prints each number once the store
// has acknowledged it; goes on where the last one stopped. Ends by being killed.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "libs/store/store.h"

int main(int argc, char** argv) {
  if (argc != 2) return 64;
  auto opened = tentacle::store::Store::Open(argv[1]);
  if (!opened.ok()) {
    fmt::print(stderr, "{}\n", opened.status().ToString());
    return 69;
  }
  tentacle::store::Store& store = **opened;
  const auto next = store.Get("next");
  if (!next.ok() || store.recovered()) return 70;
  for (long number = std::atol(next->value_or("0").c_str());; ++number) {
    // Of many sizes, so that tables, logs and flushes are among what a kill interrupts.
    const std::string value(static_cast<std::size_t>(number % 23 * 700), 'x');
    const absl::Status status = store.Apply(
        {{fmt::format("key/{:08}", number), value}, {"next", std::to_string(number + 1)}});
    if (!status.ok()) return 70;
    const std::string line = fmt::format("{}\n", number);
    if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) return 0;
  }
}
