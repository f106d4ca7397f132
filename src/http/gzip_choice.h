// http/gzip_choice.h - whether this client is to get this answer compressed.
//
// The decision is nginx's to the letter: Accept-Encoding as it reads it, the version of the request, requests that came
// through a proxy, and user agents that are known not to cope. gzip, gzip_static and gunzip share it.
#pragma once

#include <string_view>

#include "conf/language.h"
#include "http/request.h"
#include "http/response.h"

namespace ringx::http {

bool wants_gzip(Request& request, const Response& response);

// Says, where gzip_vary asks for it, and once, that the answer depends on Accept-Encoding.
void vary_by_encoding(Request& request, Response& response);
// Whether gzip_vary is on.
bool says_vary(const Request& request);

// Whether an Accept-Encoding field admits gzip.
bool accepts_gzip(std::string_view accept_encoding);

extern const conf::Section gzip_choice_section;

}  // namespace ringx::http
