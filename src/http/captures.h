// http/captures.h - what regular expressions captured for a request: $1 to $9, and named groups.
//
// Numbered captures are those of the latest match; a named one stays until a group of that name matches again. The text
// captured is not copied: it is the subject's, which lives as long as the request.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "base/arena.h"

namespace ringx::http {

class Regex;
class Request;

struct NamedCapture {
    std::string_view name;
    std::string_view value;
    NamedCapture* before;
};

struct Captures {
    std::array<std::string_view, 10> groups{};  // [0] is the whole match
    NamedCapture* named = nullptr;              // latest first, in the request's arena

    std::optional<std::string_view> find(std::string_view name) const;
    // The named ones of `others`, copied.
    void take_over_named(Arena& arena, const Captures& others);
};

// Matches, and keeps the captures in the request when it did.
bool match_into(Request& request, const Regex& regex, std::string_view subject);

}  // namespace ringx::http
