// The host's journal: which of it is asked for, and what journalctl(1) prints.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <boost/json/object.hpp>

namespace tentacle::agent {

struct JournalFilter {
  std::vector<std::string> units;    // "ssh.service"; empty: all.
  std::vector<std::string> matches;  // "_COMM=sshd"; several of one field are alternatives.
  std::uint32_t priority = 4;        // This and more urgent ones; 4 is "warning".

  bool operator==(const JournalFilter&) const = default;
};

// InvalidArgument names what would not be a filter but an option of journalctl.
absl::Status CheckJournalFilter(const JournalFilter& filter);

// journalctl's arguments for at most `count` entries after `cursor`; without one for the newest.
std::vector<std::string> JournalArguments(const JournalFilter& filter,
                                          std::string_view cursor,
                                          std::size_t count);

struct JournalEntry {
  std::string cursor;
  std::int64_t time_us = 0;  // Since 1970.
  std::uint32_t priority = 6;
  std::string unit;
  std::string identifier;  // SYSLOG_IDENTIFIER, or the program's name.
  std::string message;     // Text; what was binary is replaced, what is long is cut.
  std::uint32_t pid = 0;
};

// Of "-o json": an object a line. Lines that are none are left out.
std::vector<JournalEntry> ParseJournal(std::string_view text);

boost::json::object JournalEntryJson(const JournalEntry& entry);

}  // namespace tentacle::agent
