// http/head.h - a request's head as a parser left it: the request line, the fields, and what they mean together.
//
// Every string_view points into the bytes the parser was given, so a head lives as long as that buffer. The struct is
// made once per connection (or worker) and reused: clear() keeps the capacity of `fields`. HTTP/1, HTTP/2 and HTTP/3
// fill the same struct; whoever fills it has checked it, so readers need not check names, values or framing again.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "http/host.h"

namespace ringx::http {

// Methods nginx knows. Any other token is `other`: well-formed, and refused later by whoever cannot serve it.
enum class Method : uint8_t {
    get, head, post, put, delete_, mkcol, copy, move, options, propfind, proppatch, lock, unlock, patch, trace,
    connect, other,
};

// Fields the server itself acts upon or shows in variables often enough to deserve an index.
enum class Header : uint8_t {
    other, host, connection, content_length, transfer_encoding, expect, range, if_range, if_match, if_none_match,
    if_modified_since, if_unmodified_since, user_agent, referer, accept_encoding, accept, accept_language,
    authorization, cookie, content_type, content_range, upgrade, via, te, trailer, x_forwarded_for, x_real_ip,
    x_forwarded_proto, x_forwarded_host, forwarded, keep_alive, date, depth, destination, overwrite, origin,
    cache_control, pragma, proxy_connection, count,
};

struct Field {
    std::string_view name;   // as received
    std::string_view value;  // without the white space around it
    Header id = Header::other;
};

// How the end of the body is known.
enum class Framing : uint8_t { none, length, chunked };

// The form of the request target (RFC 9112 section 3.2).
enum class Target : uint8_t { origin, absolute, authority, asterisk };

struct RequestHead {
    std::string_view request_line;  // without CRLF; set as soon as the line is complete, also when it is refused
    std::string_view method_text;
    std::string_view target;     // as received
    std::string_view uri;        // nginx's $request_uri: the target without scheme and authority
    std::string_view path;       // raw path of the target; "/" when absolute-form has none, "*" for asterisk-form
    std::string_view query;      // after the first '?', without it; neither path nor query holds a '#' or what follows
    std::string_view scheme;     // of absolute-form, as received
    std::string_view authority;  // of absolute-form and authority-form
    Host host;                   // from the authority, else from the Host field; an empty name when there is neither

    Method method = Method::other;
    Target form = Target::origin;
    uint8_t minor_version = 0;   // the x of HTTP/1.x; what is above 1 behaves as 1
    bool has_query = false;      // true for "/a?" too
    bool path_is_plain = false;  // normalise_path() would give back the same bytes
    bool keep_alive = false;     // what the version and Connection ask for
    bool expect_continue = false;

    Framing framing = Framing::none;
    uint64_t content_length = 0;  // with Framing::length; at most INT64_MAX

    std::vector<Field> fields;  // in order of arrival, without the dropped ones

    // The first field of this name, or null.
    const Field* find(Header id) const {
        uint16_t place = first_[static_cast<size_t>(id)];
        return place == 0 ? nullptr : &fields[place - 1];
    }

    std::string_view value(Header id) const {
        const Field* field = find(id);
        return field ? field->value : std::string_view();
    }

    // The first field of this name, compared without case, for names that have no Header.
    const Field* find(std::string_view name) const;

    // REQUIRES: fewer than 65535 fields (every protocol bounds their number far below).
    void add(const Field& field) {
        fields.push_back(field);
        uint16_t& place = first_[static_cast<size_t>(field.id)];
        if (place == 0) place = static_cast<uint16_t>(fields.size());
    }

    // Becomes the same, with all texts in the arena.
    void copy(const RequestHead& from, Arena& arena);

    // Forgets everything but the capacity of `fields`.
    void clear();

 private:
    std::array<uint16_t, static_cast<size_t>(Header::count)> first_{};  // index + 1; 0: absent
};

// The Header of a field name in any case. REQUIRES: `name` is a token (RFC 9110 section 5.6.2).
Header recognise_header(std::string_view name);

// The usual spelling, such as "Content-Length"; empty for Header::other.
std::string_view header_name(Header id);

// Methods are case-sensitive (RFC 9110 section 9.1).
Method recognise_method(std::string_view token);

}  // namespace ringx::http
