// Fields of a task's JSON, read one by one: InvalidArgument "field: what is wrong" for a value of
// the wrong kind, empty for one that is missing or null. Pure.
#pragma once

#include <tentacle/task/v1/task.pb.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>
#include <boost/json/object.hpp>

namespace tentacle::backend_link {

namespace json = boost::json;

constexpr std::size_t kMaxTextBytes = 256;  // Locale, time zone, serial, path: words, not essays.

absl::Status Wrong(std::string_view field, std::string_view what);
absl::StatusOr<std::string> Text(const json::object& object,
                                 std::string_view name,
                                 std::string_view field,
                                 std::size_t max_bytes = kMaxTextBytes);
absl::StatusOr<std::uint64_t> Number(const json::object& object,
                                     std::string_view name,
                                     std::string_view field,
                                     std::uint64_t max);
absl::StatusOr<bool> Flag(const json::object& object,
                          std::string_view name,
                          std::string_view field);
absl::StatusOr<std::vector<std::string>> TextList(const json::object& object,
                                                  std::string_view name,
                                                  std::string_view field,
                                                  std::size_t max_count,
                                                  std::size_t max_bytes);
// The object below `name`, or null.
absl::StatusOr<const json::object*> Section(const json::object& task, std::string_view name);

// What an installer needs beyond an image: installer, mirror, imageIndex, machine, kernel, domain,
// adminPassword, postInstall.
absl::Status ParseInstallation(const json::object& task, task::v1::BootTask& parsed);

}  // namespace tentacle::backend_link
