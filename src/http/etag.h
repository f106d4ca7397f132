// http/etag.h - entity tags in If-Match, If-None-Match and If-Range (RFC 9110 sections 8.8.3 and 13.1).
//
// Tags are read as the grammar has them, for they may hold commas and spaces; what is malformed matches nothing. Unlike
// nginx, a weak tag never matches where a strong one is asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace ringx::http {

enum class EtagMatch : uint8_t {
    strong,  // If-Match, If-Range: the same bytes, and neither is weak
    weak,    // If-None-Match: the same bytes between the quotes
};

// True if `list` is "*" or names `etag`. What is not an entity tag in the list matches nothing. An empty `etag` stands
// for a representation without one: only "*" matches it.
bool matches_etag(std::string_view list, std::string_view etag, EtagMatch how);

// Whether ranges of the representation may be sent: the value is its strong tag, or exactly its date.
bool matches_if_range(std::string_view value, std::string_view etag, std::optional<int64_t> last_modified);

}  // namespace ringx::http
