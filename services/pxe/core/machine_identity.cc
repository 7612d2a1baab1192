#include "services/pxe/core/machine_identity.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace tentacle::pxe {

namespace {

constexpr std::size_t kMaxSerialBytes = 64;

// UUIDs that makers have left in whole series, beside those of one repeated digit.
constexpr std::array<std::string_view, 6> kJunkUuids = {
    // AMI's template: Gigabyte, MSI, ASRock and many others.
    "03000200-0400-0500-0006-000700080009",
    "00020003-0004-0005-0006-000700080009",  // The same with the fields in the other order.
    "12345678-1234-5678-90ab-cddeefaabbcc",  // Templates for developers' boards.
    "12345678-1234-1234-1234-123456789abc", "fefefefe-fefe-fefe-fefe-fefefefefefe",
    "01020304-0506-0708-090a-0b0c0d0e0f10"};

constexpr std::array<std::string_view, 18> kJunkSerials = {"to be filled by o.e.m.",
                                                           "to be filled by oem",
                                                           "default string",
                                                           "system serial number",
                                                           "none",
                                                           "not specified",
                                                           "not applicable",
                                                           "n/a",
                                                           "na",
                                                           "unknown",
                                                           "invalid",
                                                           "oem",
                                                           "empty",
                                                           "serial",
                                                           "chassis serial number",
                                                           "0123456789",
                                                           "123456789",
                                                           "1234567890"};

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::string Trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return std::string(text);
}

bool IsUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    if (hyphen ? text[i] != '-' : std::isxdigit(static_cast<unsigned char>(text[i])) == 0)
      return false;
  }
  return true;
}

// "00000000-…", "ffffffff-…", "----".
bool IsOneCharacter(std::string_view text) {
  std::string without(text);
  std::erase_if(without, [](char c) { return c == '-' || c == '.' || c == ' '; });
  return std::all_of(without.begin(), without.end(), [&](char c) { return c == without.front(); });
}

bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

}  // namespace

bool IsJunkUuid(std::string_view uuid) {
  const std::string lower = Lower(uuid);
  return !IsUuid(lower) || IsOneCharacter(lower) ||
         std::find(kJunkUuids.begin(), kJunkUuids.end(), lower) != kJunkUuids.end();
}

bool IsJunkSerial(std::string_view serial) {
  const std::string lower = Lower(Trimmed(serial));
  // "${serial}": a loader that does not put in what it was asked to.
  return lower.empty() || lower.size() > kMaxSerialBytes || !IsPrintable(lower) ||
         IsOneCharacter(lower) || lower.find('$') != std::string::npos ||
         std::find(kJunkSerials.begin(), kJunkSerials.end(), lower) != kJunkSerials.end();
}

MachineIdentity CleanIdentity(std::string_view uuid, std::string_view serial) {
  MachineIdentity out;
  if (!IsJunkUuid(uuid)) out.uuid = Lower(uuid);
  if (!IsJunkSerial(serial)) out.serial = Trimmed(serial);
  return out;
}

std::string IdentityObjection(const MachineIdentity& wanted, const MachineIdentity& seen) {
  if (!wanted.serial.empty() && !seen.serial.empty() && wanted.serial != seen.serial) {
    return fmt::format("this machine has the serial {}, the task is for {}", seen.serial,
                       wanted.serial);
  }
  if (!wanted.uuid.empty() && !seen.uuid.empty() && wanted.uuid != seen.uuid) {
    return fmt::format("this machine has the UUID {}, the task is for {}", seen.uuid, wanted.uuid);
  }
  return "";
}

}  // namespace tentacle::pxe
