// http/uri.h - the path of a request target becomes the path that locations and files are matched by.
//
// Decoding happens once and everything after it sees the same bytes: what was checked is what is opened. As in nginx,
// %2F becomes a slash and %2E a dot, and both count as such; `+` is left alone; bytes above 0x7F pass.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ringx::http {

// The parts of "/path?query#fragment". A fragment has no business there and is left out, as in
// nginx.
struct PathAndQuery {
    std::string_view path;
    std::string_view query;      // without the '?'
    bool has_query = false;      // true for "/a?" too
    bool path_is_plain = false;  // normalise_path() gives back the same bytes: nothing is encoded, no segment is empty
                                 // or begins with a dot
};

// Nothing if the target holds a space or a control character, or begins otherwise than with a slash or, its path being
// empty, with '?' or '#'.
std::optional<PathAndQuery> split_target(std::string_view target);

// Percent-decodes, resolves "." and "..", and merges slashes if asked. The result is written to `out` and is never
// longer than `raw`; `out` may be where `raw` is. Nothing if the path does not begin with a slash, has a broken %xx or
// a zero byte, or climbs above the root.
// REQUIRES: `out` has room for raw.size() bytes.
std::optional<std::string_view> normalise_path(std::string_view raw, bool merge_slashes, char* out);

// The same into a string, whose old content is lost.
bool normalise_path(std::string_view raw, bool merge_slashes, std::string& out);

}  // namespace ringx::http
