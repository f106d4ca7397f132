// http/uri.h - the path of a request target becomes the path that locations and files are matched by.
//
// Decoding happens once and everything after it sees the same bytes: what was checked is what is opened. As in nginx,
// %2F becomes a slash and %2E a dot, and both count as such; `+` is left alone; bytes above 0x7F pass.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ringx::http {

// True if normalise_path() would give back the same bytes: no '%', no '#', no empty, "." or ".." segment (and, a little
// stricter than needed, no segment that begins with a dot).
bool is_plain_path(std::string_view path);

// Percent-decodes, resolves "." and "..", and merges slashes if asked. The result is written to `out` and is never
// longer than `raw`; `out` may be where `raw` is. Nothing if the path does not begin with a slash, has a broken %xx or
// a zero byte, or climbs above the root.
// REQUIRES: `out` has room for raw.size() bytes.
std::optional<std::string_view> normalise_path(std::string_view raw, bool merge_slashes, char* out);

// The same into a string, whose old content is lost.
bool normalise_path(std::string_view raw, bool merge_slashes, std::string& out);

}  // namespace ringx::http
