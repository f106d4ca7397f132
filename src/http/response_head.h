// http/response_head.h - a response's status line and fields as HTTP/1.1 writes them.
//
// Bytes only: the one place where a Response becomes text.
#pragma once

#include <string>

#include "http/request.h"

namespace ringx::http {

// How the end of the body that follows is known to the client.
enum class BodyEnd : uint8_t { none, length, chunked, close };

// How the body of this response has to be framed for this request (RFC 9112 section 6).
BodyEnd body_end(const Request& request, const Response& response);

// Appends the head, empty line included. The order of the fields is nginx's.
void append_response_head(std::string& out, const Request& request, const Response& response, BodyEnd end);

}  // namespace ringx::http
