#include "services/pxe/core/tftp_session.h"

#include <algorithm>

#include "services/pxe/limits.h"

namespace tentacle::pxe {

std::string_view TftpOutcomeName(TftpOutcome outcome) {
  switch (outcome) {
    case TftpOutcome::kComplete:
      return "complete";
    case TftpOutcome::kSizeProbe:
      return "size_probe";
    case TftpOutcome::kAborted:
      return "aborted";
    case TftpOutcome::kTimedOut:
      return "timed_out";
  }
  return "unknown";
}

TftpSession::TftpSession(std::shared_ptr<const std::string> file, TftpTerms terms)
    : file_(std::move(file)), terms_(std::move(terms)), timeout_(terms_.timeout) {
  // A file whose size is a multiple of the block size ends with an empty block (RFC 1350 section
  // 6).
  last_block_ = file_->size() / terms_.block_bytes + 1;
}

TftpSession::Step TftpSession::Start(absl::Time now) {
  progress_at_ = now;
  base_ = terms_.granted.empty() ? 1 : 0;
  return SendWindow(now);
}

TftpSession::Step TftpSession::OnPacket(wire::Bytes packet, absl::Time now) {
  wire::Reader in(packet);
  const auto opcode = static_cast<wire::TftpOpcode>(in.U16());
  const std::uint16_t number = in.U16();
  if (!in.ok()) return Wait();
  if (opcode == wire::TftpOpcode::kAck) return OnAck(number, now);
  if (opcode != wire::TftpOpcode::kError) return Wait();
  return Over(base_ == 0 ? TftpOutcome::kSizeProbe : TftpOutcome::kAborted);
}

TftpSession::Step TftpSession::OnAck(std::uint16_t block, absl::Time now) {
  const std::uint64_t before = base_ == 0 ? 0 : base_ - 1;
  // How far behind the last acknowledged block, in the wire's 16 bits.
  const auto ahead = static_cast<std::uint16_t>(block - static_cast<std::uint16_t>(before));
  const bool answers_oack = base_ == 0 && block == 0;
  if (!answers_oack && (ahead == 0 || before + ahead > sent_to_)) {
    // A repeated acknowledgement is a duplicate: answering it would double every packet from here
    // on (the Sorcerer's Apprentice, RFC 1123 section 4.2.3.1). It must not put off the deadline
    // either: a client that repeats its last word faster than we time out would never see the block
    // that it lost. With a window it may say that the first block of it is missing (RFC 7440
    // section 4), but not before that can be known.
    const bool asks_again = ahead == 0 && terms_.window > 1 && base_ != 0 &&
                            round_trip_ > absl::ZeroDuration() &&
                            now - sent_at_ >= round_trip_ * 3 / 4;
    return asks_again ? Repeat(now) : Wait();
  }
  if (!repeated_) Measured(now - sent_at_);
  heard_ = true;
  if (before + ahead == last_block_) return Over(TftpOutcome::kComplete);
  base_ = before + ahead + 1;
  // Behind the last block of the window is the client's gap, if there is one: from there everything
  // goes again.
  if (base_ <= sent_to_) retransmits_ += sent_to_ - base_ + 1;
  tries_ = 0;
  progress_at_ = now;
  if (round_trip_ > absl::ZeroDuration()) {
    timeout_ = std::clamp(round_trip_ + 4 * variation_, limits::kTftpMinTimeout,
                          std::max(limits::kTftpMaxTimeout, terms_.timeout));
  } else {
    timeout_ = terms_.timeout;
  }
  return SendWindow(now);
}

TftpSession::Step TftpSession::OnDeadline(absl::Time now) {
  ++tries_;
  if (!heard_ && tries_ >= limits::kTftpSilentTries) return Over(TftpOutcome::kTimedOut);
  // The last acknowledgement is the one nobody repeats: the client has the file (G34).
  if (sent_to_ == last_block_ && heard_ && tries_ >= limits::kTftpTries)
    return Over(TftpOutcome::kComplete);
  if (now - progress_at_ >= limits::kTftpGiveUp) return Over(TftpOutcome::kTimedOut);
  timeout_ = std::min(timeout_ * 2, std::max(limits::kTftpMaxTimeout, terms_.timeout));
  if (!DataUnasked()) return Repeat(now);
  deadline_ = now + timeout_;
  return Wait();
}

TftpSession::Step TftpSession::OnRequestAgain(absl::Time now) {
  if (!DataUnasked()) return Wait();
  // The life of the transfer is not prolonged: a forged request is not kept alive by others.
  const absl::Time deadline = deadline_;
  Step step = Repeat(now);
  step.deadline = deadline_ = deadline;
  return step;
}

void TftpSession::Measured(absl::Duration round_trip) {
  // RFC 6298 section 2.
  if (round_trip_ == absl::ZeroDuration()) {
    round_trip_ = std::max(round_trip, absl::Nanoseconds(1));
    variation_ = round_trip / 2;
    return;
  }
  variation_ += (absl::AbsDuration(round_trip_ - round_trip) - variation_) / 4;
  round_trip_ += (round_trip - round_trip_) / 8;
}

std::uint64_t TftpSession::acknowledged_bytes() const {
  if (complete_) return file_->size();
  return std::min<std::uint64_t>(acknowledged_block() * terms_.block_bytes, file_->size());
}

void TftpSession::AppendBlocks(std::uint64_t first, std::uint32_t count, wire::Buffer* out) const {
  for (std::uint64_t block = first; block < first + count; ++block) {
    const std::uint64_t from = (block - 1) * terms_.block_bytes;
    const std::string_view part = std::string_view(*file_).substr(from, terms_.block_bytes);
    const auto number = static_cast<std::uint16_t>(block);
    const std::uint8_t header[] = {0, static_cast<std::uint8_t>(wire::TftpOpcode::kData),
                                   static_cast<std::uint8_t>(number >> 8),
                                   static_cast<std::uint8_t>(number & 0xff)};
    out->insert(out->end(), std::begin(header), std::end(header));
    out->insert(out->end(), part.begin(), part.end());
  }
}

TftpSession::Step TftpSession::SendWindow(absl::Time now) {
  sent_at_ = now;
  repeated_ = base_ != 0 && base_ <= sent_to_;
  deadline_ = now + timeout_;
  Step step = Wait();
  if (base_ == 0) {
    step.oack = wire::EmitTftp(wire::TftpOack{terms_.granted});
    return step;
  }
  step.first_block = base_;
  step.blocks =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(terms_.window, last_block_ - base_ + 1));
  sent_to_ = base_ + step.blocks - 1;
  return step;
}

TftpSession::Step TftpSession::Repeat(absl::Time now) {
  retransmits_ += base_ == 0 ? 1 : sent_to_ - base_ + 1;
  Step step = SendWindow(now);
  repeated_ = true;
  return step;
}

TftpSession::Step TftpSession::Wait() const {
  return {{}, 0, 0, deadline_, std::nullopt};
}

TftpSession::Step TftpSession::Over(TftpOutcome outcome) {
  complete_ = outcome == TftpOutcome::kComplete;
  return {{}, 0, 0, absl::InfiniteFuture(), outcome};
}

}  // namespace tentacle::pxe
