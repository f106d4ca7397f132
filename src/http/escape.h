// http/escape.h - text made safe for the place it goes to: a log line, HTML, JSON, a URI.
//
// All functions append. Text that needs no escaping, the usual case, is appended in one piece.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ringx::http {

// `<`, `>`, `&` and `"`.
void escape_html(std::string_view text, std::string& out);

// The inside of a JSON string: `"`, `\` and control characters. Bytes above 0x7F are left as they are.
void escape_json(std::string_view text, std::string& out);

// log_format's default escaping: `"`, `\`, control characters and all bytes from 0x7F on become \xHH.
void escape_log(std::string_view text, std::string& out);

enum class UriPart : uint8_t {
    path,       // a whole path, as in Location
    args,       // the value of one argument of a query
    component,  // one segment or value: everything but unreserved characters
};

void escape_uri(std::string_view text, UriPart part, std::string& out);

// Decodes every valid %xx; what is not valid stays as it is. For captures and arguments, never for choosing files.
void unescape_uri(std::string_view text, std::string& out);

}  // namespace ringx::http
