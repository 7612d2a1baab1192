// The web page: files of the build folder.
#include <array>

#include "backend/api/api.h"

namespace tentacle::backend {

namespace {

struct Type {
  std::string_view ending;
  std::string_view type;
};

constexpr std::array<Type, 8> kTypes = {{{".html", "text/html; charset=utf-8"},
                                         {".js", "text/javascript; charset=utf-8"},
                                         {".css", "text/css; charset=utf-8"},
                                         {".svg", "image/svg+xml"},
                                         {".png", "image/png"},
                                         {".ico", "image/x-icon"},
                                         {".json", "application/json"},
                                         {".woff2", "font/woff2"}}};

// Only names that a build makes: no dot file, no "..", nothing odd.
bool IsAssetPath(std::string_view path) {
  if (path.find("/.") != std::string_view::npos) return false;
  return path.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./") ==
         std::string_view::npos;
}

}  // namespace

net::HttpReply Api::Asset(const net::HttpRequest& request) const {
  if (request.method != "GET" && request.method != "HEAD")
    return net::ProblemReply(405, "GET or HEAD only");
  std::string path = request.path;
  absl::StatusOr<net::FileSpan> span = absl::NotFoundError("not an asset");
  if (path != "/" && IsAssetPath(path)) span = net::OpenFileSpan(parts_.web_dir + path);
  if (!span.ok() && path.starts_with("/assets/")) {
    return net::ProblemReply(404, "this file is not part of the page; load the page again");
  }
  if (!span.ok()) {
    // The page's own paths (/nodes/7) are all the one document.
    path = "/index.html";
    span = net::OpenFileSpan(parts_.web_dir + path);
  }
  if (!span.ok()) return net::ProblemReply(404, "the web page has not been built (web/dist)");
  std::string_view type = "application/octet-stream";
  for (const Type& known : kTypes) {
    if (path.ends_with(known.ending)) type = known.type;
  }
  net::HttpReply reply;
  reply.headers = {
      {"Content-Type", std::string(type)},
      // Files in /assets/ carry a hash in their names.
      {"Cache-Control",
       path.starts_with("/assets/") ? "public, max-age=31536000, immutable" : "no-cache"},
      {"Content-Security-Policy",
       "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
       "frame-ancestors 'none'"},
      {"Referrer-Policy", "no-referrer"}};
  reply.file = *std::move(span);
  return reply;
}

}  // namespace tentacle::backend
