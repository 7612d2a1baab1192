#include "backend/api/callers.h"

#include <fmt/format.h>

#include <absl/time/clock.h>

#include "libs/async/on_pool.h"
#include "libs/identity/identity.h"
#include "libs/text/view.h"

namespace tentacle::backend {

namespace {

namespace asio = boost::asio;

constexpr std::string_view kCookie = "octofleet_session=";
constexpr absl::Duration kSessionLifetime = absl::Hours(8);
constexpr std::size_t kMaxSessions = 1024;

std::string CookieOf(const net::HttpRequest& request) {
  const std::string_view header = request.Header("Cookie");
  const auto at = header.find(kCookie);
  if (at == std::string_view::npos) return "";
  const std::string_view rest = header.substr(at + kCookie.size());
  return std::string(rest.substr(0, rest.find(';')));
}

}  // namespace

Callers::Callers(KeyStore& keys, asio::thread_pool& blocking, const std::string& root_key)
    : keys_(keys), blocking_(blocking), root_sha256_(identity::Sha256Hex(root_key)) {}

asio::awaitable<absl::StatusOr<Caller>> Callers::Of(const net::HttpRequest& request) {
  const std::string_view key = request.Header("X-API-Key");
  if (!key.empty()) co_return co_await Find(identity::Sha256Hex(key));
  const auto session = sessions_.find(identity::Sha256Hex(CookieOf(request)));
  if (session == sessions_.end() || session->second.ends <= absl::Now())
    co_return absl::UnauthenticatedError("sign in, or send an API key in X-API-Key");
  co_return co_await Find(session->second.key_sha256);
}

asio::awaitable<absl::StatusOr<Caller>> Callers::Find(std::string key_sha256) {
  if (identity::ConstantTimeEquals(key_sha256, root_sha256_))
    co_return Caller{std::string(kRootKeyName), Role::kAdmin};
  auto find = [this, &key_sha256] { return keys_.Find(key_sha256); };
  auto caller = co_await async::OnPool(blocking_, find);
  if (absl::IsNotFound(caller.status()))
    co_return absl::UnauthenticatedError("this is not an API key, or it was revoked");
  co_return caller;
}

asio::awaitable<absl::StatusOr<std::string>> Callers::SignIn(std::string key) {
  const std::string key_sha256 = identity::Sha256Hex(key);
  const auto caller = co_await Find(key_sha256);
  if (!caller.ok()) co_return caller.status();
  std::erase_if(sessions_, [now = absl::Now()](const auto& one) { return one.second.ends <= now; });
  if (sessions_.size() >= kMaxSessions)
    co_return absl::ResourceExhaustedError("too many are signed in");
  const std::string cookie = identity::RandomHex(32);
  sessions_[identity::Sha256Hex(cookie)] = {key_sha256, absl::Now() + kSessionLifetime};
  co_return fmt::format("{}{}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}", kCookie, cookie,
                        absl::ToInt64Seconds(kSessionLifetime));
}

std::string Callers::SignOut(const net::HttpRequest& request) {
  sessions_.erase(identity::Sha256Hex(CookieOf(request)));
  return fmt::format("{}; Path=/; HttpOnly; SameSite=Strict; Max-Age=0", kCookie);
}

}  // namespace tentacle::backend
