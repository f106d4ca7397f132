// modules/headers/expires.h - `expires`: until when an answer may be reused, as Expires and Cache-Control say it.
//
// The time is given from now, from the file's last change, or as a time of day; a variable is read anew for each
// answer, and says nothing when what it holds is no time.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

#include "http/request.h"
#include "http/response.h"
#include "http/variables.h"

namespace ringx::http {

struct Expires {
    enum class Kind : uint8_t { off, epoch, max, access, modified, daily };
    Kind kind = Kind::off;
    int64_t seconds = 0;  // after the request, the file's last change, or midnight
    Template variable;    // when it is not constant: the text all of it is read from

    bool is_off() const { return kind == Kind::off; }
};

// `begin` says what the text counts from: access or modified. The mistake is what follows `"expires" directive`.
std::expected<Expires, std::string_view> parse_expires(std::string_view text, Expires::Kind begin);

void add_expires(Request& request, Response& response, const Expires& expires);

}  // namespace ringx::http
