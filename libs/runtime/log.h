// JSON lines on stdout: {"ts","level","service","event",...}. The event name comes first and is
// stable; docs/operations.md has a sentence on each. Values are escaped; secrets do not belong
// here.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace tentacle::runtime {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

struct LogValue {
  LogValue(std::string_view v) : value(std::string(v)) {}  // NOLINT(google-explicit-constructor)

  LogValue(const std::string& v) : value(v) {}  // NOLINT(google-explicit-constructor)

  LogValue(const char* v) : value(std::string(v)) {}  // NOLINT(google-explicit-constructor)

  LogValue(bool v) : value(v) {}  // NOLINT(google-explicit-constructor)

  LogValue(double v) : value(v) {}  // NOLINT(google-explicit-constructor)
  template <class Int>

  requires std::is_integral_v<Int> LogValue(Int v)
      : value(static_cast<std::int64_t>(v)) {}  // NOLINT(google-explicit-constructor)

  std::variant<std::string, bool, double, std::int64_t> value;
};

struct LogField {
  std::string_view name;
  LogValue value;
};

using LogFields = std::initializer_list<LogField>;

// Copyable handle; thread safe. One event name writes at most 20 lines in 10 s, the rest is counted
// and told in "suppressed" of its next line.
class Log {
 public:
  Log(std::string_view service, LogLevel level);
  void Debug(std::string_view event, LogFields fields = {}) const;
  void Info(std::string_view event, LogFields fields = {}) const;
  void Warning(std::string_view event, LogFields fields = {}) const;
  void Error(std::string_view event, LogFields fields = {}) const;
  void set_level(LogLevel level) const;

 private:
  struct Sink;
  void Write(LogLevel level, std::string_view event, LogFields fields) const;
  std::shared_ptr<Sink> sink_;
};

LogLevel ParseLogLevel(std::string_view name);  // Unknown names mean info.

}  // namespace tentacle::runtime
