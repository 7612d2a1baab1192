// Connections whose next request has not come whole, the one that has waited longest first. Where
// there is no room, it is the one that goes: who only holds connections open cannot keep out who
// has something to ask.
#pragma once

#include <iterator>
#include <list>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/system/error_code.hpp>

namespace tentacle::net {

class WaitingConnections {
  struct One {
    boost::beast::tcp_stream* stream;
    boost::asio::ip::address address;
    bool closed = false;
  };

  using Line = std::list<One>;

 public:
  // A connection's place in the line, for as long as it waits.
  class Place {
   public:
    Place(WaitingConnections& all, boost::beast::tcp_stream& stream) : line_(all.line_) {
      boost::system::error_code error;
      at_ = line_.insert(line_.end(), {&stream, stream.socket().remote_endpoint(error).address()});
    }

    ~Place() { line_.erase(at_); }

    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

   private:
    Line& line_;
    Line::iterator at_;
  };

  // False: none waits.
  bool CloseOldest() {
    for (One& one : line_) {
      if (Close(one)) return true;
    }
    return false;
  }

  bool CloseOldestOf(const boost::asio::ip::address& address) {
    for (One& one : line_) {
      if (one.address == address && Close(one)) return true;
    }
    return false;
  }

 private:
  // It leaves the line itself, when its read is told.
  static bool Close(One& one) {
    if (one.closed) return false;
    one.closed = true;
    one.stream->close();
    return true;
  }

  Line line_;
};

}  // namespace tentacle::net
