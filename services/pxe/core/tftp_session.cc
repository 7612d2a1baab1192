#include "services/pxe/core/tftp_session.h"

#include <algorithm>

#include "services/pxe/limits.h"

namespace tentacle::pxe {

std::string_view TftpOutcomeName(TftpOutcome outcome) {
  switch (outcome) {
    case TftpOutcome::kComplete: return "complete";
    case TftpOutcome::kSizeProbe: return "size_probe";
    case TftpOutcome::kAborted: return "aborted";
    case TftpOutcome::kTimedOut: return "timed_out";
  }
  return "unknown";
}

TftpSession::TftpSession(std::shared_ptr<const std::string> file, TftpTerms terms)
    : file_(std::move(file)), terms_(std::move(terms)), timeout_(terms_.timeout) {
  // A file whose size is a multiple of the block size ends with an empty block (RFC 1350 section 6).
  last_block_ = file_->size() / terms_.block_bytes + 1;
}

TftpSession::Step TftpSession::Start(absl::Time now) {
  block_ = terms_.granted.empty() ? 1 : 0;
  return SendCurrent(now);
}

TftpSession::Step TftpSession::OnPacket(wire::Bytes packet, absl::Time now) {
  const auto parsed = wire::ParseTftp(packet);
  if (!parsed.ok()) return Wait();
  if (std::holds_alternative<wire::TftpError>(*parsed)) {
    return Over(block_ == 0 ? TftpOutcome::kSizeProbe : TftpOutcome::kAborted);
  }
  const auto* ack = std::get_if<wire::TftpAck>(&*parsed);
  // An acknowledgement of another block is a duplicate: answering it would double every packet from here on
  // (the Sorcerer's Apprentice, RFC 1123 section 4.2.3.1). It must not put off the deadline either: a client that
  // repeats its last acknowledgement faster than we time out would never see the block that it lost.
  if (ack == nullptr || ack->block != static_cast<std::uint16_t>(block_)) return Wait();
  if (block_ == last_block_) return Over(TftpOutcome::kComplete);
  ++block_;
  tries_ = 0;
  timeout_ = terms_.timeout;
  return SendCurrent(now);
}

TftpSession::Step TftpSession::OnDeadline(absl::Time now) {
  if (++tries_ >= limits::kTftpTries) {
    // The last acknowledgement is the one nobody repeats: the client has the file (G34).
    return Over(block_ == last_block_ ? TftpOutcome::kComplete : TftpOutcome::kTimedOut);
  }
  ++retransmits_;
  timeout_ = std::min(timeout_ * 2, std::max(limits::kTftpMaxTimeout, terms_.timeout));
  return SendCurrent(now);
}

std::uint64_t TftpSession::acknowledged_bytes() const {
  if (complete_) return file_->size();
  if (block_ == 0) return 0;
  return std::min<std::uint64_t>((block_ - 1) * terms_.block_bytes, file_->size());
}

TftpSession::Step TftpSession::SendCurrent(absl::Time now) {
  deadline_ = now + timeout_;
  Step step = Wait();
  if (block_ == 0) {
    step.send = wire::EmitTftp(wire::TftpOack{terms_.granted});
    return step;
  }
  const std::uint64_t from = (block_ - 1) * terms_.block_bytes;
  const std::string_view part = std::string_view(*file_).substr(from, terms_.block_bytes);
  step.send =
      wire::EmitTftp(wire::TftpData{static_cast<std::uint16_t>(block_), wire::Buffer(part.begin(), part.end())});
  return step;
}

TftpSession::Step TftpSession::Wait() const { return {{}, deadline_, std::nullopt}; }

TftpSession::Step TftpSession::Over(TftpOutcome outcome) {
  complete_ = outcome == TftpOutcome::kComplete;
  return {{}, absl::InfiniteFuture(), outcome};
}

}  // namespace tentacle::pxe
