// How many connections each address has open.
#pragma once

#include <cstdint>
#include <map>

#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>

namespace tentacle::net {

using AddressCounts = std::map<boost::asio::ip::address, std::uint32_t>;

// One of them, for as long as it lives.
class AddressCount {
 public:
  AddressCount(AddressCounts& counts, const boost::asio::ip::tcp::socket& socket)
      : counts_(counts) {
    boost::system::error_code error;
    address_ = socket.remote_endpoint(error).address();
    ++counts_[address_];
  }

  ~AddressCount() {
    if (--counts_[address_] == 0) counts_.erase(address_);
  }

  AddressCount(const AddressCount&) = delete;
  AddressCount& operator=(const AddressCount&) = delete;

 private:
  AddressCounts& counts_;
  boost::asio::ip::address address_;
};

}  // namespace tentacle::net
