#include "libs/runtime/log.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <map>
#include <mutex>

#include <absl/time/clock.h>
#include <absl/time/time.h>

namespace tentacle::runtime {

namespace {

constexpr int kLinesPerWindow = 20;
constexpr absl::Duration kWindow = absl::Seconds(10);
constexpr std::size_t kMaxTrackedEvents =
    1024;                                     // Event names are ours and few; this is a backstop.
constexpr std::size_t kMaxValueBytes = 4096;  // A longer value is cut: a log is not a transport.

// The next code point of UTF-8 `text` at `*at`; U+FFFD for a byte that is none.
char32_t NextCodePoint(std::string_view text, std::size_t* at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte((*at)++);
  if (lead < 0x80) return lead;
  const int extra = lead >= 0xf0 && lead < 0xf5 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc2 ? 1 : 0;
  if (extra == 0 || lead >= 0xf5 || *at + static_cast<std::size_t>(extra) > text.size())
    return 0xfffd;
  char32_t point = lead & (0x3fu >> extra);
  for (int i = 0; i < extra; ++i) {
    const unsigned char next = byte(*at + static_cast<std::size_t>(i));
    if ((next & 0xc0) != 0x80) return 0xfffd;
    point = (point << 6) | (next & 0x3f);
  }
  *at += static_cast<std::size_t>(extra);
  return point;
}

// Pure ASCII out: no terminal or viewer is steered by what a stranger on the segment is called.
void AppendJsonText(std::string& out, std::string_view text) {
  text = text.substr(0, kMaxValueBytes);
  out += '"';
  for (std::size_t at = 0; at < text.size();) {
    const char32_t point = NextCodePoint(text, &at);
    if (point == '"' || point == '\\') {
      out += '\\';
      out += static_cast<char>(point);
    } else if (point >= 0x20 && point < 0x7f) {
      out += static_cast<char>(point);
    } else if (point < 0x10000) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(point));
    } else {
      const auto rest = static_cast<unsigned>(point - 0x10000);
      out += fmt::format("\\u{:04x}\\u{:04x}", 0xd800 + (rest >> 10), 0xdc00 + (rest & 0x3ff));
    }
  }
  out += '"';
}

void AppendValue(std::string& out, const LogValue& value) {
  if (const auto* text = std::get_if<std::string>(&value.value)) {
    AppendJsonText(out, *text);
  } else if (const auto* flag = std::get_if<bool>(&value.value)) {
    out += *flag ? "true" : "false";
  } else if (const auto* number = std::get_if<double>(&value.value)) {
    out += fmt::format("{:.6g}", *number);
  } else {
    out += std::to_string(std::get<std::int64_t>(value.value));
  }
}

std::string_view LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "info";
}

}  // namespace

struct Log::Sink {
  std::string service;
  std::atomic<LogLevel> level;
  std::shared_ptr<spdlog::logger> out;
  std::mutex mutex;

  struct Window {
    absl::Time since;
    int lines = 0;
    int suppressed = 0;
  };

  std::map<std::string, Window, std::less<>> windows;

  // How many lines of this event were held back before this one; -1: hold this one back too.
  int Admit(std::string_view event, absl::Time now) {
    const std::lock_guard lock(mutex);
    if (windows.size() >= kMaxTrackedEvents) windows.clear();
    Window& window = windows.try_emplace(std::string(event), Window{now}).first->second;
    if (now - window.since >= kWindow) {
      const int suppressed = window.suppressed;
      window = Window{now, 1, 0};
      return suppressed;
    }
    if (++window.lines <= kLinesPerWindow) return 0;
    ++window.suppressed;
    return -1;
  }
};

Log::Log(std::string_view service, LogLevel level) : sink_(std::make_shared<Sink>()) {
  sink_->service = std::string(service);
  sink_->level = level;
  sink_->out = std::make_shared<spdlog::logger>("tentacle",
                                                std::make_shared<spdlog::sinks::stdout_sink_mt>());
  sink_->out->set_pattern("%v");
  sink_->out->flush_on(spdlog::level::trace);
}

void Log::Write(LogLevel level, std::string_view event, LogFields fields) const {
  if (level < sink_->level.load()) return;
  const absl::Time now = absl::Now();
  const int suppressed = sink_->Admit(event, now);
  if (suppressed < 0) return;
  std::string line = fmt::format(R"({{"event":"{}","ts":"{}","level":"{}","service":"{}")", event,
                                 absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", now, absl::UTCTimeZone()),
                                 LevelName(level), sink_->service);
  for (const LogField& field : fields) {
    line += fmt::format(",\"{}\":", field.name);
    AppendValue(line, field.value);
  }
  if (suppressed > 0) line += fmt::format(",\"suppressed\":{}", suppressed);
  line += '}';
  sink_->out->info("{}", line);
}

void Log::Debug(std::string_view event, LogFields fields) const {
  Write(LogLevel::kDebug, event, fields);
}

void Log::Info(std::string_view event, LogFields fields) const {
  Write(LogLevel::kInfo, event, fields);
}

void Log::Warning(std::string_view event, LogFields fields) const {
  Write(LogLevel::kWarning, event, fields);
}

void Log::Error(std::string_view event, LogFields fields) const {
  Write(LogLevel::kError, event, fields);
}

void Log::set_level(LogLevel level) const {
  sink_->level = level;
}

LogLevel ParseLogLevel(std::string_view name) {
  if (name == "debug") return LogLevel::kDebug;
  if (name == "warning") return LogLevel::kWarning;
  if (name == "error") return LogLevel::kError;
  return LogLevel::kInfo;
}

}  // namespace tentacle::runtime
