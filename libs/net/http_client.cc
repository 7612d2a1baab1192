#include "libs/net/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mutex>
#include <optional>
#include <utility>

namespace tentacle::net {

namespace {

using CurlPtr = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;

CURL* NewHandle() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  return curl_easy_init();
}

using HeadersPtr = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

// Of streams: a call for every 16 KiB, libcurl's default, costs more than the copying.
constexpr long kStreamBufferBytes = 256 * 1024;

struct Transfer {
  const ClientRequest& request;
  KeptConnection& connection;
  CURL* curl = nullptr;
  const std::optional<Proxy>& proxy;
  TlsVerifier verifier;
  absl::Status tls_setup{};
  ClientReply reply{};
  bool headers_told = false;
  bool refused = false;  // A callback said no.
  bool too_large = false;
  std::optional<std::size_t> window{};  // What the socket has been told.
};

// The status with which the proxy refused, or 0. A plain request goes to it as it is, and only a
// proxy answers 407 (RFC 9110 section 15.5.8).
unsigned ProxyRefused(const Transfer& transfer) {
  if (!transfer.proxy) return 0;
  long connect_status = 0;
  curl_easy_getinfo(transfer.curl, CURLINFO_HTTP_CONNECTCODE, &connect_status);
  if (connect_status != 0 && (connect_status < 200 || connect_status > 299))
    return static_cast<unsigned>(connect_status);
  long status = 0;
  curl_easy_getinfo(transfer.curl, CURLINFO_RESPONSE_CODE, &status);
  return status == 407 ? 407 : 0;
}

bool TellHeaders(Transfer& transfer) {
  if (std::exchange(transfer.headers_told, true)) return true;
  if (ProxyRefused(transfer) != 0) return false;
  long status = 0;
  curl_easy_getinfo(transfer.curl, CURLINFO_RESPONSE_CODE, &status);
  transfer.reply.status = static_cast<unsigned>(status);
  if (!transfer.request.on_headers) return true;
  transfer.refused = !transfer.request.on_headers(transfer.reply.status, transfer.reply.headers);
  return !transfer.refused;
}

std::size_t OnHeader(char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  std::string_view line(data, size * count);
  // A new status line begins a new header block (100 Continue, a proxy's answer to CONNECT).
  if (line.starts_with("HTTP/")) transfer.reply.headers.clear();
  const auto colon = line.find(':');
  if (colon != std::string_view::npos) {
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t'))
      value.remove_prefix(1);
    while (!value.empty() &&
           (value.back() == '\r' || value.back() == '\n' || value.back() == ' ')) {
      value.remove_suffix(1);
    }
    transfer.reply.headers.emplace_back(line.substr(0, colon), value);
  }
  return size * count;
}

// The kernel gives the socket twice what it is told, and announces between a half and nearly all of
// that as the window (man 7 tcp, tcp_rmem; man 7 socket, SO_RCVBUF).
void KeepWindow(Transfer& transfer) {
  const auto window = transfer.request.receive_window();
  if (window == transfer.window) return;
  transfer.window = window;
  for (const int socket : transfer.connection.sockets()) {
    if (window) {
      const int bytes = static_cast<int>(*window / 2);
      setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    } else {
      const int unlocked = 0;  // It may grow by itself again.
      setsockopt(socket, SOL_SOCKET, SO_BUF_LOCK, &unlocked, sizeof unlocked);
    }
  }
}

int OnOpened(void* user, curl_socket_t socket, curlsocktype) {
  static_cast<KeptConnection*>(user)->Opened(socket);
  return CURL_SOCKOPT_OK;
}

int OnClosed(void* user, curl_socket_t socket) {
  static_cast<KeptConnection*>(user)->Closed(socket);
  return close(socket);
}

std::size_t OnBody(char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view piece(data, size * count);
  if (!TellHeaders(transfer)) return 0;
  if (transfer.request.on_body) {
    if (transfer.request.receive_window) KeepWindow(transfer);
    transfer.refused = !transfer.request.on_body(piece);
    return transfer.refused ? 0 : piece.size();
  }
  transfer.too_large = transfer.reply.body.size() + piece.size() > transfer.request.max_body_bytes;
  if (transfer.too_large) return 0;
  transfer.reply.body.append(piece);
  return piece.size();
}

int OnProgress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (transfer.request.cancel->load()) transfer.refused = true;
  return transfer.refused ? 1 : 0;
}

CURLcode OnTlsContext(CURL*, void* context, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  transfer.tls_setup = transfer.verifier.Install(static_cast<SSL_CTX*>(context));
  return transfer.tls_setup.ok() ? CURLE_OK : CURLE_SSL_CACERT_BADFILE;
}

// libcurl brings the transport, our verifier the judgement, so that it is the WebSocket's and names
// the pin.
void SetTls(CURL* curl, Transfer& transfer) {
  curl_easy_setopt(curl, CURLOPT_CAINFO, nullptr);
  curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, &OnTlsContext);
  curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, &transfer);
}

// The choice is made; libcurl must not look into the environment again.
void SetProxy(CURL* curl, const std::optional<Proxy>& proxy) {
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "");
  curl_easy_setopt(curl, CURLOPT_PROXY, proxy ? proxy->Name().c_str() : "");
  curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  if (!proxy || proxy->user.empty()) return;
  curl_easy_setopt(curl, CURLOPT_PROXYAUTH, static_cast<long>(CURLAUTH_BASIC));
  // Not CURLOPT_PROXYUSERPWD, which would decode percents once more.
  curl_easy_setopt(curl, CURLOPT_PROXYUSERNAME, proxy->user.c_str());
  curl_easy_setopt(curl, CURLOPT_PROXYPASSWORD, proxy->password.c_str());
}

HeadersPtr MakeHeaders(const ClientRequest& request) {
  curl_slist* list = nullptr;
  for (const auto& [name, value] : request.headers) {
    list = curl_slist_append(list, fmt::format("{}: {}", name, value).c_str());
  }
  list = curl_slist_append(list, "Expect:");  // No round trip for bodies of ours.
  return HeadersPtr(list, &curl_slist_free_all);
}

void SetRequest(CURL* curl, const ClientRequest& request, Transfer& transfer) {
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "octofleet-tentacle");
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(absl::ToInt64Milliseconds(request.connect_timeout)));
  if (request.total_timeout < absl::InfiniteDuration()) {
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
                     static_cast<long>(absl::ToInt64Milliseconds(request.total_timeout)));
  }
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME,
                   static_cast<long>(absl::ToInt64Seconds(request.stall_timeout)));
  if (request.method == "HEAD") {
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  } else if (request.method != "GET") {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.c_str());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &OnHeader);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &OnBody);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  if (request.on_body) curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, kStreamBufferBytes);
  if (request.cancel != nullptr) {
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &OnProgress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
  }
  curl_easy_setopt(curl, CURLOPT_SOCKOPTFUNCTION, &OnOpened);
  curl_easy_setopt(curl, CURLOPT_SOCKOPTDATA, &transfer.connection);
  curl_easy_setopt(curl, CURLOPT_CLOSESOCKETFUNCTION, &OnClosed);
  curl_easy_setopt(curl, CURLOPT_CLOSESOCKETDATA, &transfer.connection);
  SetTls(curl, transfer);
  SetProxy(curl, transfer.proxy);
}

absl::Status FromCurl(CURLcode code, const Transfer& transfer, const char* detail) {
  if (code == CURLE_OK) return absl::OkStatus();
  const std::string_view what =
      *detail != '\0' ? std::string_view(detail) : curl_easy_strerror(code);
  if (const unsigned status = ProxyRefused(transfer); status != 0)
    return ProxyRefusal(*transfer.proxy, status);
  if (!transfer.tls_setup.ok()) return transfer.tls_setup;
  if (!transfer.verifier.verdict().ok()) return transfer.verifier.verdict();
  const std::string text = fmt::format("{}: {}", transfer.request.url, TlsErrorText(what));
  if (transfer.too_large) {
    return absl::ResourceExhaustedError(fmt::format("{}: answer is larger than {} bytes",
                                                    transfer.request.url,
                                                    transfer.request.max_body_bytes));
  }
  if (transfer.refused)
    return absl::CancelledError(fmt::format("{}: broken off", transfer.request.url));
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
      return absl::UnauthenticatedError(text);
    case CURLE_OPERATION_TIMEDOUT:
      return absl::DeadlineExceededError(text);
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
      return absl::InvalidArgumentError(text);
    default:
      return absl::UnavailableError(text);
  }
}

}  // namespace

KeptConnection::KeptConnection() : handle_(NewHandle()) {}

KeptConnection::~KeptConnection() {
  curl_easy_cleanup(handle_);
}

absl::StatusOr<ClientReply> Fetch(const ClientRequest& request) {
  std::optional<KeptConnection> own;
  KeptConnection& connection = request.connection != nullptr ? *request.connection : own.emplace();
  CURL* const curl = connection.handle();
  if (curl == nullptr) return absl::InternalError("libcurl gave no handle");
  // Open connections stay with the handle, and nothing else.
  curl_easy_reset(curl);
  const auto target = ParseTarget(request.url);
  if (!target.ok()) return target.status();
  const auto proxy = ChooseProxy(*target, request.environment);
  if (!proxy.ok()) return proxy.status();
  Transfer transfer{.request = request,
                    .connection = connection,
                    .curl = curl,
                    .proxy = *proxy,
                    .verifier = {request.tls, target->host}};
  char detail[CURL_ERROR_SIZE] = {};
  const HeadersPtr headers = MakeHeaders(request);
  SetRequest(curl, request, transfer);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);

  const CURLcode code = curl_easy_perform(curl);
  // `detail` and `headers` end here; a handle that is kept must not know them any more.
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, nullptr);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, nullptr);
  if (absl::Status status = FromCurl(code, transfer, detail); !status.ok()) return status;
  if (ProxyRefused(transfer) != 0) return ProxyRefusal(**proxy, 407);
  if (!TellHeaders(transfer))
    return absl::CancelledError(fmt::format("{}: broken off", request.url));
  return std::move(transfer.reply);
}

}  // namespace tentacle::net
