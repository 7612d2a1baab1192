// Who calls: the API key of the file, keys of the database, and sessions of the page, which stand
// for the key they were signed in with, so that a revoked key ends them. Home thread only; the
// database is asked on the blocking pool.
#pragma once

#include <map>
#include <string>

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include "backend/core/role.h"
#include "backend/store/key_store.h"
#include "libs/net/http_types.h"

namespace tentacle::backend {

class Callers {
 public:
  // `root_key` is an admin's, under kRootKeyName.
  Callers(KeyStore& keys, boost::asio::thread_pool& blocking, const std::string& root_key);

  // Unauthenticated: no key, an unknown one, or a session that is over. Unavailable: the database.
  boost::asio::awaitable<absl::StatusOr<Caller>> Of(const net::HttpRequest& request);
  // The value of Set-Cookie. Unauthenticated: not a key. ResourceExhausted: too many are signed in.
  boost::asio::awaitable<absl::StatusOr<std::string>> SignIn(std::string key);
  // Likewise.
  std::string SignOut(const net::HttpRequest& request);

 private:
  struct Session {
    std::string key_sha256;
    absl::Time ends;
  };

  boost::asio::awaitable<absl::StatusOr<Caller>> Find(std::string key_sha256);

  KeyStore& keys_;
  boost::asio::thread_pool& blocking_;
  const std::string root_sha256_;
  std::map<std::string, Session> sessions_;  // By SHA-256 of the cookie.
};

}  // namespace tentacle::backend
