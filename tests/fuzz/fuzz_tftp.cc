// TFTP from strangers. The input is a list of packets, each behind two octets of length: the first
// is the codec's and opens a transfer when it is a request, the others are fed to the transfer.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "libs/runtime/check.h"
#include "libs/wire/tftp.h"
#include "services/pxe/core/boot_files.h"
#include "services/pxe/core/tftp_session.h"
#include "services/pxe/limits.h"

namespace {

using namespace tentacle;  // NOLINT(google-build-using-namespace)

void CheckCodec(wire::Bytes bytes) {
  const auto packet = wire::ParseTftp(bytes);
  if (!packet.ok()) return;
  const auto again = wire::ParseTftp(wire::EmitTftp(*packet));
  TENTACLE_CHECK(again.ok());
  TENTACLE_CHECK(*again == *packet);
}

void CheckName(const std::string& file) {
  const auto path = pxe::SafeBootPath(file);
  if (!path) return;
  for (const std::string& one : pxe::BootFileCandidates(*path)) {
    TENTACLE_CHECK(!one.empty() && one.front() != '/' && one.back() != '/');
    TENTACLE_CHECK(one.front() != '.' && one.find("/.") == std::string::npos);
    TENTACLE_CHECK(one.find('\\') == std::string::npos && one.find('\0') == std::string::npos);
  }
}

// What a transfer sends: no more than a window, only blocks of the file, each readable.
std::size_t CheckSent(const pxe::TftpSession& session,
                      const pxe::TftpSession::Step& step,
                      std::size_t file_bytes) {
  TENTACLE_CHECK(step.oack.empty() || wire::ParseTftp(step.oack).ok());
  TENTACLE_CHECK(step.blocks <= session.terms().window);
  wire::Buffer bytes;
  session.AppendBlocks(step.first_block, step.blocks, &bytes);
  TENTACLE_CHECK(bytes.size() <= step.blocks * session.packet_bytes());
  TENTACLE_CHECK(step.blocks == 0 ||
                 (step.first_block + step.blocks - 2) * session.terms().block_bytes <= file_bytes);
  if (!bytes.empty()) {
    TENTACLE_CHECK(wire::ParseTftp(bytes).ok());
  }
  return bytes.size() + step.oack.size();
}

void CheckTransfer(const wire::TftpRequest& request, std::size_t request_bytes, wire::Reader in) {
  static const auto file = std::make_shared<const std::string>(5000, 'x');
  const pxe::TftpTerms terms = pxe::Negotiate(request.options, file->size());
  TENTACLE_CHECK(terms.block_bytes >= pxe::limits::kTftpMinBlockBytes);
  TENTACLE_CHECK(terms.block_bytes <= pxe::limits::kTftpMaxBlockBytes);
  TENTACLE_CHECK(terms.window >= 1 && terms.window <= pxe::limits::kTftpMaxWindow);
  TENTACLE_CHECK(terms.granted.size() <= request.options.size());
  absl::Time now = absl::UnixEpoch();
  pxe::TftpSession session(file, terms);
  pxe::TftpSession::Step step = session.Start(now);
  std::size_t sent = CheckSent(session, step, file->size());
  std::size_t packets = 0;
  std::uint64_t acknowledged = 0;
  while (in.remaining() > 0 && !step.outcome) {
    const wire::Bytes packet = in.Take(in.U16());
    if (!in.ok()) return;
    // An empty packet stands for silence until the deadline.
    if (packet.empty()) {
      TENTACLE_CHECK(step.deadline > now);
      now = step.deadline;
      step = session.OnDeadline(now);
    } else {
      now += absl::Milliseconds(1);
      step = session.OnPacket(packet, now);
      ++packets;
    }
    sent += CheckSent(session, step, file->size());
    TENTACLE_CHECK(session.acknowledged_bytes() <= file->size());
    TENTACLE_CHECK(session.acknowledged_bytes() >= acknowledged);
    acknowledged = session.acknowledged_bytes();
    TENTACLE_CHECK(session.deadline() == step.deadline || step.outcome);
  }
  // C5: who has said nothing but the request has been sent little.
  if (packets == 0) {
    TENTACLE_CHECK(sent <= (terms.granted.empty() ? session.packet_bytes() : 10 * request_bytes));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  CheckCodec(wire::Bytes(data, size));
  wire::Reader in(wire::Bytes(data, size));
  const wire::Bytes first = in.Take(in.U16());
  if (!in.ok()) return 0;
  CheckCodec(first);
  const auto packet = wire::ParseTftp(first);
  if (!packet.ok()) return 0;
  const auto* request = std::get_if<wire::TftpRequest>(&*packet);
  if (request == nullptr) return 0;
  CheckName(request->file);
  CheckTransfer(*request, first.size(), in);
  return 0;
}
