#include "cli/commands.h"

int main(int argc, char** argv) {
  return tentacle::cli::Main({argv, argv + argc});
}
