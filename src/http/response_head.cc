#include "http/response_head.h"

#include <charconv>

#include "http/core_settings.h"
#include "http/http_date.h"
#include "http/status.h"

namespace ringx::http {
namespace {

void append_number(std::string& out, uint64_t number) {
    char digits[20];
    auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    out.append(digits, end);
}

void append_status_line(std::string& out, uint16_t status) {
    std::string_view line = status_line(status);
    if (!line.empty()) {
        out += line;
        return;
    }
    out += "HTTP/1.1 ";
    append_number(out, status);
    out += " \r\n";
}

void append_field(std::string& out, std::string_view name_and_colon, std::string_view value) {
    out += name_and_colon;
    out += value;
    out += "\r\n";
}

void append_connection(std::string& out, const Request& request, const Response& response) {
    if (response.status == 101) {
        out += "Connection: upgrade\r\n";
        return;
    }
    if (!response.keep_alive) {
        out += "Connection: close\r\n";
        return;
    }
    out += "Connection: keep-alive\r\n";
    auto seconds = request.core->keepalive_header->count();
    if (seconds <= 0) return;
    out += "Keep-Alive: timeout=";
    append_number(out, static_cast<uint64_t>(seconds));
    out += "\r\n";
}

}  // namespace

BodyEnd body_end(const Request& request, const Response& response) {
    if (response.status == 204 || response.status == 304 || response.status < 200) return BodyEnd::none;
    if (response.content_length) return BodyEnd::length;
    if (response.source == nullptr && !response.has_pieces()) return BodyEnd::length;  // of nothing
    return request.head.minor_version >= 1 ? BodyEnd::chunked : BodyEnd::close;
}

void append_response_head(std::string& out, const Request& request, const Response& response, BodyEnd end) {
    append_status_line(out, response.status);
    if (!request.core->server_tokens->empty()) append_field(out, "Server: ", *request.core->server_tokens);
    append_field(out, "Date: ", request.worker->clock.http_date());
    if (!response.content_type.empty()) append_field(out, "Content-Type: ", response.content_type);
    if (end == BodyEnd::length) {
        out += "Content-Length: ";
        append_number(out, response.content_length.value_or(0));
        out += "\r\n";
    }
    if (!response.last_modified_text.empty()) {
        append_field(out, "Last-Modified: ", response.last_modified_text);
    } else if (response.last_modified >= 0) {
        auto date = http_date(response.last_modified);
        append_field(out, "Last-Modified: ", {date.data(), date.size()});
    }
    if (!response.location.empty()) append_field(out, "Location: ", response.location);
    if (end == BodyEnd::chunked) out += "Transfer-Encoding: chunked\r\n";
    append_connection(out, request, response);
    if (!response.etag.empty()) append_field(out, "ETag: ", response.etag);
    if (response.ranges_allowed && response.status == 200) out += "Accept-Ranges: bytes\r\n";
    for (const ResponseField* field = response.fields.first(); field != nullptr; field = field->next) {
        out += field->name;
        append_field(out, ": ", field->value);
    }
    out += "\r\n";
}

}  // namespace ringx::http
