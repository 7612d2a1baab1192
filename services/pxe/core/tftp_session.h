// One read transfer, without sockets: feed it packets and deadlines, send what it says (RFC 1350, 2347).
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
  kSizeProbe,   // The client wanted the size alone and broke off after the OACK: no failure (field notes G29).
  kAborted,     // The client sent an error.
  kTimedOut,
};
std::string_view TftpOutcomeName(TftpOutcome outcome);

class TftpSession {
 public:
  struct Step {
    wire::Buffer send;                   // Empty: nothing to send.
    absl::Time deadline;                 // Call OnDeadline() then, unless a packet comes first.
    std::optional<TftpOutcome> outcome;  // Set: the transfer is over.
  };

  TftpSession(std::shared_ptr<const std::string> file, TftpTerms terms);

  Step Start(absl::Time now);
  Step OnPacket(wire::Bytes packet, absl::Time now);
  Step OnDeadline(absl::Time now);

  std::uint64_t acknowledged_bytes() const;
  std::uint64_t retransmits() const { return retransmits_; }

 private:
  Step SendCurrent(absl::Time now);
  Step Wait() const;
  Step Over(TftpOutcome outcome);

  std::shared_ptr<const std::string> file_;
  TftpTerms terms_;
  // 0: the OACK is out; n: block n is out. 64 bits: the wire's 16 roll over (G32).
  std::uint64_t block_ = 0;
  std::uint64_t last_block_ = 0;
  bool complete_ = false;
  absl::Duration timeout_;
  absl::Time deadline_;
  int tries_ = 0;
  std::uint64_t retransmits_ = 0;
};

}  // namespace tentacle::pxe
