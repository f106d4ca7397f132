#include "http/uri.h"

#include "http/text.h"

namespace ringx::http {

namespace {

// Bytes of a path that split_target() must look at; the rest is passed over.
constexpr ByteSet notable_bytes([](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || contains("/?#%", c);
});

// Bytes that may not stand in a target at all, and the '#' that ends it.
constexpr ByteSet query_ends([](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '#'; });

bool has_forbidden(std::string_view text) {
    for (char c : text) {
        if (query_ends[c] && c != '#') return true;
    }
    return false;
}

// Reads one byte of a path, decoding it if it is encoded. False if the encoding is broken or hides a zero byte.
bool take_byte(std::string_view raw, size_t& at, char& byte) {
    byte = raw[at++];
    if (byte != '%') return byte != '\0';
    if (raw.size() - at < 2) return false;
    int high = hex_value(raw[at]);
    int low = hex_value(raw[at + 1]);
    if (high < 0 || low < 0) return false;
    at += 2;
    byte = static_cast<char>(high * 16 + low);
    return byte != '\0';
}

}  // namespace

std::optional<PathAndQuery> split_target(std::string_view target) {
    if (!target.empty() && !contains("/?#", target[0])) return std::nullopt;
    PathAndQuery parts;
    parts.path_is_plain = true;
    size_t at = 0;
    for (; at < target.size(); ++at) {
        char c = target[at];
        if (!notable_bytes[c]) continue;
        if (c == '/') {
            if (at + 1 < target.size() && (target[at + 1] == '/' || target[at + 1] == '.')) parts.path_is_plain = false;
        } else if (c == '%') {
            parts.path_is_plain = false;
        } else {
            break;
        }
    }
    parts.path = target.substr(0, at);
    if (at == target.size()) return parts;

    if (target[at] == '?') {
        size_t begin = ++at;
        while (at < target.size() && !query_ends[target[at]]) ++at;
        parts.has_query = true;
        parts.query = target.substr(begin, at - begin);
    }
    if (has_forbidden(target.substr(at))) return std::nullopt;
    return parts;
}

// A segment is written as it is read, and judged at its end: "." is taken back, ".." is taken back with the segment
// before it. `out[0]` is always the root's slash, so the search for the previous slash needs no bound of its own.
std::optional<std::string_view> normalise_path(std::string_view raw, bool merge_slashes, char* out) {
    size_t at = 0;
    size_t size = 0;
    size_t segment = 0;  // where in `out` the current segment begins, after its slash
    while (at <= raw.size()) {
        char byte = '/';
        bool is_end = at == raw.size();
        if (is_end) {
            ++at;
        } else if (!take_byte(raw, at, byte)) {
            return std::nullopt;
        }
        if (size == 0) {
            if (is_end || byte != '/') return std::nullopt;
            out[size++] = '/';
            segment = 1;
            continue;
        }
        if (byte != '/') {
            out[size++] = byte;
            continue;
        }

        std::string_view name(out + segment, size - segment);
        if (name == ".") {
            size = segment;
        } else if (name == "..") {
            if (segment == 1) return std::nullopt;
            size = segment - 1;
            while (out[size - 1] != '/') --size;
            segment = size;
        } else if (!is_end && !(name.empty() && merge_slashes)) {
            out[size++] = '/';
            segment = size;
        }
    }
    return std::string_view(out, size);
}

bool normalise_path(std::string_view raw, bool merge_slashes, std::string& out) {
    out.resize(raw.size());
    auto path = normalise_path(raw, merge_slashes, out.data());
    out.resize(path ? path->size() : 0);
    return path.has_value();
}

}  // namespace ringx::http
