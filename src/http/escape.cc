#include "http/escape.h"

#include "http/text.h"

namespace ringx::http {

namespace {

constexpr char upper_hex[] = "0123456789ABCDEF";

constexpr bool is_outside_ascii_text(char c) {
    return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f;
}

constexpr ByteSet html_special([](char c) { return contains("<>&\"", c); });
constexpr ByteSet json_special([](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; });
constexpr ByteSet log_special([](char c) { return is_outside_ascii_text(c) || c == '"' || c == '\\'; });

// nginx's sets, kept byte for byte so that redirects and proxied requests look the same.
constexpr ByteSet path_special([](char c) { return is_outside_ascii_text(c) || contains(" \"#%<>?\\^`{|}", c); });
constexpr ByteSet args_special([](char c) { return path_special[c] || contains("&+;", c); });
constexpr ByteSet component_special([](char c) { return !(is_digit(c) || is_alpha(c) || contains("-._~", c)); });

const char* find_special(const char* at, const char* end, const ByteSet& special) {
    while (at != end && !special[*at]) ++at;
    return at;
}

#ifdef __SSE2__
__m128i load(const char* at) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)); }

__m128i quotes_and_backslashes(__m128i bytes) {
    return _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
}
#endif

// Lines of access logs are scanned as they are written, so these two look at sixteen bytes at a time.
const char* find_log_special(const char* at, const char* end) {
#ifdef __SSE2__
    for (; end - at >= 16; at += 16) {
        __m128i bytes = load(at);
        // As signed numbers, those above 0x7F are below the space like control characters.
        __m128i low = _mm_cmplt_epi8(bytes, _mm_set1_epi8(' '));
        __m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
        int mask = _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(low, del), quotes_and_backslashes(bytes)));
        if (mask != 0) return at + __builtin_ctz(static_cast<unsigned>(mask));
    }
#endif
    return find_special(at, end, log_special);
}

const char* find_json_special(const char* at, const char* end) {
#ifdef __SSE2__
    const __m128i last_control = _mm_set1_epi8(0x1f);
    for (; end - at >= 16; at += 16) {
        __m128i bytes = load(at);
        __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes);
        int mask = _mm_movemask_epi8(_mm_or_si128(control, quotes_and_backslashes(bytes)));
        if (mask != 0) return at + __builtin_ctz(static_cast<unsigned>(mask));
    }
#endif
    return find_special(at, end, json_special);
}

// Appends runs of usual bytes whole, and what `write` makes of those that `find` finds.
template <typename Find, typename Write>
void escape_found(std::string_view text, std::string& out, Find find, Write write) {
    const char* at = text.data();
    const char* end = at + text.size();
    for (;;) {
        const char* special = find(at, end);
        out.append(at, special);
        if (special == end) return;
        write(*special, out);
        at = special + 1;
    }
}

template <typename Write>
void escape(std::string_view text, const ByteSet& special, std::string& out, Write write) {
    auto find = [&](const char* at, const char* end) { return find_special(at, end, special); };
    escape_found(text, out, find, write);
}

void append_hex(char c, std::string& out) {
    auto byte = static_cast<unsigned char>(c);
    out.push_back(upper_hex[byte >> 4]);
    out.push_back(upper_hex[byte & 15]);
}

void write_html(char c, std::string& out) {
    switch (c) {
        case '<': out.append("&lt;"); break;
        case '>': out.append("&gt;"); break;
        case '&': out.append("&amp;"); break;
        default: out.append("&quot;"); break;
    }
}

void write_json(char c, std::string& out) {
    out.push_back('\\');
    switch (c) {
        case '\n': out.push_back('n'); break;
        case '\r': out.push_back('r'); break;
        case '\t': out.push_back('t'); break;
        case '\b': out.push_back('b'); break;
        case '\f': out.push_back('f'); break;
        case '"':
        case '\\': out.push_back(c); break;
        default:
            out.append("u00");
            append_hex(c, out);
    }
}

void write_log(char c, std::string& out) {
    out.append("\\x");
    append_hex(c, out);
}

void write_uri(char c, std::string& out) {
    out.push_back('%');
    append_hex(c, out);
}

}  // namespace

void escape_html(std::string_view text, std::string& out) { escape(text, html_special, out, write_html); }

void escape_json(std::string_view text, std::string& out) {
    escape_found(text, out, find_json_special, write_json);
}

void escape_log(std::string_view text, std::string& out) {
    escape_found(text, out, find_log_special, write_log);
}

void escape_uri(std::string_view text, UriPart part, std::string& out) {
    switch (part) {
        case UriPart::path: escape(text, path_special, out, write_uri); break;
        case UriPart::args: escape(text, args_special, out, write_uri); break;
        case UriPart::component: escape(text, component_special, out, write_uri); break;
    }
}

void unescape_uri(std::string_view text, std::string& out) {
    for (size_t at = 0; at < text.size(); ++at) {
        int high = -1;
        int low = -1;
        if (text[at] == '%' && text.size() - at > 2) {
            high = hex_value(text[at + 1]);
            low = hex_value(text[at + 2]);
        }
        if (high < 0 || low < 0) {
            out.push_back(text[at]);
            continue;
        }
        out.push_back(static_cast<char>(high * 16 + low));
        at += 2;
    }
}

}  // namespace ringx::http
