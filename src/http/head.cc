#include "http/head.h"

#include <memory>

#include "http/name_words.h"
#include "http/text.h"

namespace ringx::http {

namespace {

constexpr std::array<std::string_view, static_cast<size_t>(Header::count)> header_names = {
    "", "Host", "Connection", "Content-Length", "Transfer-Encoding", "Expect", "Range", "If-Range", "If-Match",
    "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "User-Agent", "Referer", "Accept-Encoding", "Accept",
    "Accept-Language", "Authorization", "Cookie", "Content-Type", "Content-Range", "Upgrade", "Via", "TE", "Trailer",
    "X-Forwarded-For", "X-Real-IP", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "Keep-Alive", "Date",
    "Depth", "Destination", "Overwrite", "Origin", "Cache-Control", "Pragma", "Proxy-Connection",
};

// In words whose number is known, where the name is.
template <size_t N>
bool is(const char* name, const char (&lower)[N]) {
    return is_token(name, lower, N - 1);
}

Header of_10_bytes(const char* name) {
    if (is(name, "user-agent")) return Header::user_agent;
    if (is(name, "connection")) return Header::connection;
    if (is(name, "keep-alive")) return Header::keep_alive;
    return Header::other;
}

Header of_13_bytes(const char* name) {
    if (is(name, "cache-control")) return Header::cache_control;
    if (is(name, "if-none-match")) return Header::if_none_match;
    if (is(name, "authorization")) return Header::authorization;
    if (is(name, "content-range")) return Header::content_range;
    return Header::other;
}

Header of_6_bytes(const char* name) {
    if (is(name, "accept")) return Header::accept;
    if (is(name, "cookie")) return Header::cookie;
    if (is(name, "origin")) return Header::origin;
    if (is(name, "pragma")) return Header::pragma;
    if (is(name, "expect")) return Header::expect;
    return Header::other;
}

Header of_7_bytes(const char* name) {
    if (is(name, "referer")) return Header::referer;
    if (is(name, "upgrade")) return Header::upgrade;
    if (is(name, "trailer")) return Header::trailer;
    return Header::other;
}

Header of_15_bytes(const char* name) {
    if (is(name, "accept-encoding")) return Header::accept_encoding;
    if (is(name, "accept-language")) return Header::accept_language;
    if (is(name, "x-forwarded-for")) return Header::x_forwarded_for;
    return Header::other;
}

Header of_17_bytes(const char* name) {
    if (is(name, "if-modified-since")) return Header::if_modified_since;
    if (is(name, "transfer-encoding")) return Header::transfer_encoding;
    if (is(name, "x-forwarded-proto")) return Header::x_forwarded_proto;
    return Header::other;
}

Header of_9_bytes(const char* name) {
    if (is(name, "x-real-ip")) return Header::x_real_ip;
    if (is(name, "forwarded")) return Header::forwarded;
    if (is(name, "overwrite")) return Header::overwrite;
    return Header::other;
}

Header of_5_bytes(const char* name) {
    if (is(name, "range")) return Header::range;
    return is(name, "depth") ? Header::depth : Header::other;
}

Header of_16_bytes(const char* name) {
    if (is(name, "x-forwarded-host")) return Header::x_forwarded_host;
    return is(name, "proxy-connection") ? Header::proxy_connection : Header::other;
}

}  // namespace

Header recognise_header(std::string_view name) {
    const char* at = name.data();
    switch (name.size()) {
        case 2: return is(at, "te") ? Header::te : Header::other;
        case 3: return is(at, "via") ? Header::via : Header::other;
        case 4: return is(at, "host") ? Header::host : is(at, "date") ? Header::date : Header::other;
        case 5: return of_5_bytes(at);
        case 6: return of_6_bytes(at);
        case 7: return of_7_bytes(at);
        case 8: return is(at, "if-range") ? Header::if_range : is(at, "if-match") ? Header::if_match : Header::other;
        case 9: return of_9_bytes(at);
        case 10: return of_10_bytes(at);
        case 11: return is(at, "destination") ? Header::destination : Header::other;
        case 12: return is(at, "content-type") ? Header::content_type : Header::other;
        case 13: return of_13_bytes(at);
        case 14: return is(at, "content-length") ? Header::content_length : Header::other;
        case 15: return of_15_bytes(at);
        case 16: return of_16_bytes(at);
        case 17: return of_17_bytes(at);
        case 19: return is(at, "if-unmodified-since") ? Header::if_unmodified_since : Header::other;
        default: return Header::other;
    }
}

std::string_view header_name(Header id) { return header_names[static_cast<size_t>(id)]; }

Method recognise_method(std::string_view token) {
    switch (token.size()) {
        case 3: return token == "GET" ? Method::get : token == "PUT" ? Method::put : Method::other;
        case 4:
            if (token == "HEAD") return Method::head;
            if (token == "POST") return Method::post;
            if (token == "COPY") return Method::copy;
            if (token == "MOVE") return Method::move;
            return token == "LOCK" ? Method::lock : Method::other;
        case 5:
            if (token == "MKCOL") return Method::mkcol;
            if (token == "PATCH") return Method::patch;
            return token == "TRACE" ? Method::trace : Method::other;
        case 6: return token == "DELETE" ? Method::delete_ : token == "UNLOCK" ? Method::unlock : Method::other;
        case 7: return token == "OPTIONS" ? Method::options : token == "CONNECT" ? Method::connect : Method::other;
        case 8: return token == "PROPFIND" ? Method::propfind : Method::other;
        case 9: return token == "PROPPATCH" ? Method::proppatch : Method::other;
        default: return Method::other;
    }
}

const Field* RequestHead::find(std::string_view name) const {
    for (const Field& field : fields) {
        if (equals_ignore_case(field.name, name)) return &field;
    }
    return nullptr;
}

void RequestHead::copy(const RequestHead& from, Arena& arena) {
    *this = from;
    for (std::string_view* text : {&request_line, &method_text, &target, &uri, &path, &query, &scheme, &authority,
                                   &host.name, &host.port}) {
        *text = arena.copy(*text);
    }
    for (Field& field : fields) {
        field.name = arena.copy(field.name);
        field.value = arena.copy(field.value);
    }
}

void RequestHead::clear() {
    // Everything but the fields is plain data: in place, a new head is a few stores.
    std::vector<Field> kept = std::move(fields);
    std::destroy_at(this);
    std::construct_at(this);
    fields = std::move(kept);
    fields.clear();
}

}  // namespace ringx::http
