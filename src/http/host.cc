#include "http/host.h"

#include "http/text.h"

namespace ringx::http {

namespace {

// unreserved, sub-delims and '%' of RFC 3986; the hexadecimal digits after '%' are checked apart.
constexpr ByteSet name_bytes([](char c) { return is_digit(c) || is_alpha(c) || contains("-._~!$&'()*+,;=%", c); });

constexpr ByteSet literal_bytes([](char c) { return name_bytes[c] ? c != '%' : c == ':'; });

// Letters, digits and so on that need no second look: most of what names are made of.
constexpr ByteSet plain_bytes([](char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '_'; });

// A registered name or an IPv4 address.
bool is_name(std::string_view text, bool& is_lower) {
    if (text.empty() || text == ".") return false;
    for (size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (plain_bytes[c]) [[likely]] continue;
        if (c == '.' && i + 1 < text.size() && text[i + 1] != '.') continue;
        if (!name_bytes[c]) return false;
        if (c >= 'A' && c <= 'Z') is_lower = false;
        // An empty label cannot be looked up anywhere, and has been used to slip past name checks.
        if (c == '.' && i + 1 < text.size() && text[i + 1] == '.') return false;
        if (c != '%') continue;
        if (i + 2 >= text.size() || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0) return false;
    }
    return true;
}

// What stands between brackets: an IPv6 address, loosely, or "v" and a future form. Whether the address makes sense
// does not matter: it is only ever compared.
bool is_literal(std::string_view text) {
    if (text.empty()) return false;
    bool is_future = to_lower(text[0]) == 'v';
    for (char c : text) {
        if (is_future ? !literal_bytes[c] : hex_value(c) < 0 && c != ':' && c != '.') return false;
    }
    return is_future || contains(text, ':');
}

bool is_port(std::string_view text) {
    unsigned port = 0;
    for (char c : text) {
        if (!is_digit(c)) return false;
        port = port * 10 + static_cast<unsigned>(c - '0');
        if (port > 65535) return false;
    }
    return true;
}

}  // namespace

std::optional<Host> parse_host(std::string_view text) {
    Host host;
    if (text.starts_with('[')) {
        size_t close = text.find(']');
        if (close == std::string_view::npos || !is_literal(text.substr(1, close - 1))) return std::nullopt;
        host.name = text.substr(0, close + 1);
        for (char c : host.name) {
            if (c >= 'A' && c <= 'Z') host.is_lower = false;
        }
    } else {
        host.name = text.substr(0, text.find(':'));
        if (!is_name(host.name, host.is_lower)) return std::nullopt;
    }
    std::string_view rest = text.substr(host.name.size());
    if (!rest.empty()) {
        host.port = rest.substr(1);
        if (rest[0] != ':' || !is_port(host.port)) return std::nullopt;
    }
    if (host.name.ends_with('.')) host.name.remove_suffix(1);
    return host;
}

std::string_view lower_host(const Host& host, std::string& storage) {
    if (host.is_lower) return host.name;
    storage.assign(host.name);
    for (char& c : storage) c = to_lower(c);
    return storage;
}

}  // namespace ringx::http
