// A segment in memory: hosts that answer ARP, behind the seam where libpcap would be.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libs/wire/arp.h"
#include "libs/wire/ethernet.h"
#include "services/discovery/segment_links.h"

namespace tentacle::discovery {

class FakeSegment {
 public:
  explicit FakeSegment(boost::asio::io_context& io) : io_(io) {}

  std::vector<LocalAddress> addresses;              // The tentacle's own.
  std::map<std::uint32_t, wire::MacAddress> hosts;  // Who answers.
  std::set<std::uint32_t> deaf_once;                // The first question to these gets lost.
  std::vector<std::vector<std::uint8_t>> sent;      // Every frame the tentacle sent.
  absl::Status open_status;                         // What opening a link says.
  int opened = 0;

  LinkSource Source() {
    return {[this]() -> absl::StatusOr<std::vector<LocalAddress>> { return addresses; },
            [this](const std::string&) -> absl::StatusOr<std::unique_ptr<PacketLink>> {
              if (!open_status.ok()) return open_status;
              ++opened;
              return std::make_unique<Link>(*this);
            }};
  }

  // Something arrives at every open link.
  void Deliver(const std::vector<std::uint8_t>& frame) {
    for (Link* link : links_)
      link->Arrive(frame);
  }

  // The interface goes down.
  void BreakLinks() {
    for (Link* link : links_)
      link->Break();
  }

  static std::vector<std::uint8_t> ReplyFrame(const wire::ArpMessage& question,
                                              const wire::MacAddress& from) {
    wire::ArpMessage reply;
    reply.operation = wire::ArpOperation::kReply;
    reply.sender_mac = from;
    reply.sender_ip = question.target_ip;
    reply.target_mac = question.sender_mac;
    reply.target_ip = question.sender_ip;
    return wire::EmitEthernet(
        {question.sender_mac, from, wire::kEthertypeArp, wire::EmitArp(reply)});
  }

 private:
  class Link final : public PacketLink {
   public:
    explicit Link(FakeSegment& segment) : segment_(segment), arrived_(segment.io_) {
      arrived_.expires_at(boost::asio::steady_timer::time_point::max());
      segment_.links_.insert(this);
    }

    ~Link() override { segment_.links_.erase(this); }

    boost::asio::awaitable<absl::StatusOr<std::vector<std::uint8_t>>> Receive() override {
      while (frames_.empty() && !closed_ && !broken_) {
        co_await arrived_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
      }
      if (closed_) co_return absl::CancelledError("closed");
      if (broken_) co_return absl::UnavailableError("the interface went down");
      auto frame = std::move(frames_.front());
      frames_.pop_front();
      co_return frame;
    }

    absl::Status Send(std::span<const std::uint8_t> frame) override {
      segment_.sent.emplace_back(frame.begin(), frame.end());
      segment_.Answer(*this, segment_.sent.back());
      return absl::OkStatus();
    }

    std::uint64_t TakeLost() override { return 0; }

    void Close() override {
      closed_ = true;
      arrived_.cancel();
    }

    void Arrive(std::vector<std::uint8_t> frame) {
      frames_.push_back(std::move(frame));
      arrived_.cancel();
    }

    void Break() {
      broken_ = true;
      arrived_.cancel();
    }

   private:
    FakeSegment& segment_;
    boost::asio::steady_timer arrived_;
    std::deque<std::vector<std::uint8_t>> frames_;
    bool closed_ = false;
    bool broken_ = false;
  };

  void Answer(Link& link, const std::vector<std::uint8_t>& frame) {
    const auto ethernet = wire::ParseEthernet(frame);
    if (!ethernet.ok() || ethernet->ethertype != wire::kEthertypeArp) return;
    const auto question = wire::ParseArp(ethernet->payload);
    if (!question.ok()) return;
    const auto host = hosts.find(question->target_ip);
    if (host == hosts.end() || deaf_once.erase(host->first) > 0) return;
    link.Arrive(ReplyFrame(*question, host->second));
  }

  boost::asio::io_context& io_;
  std::set<Link*> links_;
};

}  // namespace tentacle::discovery
