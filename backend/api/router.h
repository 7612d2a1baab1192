// Method and path pattern -> handler, with who may call it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "backend/core/role.h"
#include "libs/net/http_types.h"

namespace tentacle::backend {

// The three in the middle: who has an API key of that role or a higher one.
enum class Access { kAnyone, kViewer, kOperator, kAdmin, kTentacle, kOperatorOrCallback };

// The id of a row; 0 when it is no number: no row has that.
int ParseId(std::string_view text);

struct Call {
  const net::HttpRequest& request;
  std::vector<std::string> ids;  // What stood where the pattern has {...}.
  int node_id = 0;               // Access::kTentacle: who calls.
  Caller caller;                 // With an API key: who calls.

  int Id(std::size_t index = 0) const { return ParseId(ids.at(index)); }
};

using CallHandler = std::function<boost::asio::awaitable<net::HttpReply>(Call)>;

struct Route {
  std::string method;
  std::string pattern;  // "/api/v1/nodes/{id}"
  Access access = Access::kAdmin;
  CallHandler handler;
};

class Router {
 public:
  void Add(std::string method, std::string pattern, Access access, CallHandler handler);

  struct Match {
    const Route* route = nullptr;  // Null: nothing there.
    bool other_method = false;     // The path is there, for another method.
    std::vector<std::string> ids;
  };

  Match Find(std::string_view method, std::string_view path) const;

  const std::vector<Route>& routes() const { return routes_; }

 private:
  std::vector<Route> routes_;
};

}  // namespace tentacle::backend
