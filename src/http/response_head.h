// http/response_head.h - a response's status line and fields as HTTP/1.1 writes them.
//
// Bytes only: the one place where a Response becomes text.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "http/request.h"

namespace ringx::http {

// How the end of the body that follows is known to the client.
enum class BodyEnd : uint8_t { none, length, chunked, close };

// How the body of this response has to be framed for this request (RFC 9112 section 6).
BodyEnd body_end(const Request& request, const Response& response);

// Appends the head, empty line included. The order of the fields is nginx's.
void append_response_head(std::string& out, const Request& request, const Response& response, BodyEnd end);

// Appends a body in memory, framed as it has to be.
void append_body(std::string& out, std::string_view body, BodyEnd end);

// Pieces whose length is not announced, with what makes them the one chunk of a chunked body.
std::span<const Piece> as_one_chunk(Arena& arena, std::span<const Piece> pieces);

}  // namespace ringx::http
