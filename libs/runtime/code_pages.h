// What only the start needed of the code (docs/adr/0026).
#pragma once

namespace tentacle::runtime {

// Unmaps the code of the program and its libraries. What runs next comes back from the page cache,
// page by page; what never runs again no longer counts as ours. Any thread, at any time; a
// breakpoint that a debugger has set is gone.
void LetGoOfCode();

}  // namespace tentacle::runtime
