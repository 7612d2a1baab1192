#include "libs/wire/dns.h"

#include <optional>

namespace tentacle::wire {

namespace {

constexpr std::size_t kMaxNameBytes = 255;  // RFC 1035 section 3.1.
constexpr std::uint8_t kPointer = 0xc0;     // Section 4.1.4.
constexpr std::uint8_t kMaxLabelBytes = 63;

// A cursor that remembers where it is, because pointers are offsets into the message.
class Cursor {
 public:
  explicit Cursor(Bytes message) : message_(message) {}

  std::optional<std::uint8_t> U8() {
    if (at_ >= message_.size()) return std::nullopt;
    return message_[at_++];
  }

  std::optional<std::uint32_t> Number(int octets) {
    std::uint32_t value = 0;
    for (int i = 0; i < octets; ++i) {
      const auto octet = U8();
      if (!octet) return std::nullopt;
      value = value << 8 | *octet;
    }
    return value;
  }

  std::optional<Bytes> Take(std::size_t count) {
    if (message_.size() - at_ < count) return std::nullopt;
    const Bytes part = message_.subspan(at_, count);
    at_ += count;
    return part;
  }

  absl::StatusOr<DnsName> Name() {
    DnsName name;
    std::size_t total = 1;
    std::optional<std::size_t> resume;
    for (;;) {
      const std::size_t start = at_;
      const auto length = U8();
      if (!length) return absl::OutOfRangeError("DNS: truncated");
      if (*length == 0) break;
      if ((*length & kPointer) == kPointer) {
        const auto low = U8();
        if (!low) return absl::OutOfRangeError("DNS: truncated");
        const std::size_t target = static_cast<std::size_t>(*length & 0x3f) << 8 | *low;
        // Always backwards, so every name ends.
        if (target >= start || target >= lowest_) {
          return absl::InvalidArgumentError("DNS: a pointer that does not point back");
        }
        if (!resume) resume = at_;
        lowest_ = target;
        at_ = target;
        continue;
      }
      if (*length > kMaxLabelBytes) return absl::InvalidArgumentError("DNS: not a label");
      const auto label = Take(*length);
      if (!label) return absl::OutOfRangeError("DNS: truncated");
      total += 1 + label->size();
      if (total > kMaxNameBytes) return absl::InvalidArgumentError("DNS: a name is too long");
      name.emplace_back(label->begin(), label->end());
    }
    if (resume) at_ = *resume;
    lowest_ = message_.size();
    return name;
  }

 private:
  Bytes message_;
  std::size_t at_ = 0;
  std::size_t lowest_ = SIZE_MAX;  // Pointers of the name that is being read go below this.
};

absl::Status ReadQuestion(Cursor& in, DnsMessage* message) {
  DnsQuestion question;
  auto name = in.Name();
  if (!name.ok()) return name.status();
  question.name = *std::move(name);
  const auto type = in.Number(2);
  const auto question_class = in.Number(2);
  if (!type || !question_class) return absl::OutOfRangeError("DNS: truncated");
  question.type = static_cast<std::uint16_t>(*type);
  message->questions.push_back(std::move(question));
  return absl::OkStatus();
}

absl::Status ReadRecord(Cursor& in, DnsMessage* message) {
  DnsRecord record;
  auto name = in.Name();
  if (!name.ok()) return name.status();
  record.name = *std::move(name);
  const auto type = in.Number(2);
  const auto record_class = in.Number(2);
  const auto ttl = in.Number(4);
  const auto length = in.Number(2);
  if (!type || !record_class || !ttl || !length) return absl::OutOfRangeError("DNS: truncated");
  const auto data = in.Take(*length);
  if (!data) return absl::OutOfRangeError("DNS: truncated");
  record.type = static_cast<std::uint16_t>(*type);
  record.ttl_s = *ttl;
  record.data = *data;
  message->records.push_back(std::move(record));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<DnsMessage> ParseDns(Bytes bytes) {
  Cursor in(bytes);
  std::uint16_t header[6] = {};
  for (std::uint16_t& field : header) {
    const auto value = in.Number(2);
    if (!value) return absl::OutOfRangeError("DNS: truncated");
    field = static_cast<std::uint16_t>(*value);
  }
  DnsMessage message;
  message.id = header[0];
  message.flags = header[1];
  const std::size_t records = std::size_t{header[3]} + header[4] + header[5];
  for (std::size_t i = 0; i < header[2]; ++i) {
    if (message.questions.size() == kMaxDnsEntries) return message;
    if (absl::Status status = ReadQuestion(in, &message); !status.ok()) return status;
  }
  for (std::size_t i = 0; i < records; ++i) {
    if (message.records.size() == kMaxDnsEntries) return message;
    if (absl::Status status = ReadRecord(in, &message); !status.ok()) return status;
  }
  return message;
}

}  // namespace tentacle::wire
