// http/upstream_head.h - bytes become the head of an HTTP/1.x response from upstream, or a reason why they are none.
//
// Strict in all that decides where the response ends (RFC 9112 sections 2.2, 4, 5, 6.3): a proxy that guesses would
// give one client what was meant for another. Lines may end in LF alone, as of many an old application. Nothing is
// folded, nothing stands before a colon, and the body is framed in one way or the response is refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "http/head.h"

namespace ringx::http {

// Fields of a response that a proxy acts upon, or that have a place of their own in Response.
enum class UpstreamField : uint8_t {
    other, accept_ranges, cache_control, connection, content_encoding, content_length, content_type, date, etag,
    expires, keep_alive, last_modified, link, location, proxy_authenticate, proxy_authentication_info,
    proxy_connection, refresh, server, set_cookie, status, te, trailer, transfer_encoding, upgrade, vary,
    www_authenticate, x_accel_buffering, x_accel_charset, x_accel_expires, x_accel_limit_rate, x_accel_redirect, count,
};

// REQUIRES: there is no CR in `name`.
UpstreamField recognise_upstream_field(std::string_view name);

// Every string_view points into the bytes that were parsed.
struct UpstreamHead {
    struct Field {
        std::string_view name;   // as received
        std::string_view value;  // without the white space around it
        UpstreamField id = UpstreamField::other;
        bool hop_by_hop = false;  // it ends here: by its nature, or because Connection names it
    };
    // How the end of the body is known.
    enum class Framing : uint8_t { none, length, chunked, until_close };

    uint16_t status = 0;  // 100 to 999
    std::string_view reason;
    uint8_t minor_version = 0;  // the x of HTTP/1.x
    bool keep_alive = false;    // what the version and Connection say
    Framing framing = Framing::none;
    uint64_t content_length = 0;     // of the field, also where there is no body; at most INT64_MAX
    bool has_content_length = false;
    std::vector<Field> fields;       // in order of arrival

    bool is_interim() const { return status < 200 && status != 101; }
    const Field* find(UpstreamField id) const;
    void add(const Field& field) {
        fields.push_back(field);
        ids_ |= bit(field.id);
    }
    // In any case.
    const Field* find(std::string_view name) const;
    // The bytes it was read from are so many bytes further on now.
    void move_text(ptrdiff_t by);
    void clear();

 private:
    static_assert(static_cast<unsigned>(UpstreamField::count) <= 64);
    static constexpr uint64_t bit(UpstreamField id) { return uint64_t{1} << static_cast<unsigned>(id); }

    uint64_t ids_ = 0;  // those there are, by bit
};

class UpstreamHeadParser {
 public:
    struct Limits {
        uint32_t head_bytes_max = 4096;  // proxy_buffer_size
        uint16_t fields_max = 1000;
    };
    struct Progress {
        enum class Kind : uint8_t { need_more, done, bad };
        Kind kind = Kind::need_more;
        uint32_t head_bytes = 0;  // of a done head: the body or the next head begins there
        const char* reason = "";  // of a bad head, as nginx's error log words it
        std::string_view detail;  // the text at fault; may be empty
    };

    // Reads on in `bytes`, which hold all that was received from the first byte of this head on: each call sees the
    // bytes of the last one, at the same address, and possibly more. `method` is that of the request.
    Progress parse(std::string_view bytes, Method method, UpstreamHead& head, const Limits& limits);

    // Begins anew: for the next head, or because the bytes moved to another address.
    void restart() { *this = UpstreamHeadParser(); }

 private:
    bool read_status_line(std::string_view line, UpstreamHead& head);
    bool read_field(std::string_view line, UpstreamHead& head);
    bool finish(Method method, UpstreamHead& head);
    bool refuse(const char* reason, std::string_view detail = {});

    uint32_t line_start_ = 0;  // of the first incomplete line
    uint32_t scanned_ = 0;     // bytes from the start of the head known to hold no line end
    bool past_status_line_ = false;
    Progress progress_;
};

}  // namespace ringx::http
