#include "http/status.h"

#include <array>
#include <cstddef>

namespace ringx::http {

namespace {

constexpr std::string_view lines[] = {
    "HTTP/1.1 101 Switching Protocols\r\n",
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 201 Created\r\n",
    "HTTP/1.1 202 Accepted\r\n",
    "HTTP/1.1 204 No Content\r\n",
    "HTTP/1.1 206 Partial Content\r\n",
    "HTTP/1.1 301 Moved Permanently\r\n",
    "HTTP/1.1 302 Moved Temporarily\r\n",
    "HTTP/1.1 303 See Other\r\n",
    "HTTP/1.1 304 Not Modified\r\n",
    "HTTP/1.1 307 Temporary Redirect\r\n",
    "HTTP/1.1 308 Permanent Redirect\r\n",
    "HTTP/1.1 400 Bad Request\r\n",
    "HTTP/1.1 401 Unauthorized\r\n",
    "HTTP/1.1 402 Payment Required\r\n",
    "HTTP/1.1 403 Forbidden\r\n",
    "HTTP/1.1 404 Not Found\r\n",
    "HTTP/1.1 405 Not Allowed\r\n",
    "HTTP/1.1 406 Not Acceptable\r\n",
    "HTTP/1.1 408 Request Time-out\r\n",
    "HTTP/1.1 409 Conflict\r\n",
    "HTTP/1.1 410 Gone\r\n",
    "HTTP/1.1 411 Length Required\r\n",
    "HTTP/1.1 412 Precondition Failed\r\n",
    "HTTP/1.1 413 Request Entity Too Large\r\n",
    "HTTP/1.1 414 Request-URI Too Large\r\n",
    "HTTP/1.1 415 Unsupported Media Type\r\n",
    "HTTP/1.1 416 Requested Range Not Satisfiable\r\n",
    "HTTP/1.1 421 Misdirected Request\r\n",
    "HTTP/1.1 429 Too Many Requests\r\n",
    "HTTP/1.1 500 Internal Server Error\r\n",
    "HTTP/1.1 501 Not Implemented\r\n",
    "HTTP/1.1 502 Bad Gateway\r\n",
    "HTTP/1.1 503 Service Temporarily Unavailable\r\n",
    "HTTP/1.1 504 Gateway Time-out\r\n",
    "HTTP/1.1 505 HTTP Version Not Supported\r\n",
    "HTTP/1.1 507 Insufficient Storage\r\n",
};

constexpr size_t code_at = 9;     // of "404 Not Found\r\n" in a line
constexpr size_t phrase_at = 13;  // of "Not Found\r\n"
constexpr size_t line_end = 2;    // CRLF

constexpr size_t statuses = 512;

constexpr auto line_of = [] {
    std::array<std::string_view, statuses> table{};
    for (std::string_view line : lines) {
        table[(line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0')] = line;
    }
    return table;
}();

// A part of a line from `begin` up to its CRLF; empty if there is no line.
std::string_view part(std::string_view line, size_t begin) {
    return line.empty() ? line : line.substr(begin, line.size() - begin - line_end);
}

ErrorPage page_400(std::string_view title) { return {title, "400 Bad Request", title.substr(4)}; }

}  // namespace

std::string_view status_line(uint16_t status) { return status < statuses ? line_of[status] : std::string_view(); }

std::string_view reason_phrase(uint16_t status) { return part(status_line(status), phrase_at); }

uint16_t sent_status(uint16_t status) { return status >= 494 && status <= 497 ? 400 : status; }

ErrorPage error_page(uint16_t status) {
    switch (status) {
        case 302: return {"302 Found", "302 Found", {}};
        case 401: return {"401 Authorization Required", "401 Authorization Required", {}};
        case 494: return page_400("400 Request Header Or Cookie Too Large");
        case 495: return page_400("400 The SSL certificate error");
        case 496: return page_400("400 No required SSL certificate was sent");
        case 497: return page_400("400 The plain HTTP request was sent to HTTPS port");
        default: break;
    }
    if (status < 301 || status == 304) return {};
    std::string_view title = part(status_line(status), code_at);
    return {title, title, {}};
}

}  // namespace ringx::http
