// TFTP from strangers. The input is a list of packets, each behind two octets of length: the first is the codec's and
// opens a transfer when it is a request, the others are fed to the transfer.
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
  TENTACLE_CHECK(!path->empty() && path->front() != '/');
  TENTACLE_CHECK(path->front() != '.' && path->find("/.") == std::string::npos);
  TENTACLE_CHECK(path->find('\\') == std::string::npos && path->find('\0') == std::string::npos);
}

void CheckTransfer(const wire::TftpRequest& request, wire::Reader in) {
  static const auto file = std::make_shared<const std::string>(5000, 'x');
  const pxe::TftpTerms terms = pxe::Negotiate(request.options, file->size());
  TENTACLE_CHECK(terms.block_bytes >= pxe::limits::kTftpMinBlockBytes);
  TENTACLE_CHECK(terms.block_bytes <= pxe::limits::kTftpMaxBlockBytes);
  TENTACLE_CHECK(terms.granted.size() <= request.options.size());
  absl::Time now = absl::UnixEpoch();
  pxe::TftpSession session(file, terms);
  pxe::TftpSession::Step step = session.Start(now);
  while (in.remaining() > 0 && !step.outcome) {
    const wire::Bytes packet = in.Take(in.U16());
    if (!in.ok()) return;
    // An empty packet stands for silence until the deadline.
    if (packet.empty()) {
      TENTACLE_CHECK(step.deadline > now);
      now = step.deadline;
      step = session.OnDeadline(now);
    } else {
      step = session.OnPacket(packet, now);
    }
    TENTACLE_CHECK(session.acknowledged_bytes() <= file->size());
    TENTACLE_CHECK(step.send.empty() || wire::ParseTftp(step.send).ok());
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
  CheckTransfer(*request, in);
  return 0;
}
