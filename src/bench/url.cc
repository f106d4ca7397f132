#include "bench/url.h"

#include <algorithm>
#include <charconv>

#include "base/format.h"
#include "http/host.h"

namespace ringx::bench {
namespace {

constexpr uint16_t default_port(bool tls) { return tls ? 443 : 80; }

bool is_visible(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) > ' ' && c != 0x7f; });
}

}  // namespace

std::expected<Url, std::string> Url::parse(std::string_view text) {
    auto wrong = [text](std::string_view why) {
        return std::unexpected(text::format("\"{}\" is no URL to ask for: {}", text, why));
    };
    Url url;
    std::string_view rest = text;
    if (rest.starts_with("https://")) url.tls = true;
    else if (!rest.starts_with("http://")) return wrong("it does not begin with http:// or https://");
    if (!is_visible(text)) return wrong("spaces and control characters are to be written as %20 and the like");
    rest.remove_prefix(url.tls ? 8 : 7);
    rest = rest.substr(0, rest.find('#'));
    size_t end = std::min(rest.find_first_of("/?"), rest.size());
    std::string_view authority = rest.substr(0, end);
    if (authority.find('@') != authority.npos) return wrong("a name and password go into a header");
    auto host = http::parse_host(authority);
    if (!host || host->name.empty()) return wrong("the host is not valid");
    url.host = host->name;
    url.port = default_port(url.tls);
    if (!host->port.empty()) {
        std::from_chars(host->port.data(), host->port.data() + host->port.size(), url.port);
        if (url.port == 0) return wrong("the port is not valid");
    }
    url.target = rest.substr(end);
    if (!url.target.starts_with('/')) url.target.insert(0, "/");
    return url;
}

std::string Url::authority() const {
    return port == default_port(tls) ? host : text::format("{}:{}", host, port);
}

std::string Url::text() const { return text::format("{}://{}{}", tls ? "https" : "http", authority(), target); }

}  // namespace ringx::bench
