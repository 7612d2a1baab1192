// One read transfer, without sockets: feed it packets and deadlines, send what it says (RFC 1350,
// 2347, 7440).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <absl/time/time.h>

#include "libs/wire/tftp.h"
#include "services/pxe/core/tftp_options.h"

namespace tentacle::pxe {

enum class TftpOutcome {
  kComplete,
  // The client wanted the size alone and broke off after the OACK: no failure (field notes G29).
  kSizeProbe,
  kAborted,  // The client sent an error.
  kTimedOut,
};
std::string_view TftpOutcomeName(TftpOutcome outcome);

class TftpSession {
 public:
  struct Step {
    wire::Buffer oack;  // Empty: none to send.
    std::uint64_t first_block = 0;
    std::uint32_t blocks = 0;            // DATA to send, from first_block on; see AppendBlocks().
    absl::Time deadline;                 // Call OnDeadline() then, unless a packet comes first.
    std::optional<TftpOutcome> outcome;  // Set: the transfer is over.
  };

  TftpSession(std::shared_ptr<const std::string> file, TftpTerms terms);

  Step Start(absl::Time now);
  Step OnPacket(wire::Bytes packet, absl::Time now);
  Step OnDeadline(absl::Time now);
  // The client's request came once more.
  Step OnRequestAgain(absl::Time now);

  // The DATA packets one behind the other, each but the last of packet_bytes().
  void AppendBlocks(std::uint64_t first, std::uint32_t count, wire::Buffer* out) const;

  std::size_t packet_bytes() const { return terms_.block_bytes + 4u; }

  std::uint64_t acknowledged_bytes() const;

  // The last block that the client has.
  std::uint64_t acknowledged_block() const { return base_ == 0 ? 0 : base_ - 1; }

  // The first block went out, and nothing came back for it.
  bool first_block_lost() const { return base_ <= 1 && sent_to_ >= 1; }

  std::uint64_t retransmits() const { return retransmits_; }

  const TftpTerms& terms() const { return terms_; }

  // When OnDeadline() is due; the same as in the last step.
  absl::Time deadline() const { return deadline_; }

  // The client has answered once.
  bool heard() const { return heard_; }

  // Smoothed; zero before the first acknowledgement.
  absl::Duration round_trip() const { return round_trip_; }

 private:
  Step OnAck(std::uint16_t block, absl::Time now);
  Step SendWindow(absl::Time now);
  Step Repeat(absl::Time now);

  // A block went out to somebody who has said nothing but his request.
  bool DataUnasked() const { return !heard_ && base_ != 0; }

  Step Wait() const;
  Step Over(TftpOutcome outcome);
  void Measured(absl::Duration round_trip);

  std::shared_ptr<const std::string> file_;
  TftpTerms terms_;
  // 0: the OACK is out and unanswered; n: block n is the first that is not acknowledged. 64 bits:
  // the wire's 16 roll over (G32).
  std::uint64_t base_ = 0;
  std::uint64_t sent_to_ = 0;  // The last block that is out.
  std::uint64_t last_block_ = 0;
  bool complete_ = false;
  bool heard_ = false;  // The client has answered once.
  // What is out was sent more than once: its answer tells no round trip (Karn).
  bool repeated_ = false;
  absl::Time sent_at_;
  absl::Time progress_at_;
  absl::Duration timeout_;
  absl::Duration round_trip_ = absl::ZeroDuration();
  absl::Duration variation_ = absl::ZeroDuration();
  absl::Time deadline_;
  int tries_ = 0;
  std::uint64_t retransmits_ = 0;
};

}  // namespace tentacle::pxe
