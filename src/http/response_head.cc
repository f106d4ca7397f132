#include "http/response_head.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <span>

#include "http/chunked.h"
#include "http/core_settings.h"
#include "http/http_date.h"
#include "http/status.h"
#include "http/text.h"

namespace ringx::http {
namespace {

// Writes into room that is known to suffice.
class Writer {
 public:
    explicit Writer(char* at) : at_(at) {}

    void text(std::string_view text) {
        memcpy(at_, text.data(), text.size());
        at_ += text.size();
    }
    void field(std::string_view name_and_colon, std::string_view value) {
        text(name_and_colon);
        text(value);
        text("\r\n");
    }
    // With a value that may have come from the client by way of a variable: a line end in it would begin a field of
    // the client's own making (RFC 9110 section 5.5 asks for spaces in its place).
    void foreign_field(std::string_view name_and_colon, std::string_view value) {
        field(name_and_colon, value);
        char* value_end = at_ - 2;
        for (char& c : std::span(value_end - value.size(), value.size())) {
            if (control_bytes[c]) c = ' ';
        }
    }
    void number(uint64_t number) { at_ = std::to_chars(at_, at_ + 20, number).ptr; }
    char* end() const { return at_; }

 private:
    char* at_;
};

// More than all fixed parts of a head together: status line, names of fields, dates and numbers.
constexpr size_t fixed_bytes_max = 640;

size_t head_bytes_max(const Request& request, const Response& response) {
    size_t bytes = fixed_bytes_max + request.core->server_tokens->size() + response.content_type.size() +
                   response.last_modified_text.size() + response.location.size() + response.etag.size() +
                   response.reason.size() + response.server.size() + response.date.size();
    for (const ResponseField* field = response.fields.first(); field != nullptr; field = field->next) {
        bytes += field->name.size() + field->value.size() + 4;
    }
    return bytes;
}

void write_status_line(Writer& out, const Response& response) {
    std::string_view line = response.reason.empty() ? status_line(response.status) : std::string_view();
    if (!line.empty()) return out.text(line);
    out.text("HTTP/1.1 ");
    out.number(response.status);
    if (response.reason.empty()) return out.text(" \r\n");
    out.field(" ", response.reason);
}

void write_last_modified(Writer& out, const Response& response) {
    if (!response.last_modified_text.empty()) {
        out.field("Last-Modified: ", response.last_modified_text);
    } else if (response.last_modified >= 0) {
        auto date = http_date(response.last_modified);
        out.field("Last-Modified: ", {date.data(), date.size()});
    }
}

void write_connection(Writer& out, const Request& request, const Response& response) {
    if (response.status == 101) return out.text("Connection: upgrade\r\n");
    if (response.tunnel != nullptr) return;  // it is nobody's to close any more
    if (!response.keep_alive) return out.text("Connection: close\r\n");
    out.text("Connection: keep-alive\r\n");
    auto seconds = request.core->keepalive_header->count();
    if (seconds <= 0) return;
    out.text("Keep-Alive: timeout=");
    out.number(static_cast<uint64_t>(seconds));
    out.text("\r\n");
}

char* write_head(char* at, const Request& request, const Response& response, BodyEnd end) {
    Writer out(at);
    write_status_line(out, response);
    std::string_view server = response.server.empty() ? *request.core->server_tokens : response.server;
    if (!server.empty()) out.field("Server: ", server);
    out.field("Date: ", response.date.empty() ? request.worker->clock.http_date() : response.date);
    if (!response.content_type.empty() && response.status != 204) out.field("Content-Type: ", response.content_type);
    if (end == BodyEnd::length) {
        out.text("Content-Length: ");
        out.number(response.content_length.value_or(0));
        out.text("\r\n");
    }
    write_last_modified(out, response);
    if (!response.location.empty()) out.foreign_field("Location: ", response.location);
    if (end == BodyEnd::chunked) out.text("Transfer-Encoding: chunked\r\n");
    write_connection(out, request, response);
    if (!response.etag.empty()) out.field("ETag: ", response.etag);
    for (const ResponseField* field = response.fields.first(); field != nullptr; field = field->next) {
        out.text(field->name);
        out.foreign_field(": ", field->value);
    }
    if (response.ranges_allowed && response.status == 200) out.text("Accept-Ranges: bytes\r\n");
    out.text("\r\n");
    return out.end();
}

}  // namespace

BodyEnd body_end(const Request& request, const Response& response) {
    if (response.status == 204 || response.status == 304 || response.status < 200) return BodyEnd::none;
    bool takes_trailers = request.head.minor_version >= 1 && !request.is_head();
    if (response.make_trailers != nullptr && takes_trailers) return BodyEnd::chunked;
    if (response.content_length) return BodyEnd::length;
    bool is_nothing = response.source == nullptr && !response.has_pieces() && !response.length_is_unknown;
    if (is_nothing) return response.tunnel == nullptr ? BodyEnd::length : BodyEnd::none;
    if (request.is_head()) return BodyEnd::none;  // and as in nginx no word about how it would have come
    bool chunked = request.head.minor_version >= 1 && *request.core->chunked_transfer_encoding;
    return chunked ? BodyEnd::chunked : BodyEnd::close;
}

void append_response_head(std::string& out, const Request& request, const Response& response, BodyEnd end) {
    size_t before = out.size();
    out.resize_and_overwrite(before + head_bytes_max(request, response), [&](char* text, size_t) {
        return static_cast<size_t>(write_head(text + before, request, response, end) - text);
    });
}

void append_body(std::string& out, std::string_view body, BodyEnd end) {
    if (end != BodyEnd::chunked) {
        out += body;
        return;
    }
    ChunkHead head(body.size());
    for (std::string_view part : {head.text(), body, chunk_end, last_chunk}) out += part;
}

std::span<const Piece> as_one_chunk(Arena& arena, std::span<const Piece> pieces) {
    uint64_t bytes = 0;
    for (const Piece& piece : pieces) bytes += piece.size();
    auto framed = arena.make_array<Piece>(pieces.size() + 2);
    framed.front().memory = arena.copy(ChunkHead(bytes).text());
    std::ranges::copy(pieces, framed.begin() + 1);
    framed.back().memory = "\r\n0\r\n\r\n";
    return framed;
}

}  // namespace ringx::http
