// The head of an HTTP/1.1 answer.
#pragma once

#include <string>
#include <string_view>

#include <absl/time/time.h>

#include "libs/net/http_types.h"

namespace tentacle::net {

// Of RFC 9110 section 15, such as "Not Found".
std::string_view ReasonPhrase(unsigned status);

// Status line and headers up to and with the empty line (RFC 9112 sections 4 and 5). `to_head`: the
// request was HEAD. A header whose value could begin a line of its own is left out.
std::string ReplyHead(const HttpReply& reply, bool to_head, bool keep_alive, absl::Time now);

// Its length is not known when it begins: it goes in chunks (RFC 9112 section 7.1).
bool GoesInChunks(const HttpReply& reply);

}  // namespace tentacle::net
