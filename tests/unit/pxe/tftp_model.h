// What a transfer says and what a client answers, as values.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "services/pxe/core/tftp_options.h"
#include "services/pxe/core/tftp_session.h"
#include "services/pxe/limits.h"

namespace tentacle::testing {

using pxe::TftpSession;

inline const absl::Time kNow = absl::FromUnixSeconds(1'760'000'000);

// Does not repeat within 64 KiB, so that a block out of place shows.
inline std::shared_ptr<const std::string> File(std::size_t size) {
  auto content = std::make_shared<std::string>(size, '\0');
  std::uint32_t state = 1;
  for (char& c : *content) {
    state = state * 1664525u + 1013904223u;
    c = static_cast<char>(state >> 24);
  }
  return content;
}

inline wire::Buffer Ack(std::uint64_t block) {
  return wire::EmitTftp(wire::TftpAck{static_cast<std::uint16_t>(block)});
}

inline wire::TftpPacket Parsed(const wire::Buffer& bytes) {
  auto packet = wire::ParseTftp(bytes);
  EXPECT_TRUE(packet.ok());
  return *std::move(packet);
}

// What a step sends, as datagrams.
inline std::vector<wire::Buffer> Sent(const TftpSession& session, const TftpSession::Step& step) {
  std::vector<wire::Buffer> packets;
  if (!step.oack.empty()) packets.push_back(step.oack);
  wire::Buffer bytes;
  session.AppendBlocks(step.first_block, step.blocks, &bytes);
  for (std::size_t at = 0; at < bytes.size(); at += session.packet_bytes()) {
    const std::size_t size = std::min(session.packet_bytes(), bytes.size() - at);
    packets.emplace_back(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                         bytes.begin() + static_cast<std::ptrdiff_t>(at + size));
  }
  EXPECT_EQ(packets.size(), step.blocks + (step.oack.empty() ? 0u : 1u));
  return packets;
}

inline wire::Buffer OnlyPacket(const TftpSession& session, const TftpSession::Step& step) {
  const auto packets = Sent(session, step);
  EXPECT_EQ(packets.size(), 1u);
  return packets.empty() ? wire::Buffer{} : packets.front();
}

inline bool IsSilent(const TftpSession::Step& step) {
  return step.oack.empty() && step.blocks == 0;
}

inline std::uint16_t BlockOf(const TftpSession& session, const TftpSession::Step& step) {
  return std::get<wire::TftpData>(Parsed(OnlyPacket(session, step))).block;
}

inline std::vector<std::uint64_t> Blocks(const TftpSession::Step& step) {
  std::vector<std::uint64_t> blocks;
  for (std::uint64_t block = step.first_block; block < step.first_block + step.blocks; ++block)
    blocks.push_back(block);
  return blocks;
}

// What a client with a window does (RFC 7440 section 4): acknowledges the last block of a window,
// and at a gap the last block that it has.
struct WindowClient {
  std::string received;
  std::uint64_t block = 0;
  std::uint64_t acknowledged = 0;
  std::uint32_t block_bytes = 0;
  std::uint32_t window = 1;
  bool complete = false;

  std::optional<wire::Buffer> OnPacket(const wire::Buffer& bytes) {
    const wire::TftpPacket packet = Parsed(bytes);
    if (std::holds_alternative<wire::TftpOack>(packet)) return Ack(0);
    const auto& data = std::get<wire::TftpData>(packet);
    if (data.block != static_cast<std::uint16_t>(block + 1)) return Ack(acknowledged = block);
    ++block;
    received.append(data.data.begin(), data.data.end());
    complete = data.data.size() < block_bytes;
    if (!complete && block - acknowledged < window) return std::nullopt;
    return Ack(acknowledged = block);
  }
};

}  // namespace tentacle::testing
