// Multicast DNS: names end, are no longer than RFC 1035 allows, and a bomb of records is read in
// part.
#include <cstddef>
#include <cstdint>

#include "libs/runtime/check.h"
#include "libs/wire/dns.h"

namespace {

void CheckName(const tentacle::wire::DnsName& name) {
  std::size_t octets = 1;
  for (const auto& label : name) {
    TENTACLE_CHECK(!label.empty() && label.size() <= 63);
    octets += 1 + label.size();
  }
  TENTACLE_CHECK(octets <= 255);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tentacle;  // NOLINT(google-build-using-namespace)
  const wire::Bytes input(data, size);
  const auto message = wire::ParseDns(input);
  if (!message.ok()) return 0;
  TENTACLE_CHECK(message->questions.size() <= wire::kMaxDnsEntries);
  TENTACLE_CHECK(message->records.size() <= wire::kMaxDnsEntries);
  for (const auto& question : message->questions)
    CheckName(question.name);
  for (const auto& record : message->records) {
    CheckName(record.name);
    const bool inside =
        record.data.empty() ||
        (record.data.data() >= data && record.data.data() + record.data.size() <= data + size);
    TENTACLE_CHECK(inside);
  }
  return 0;
}
