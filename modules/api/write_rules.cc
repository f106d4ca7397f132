#include "modules/api/write_rules.h"

#include <arpa/inet.h>

#include <algorithm>
#include <string>

#include "http/text.h"

namespace ringx::http::api {
namespace {

// Browsers leave out the usual port in both fields (RFC 6454 section 6.2).
bool is_same(const Host& one, const Host& other) {
    return equals_ignore_case(one.name, other.name) && one.port == other.port;
}

}  // namespace

bool is_cross_site(const RequestHead& head) {
    const Field* site = head.find("Sec-Fetch-Site");
    if (site != nullptr && site->value != "same-origin" && site->value != "none") return true;
    const Field* origin = head.find(Header::origin);
    if (origin == nullptr) return false;
    size_t scheme_end = origin->value.find("://");
    if (scheme_end == origin->value.npos) return true;  // "null": a page that has none to be told
    auto host = parse_host(origin->value.substr(scheme_end + 3));
    return !host || !is_same(*host, head.host);
}

bool is_strange_name(const RequestHead& head, std::span<const ServerName> names) {
    if (head.find(Header::origin) == nullptr && head.find("Sec-Fetch-Site") == nullptr) return false;
    std::string storage;
    std::string host(lower_host(head.host, storage));
    in_addr address;
    if (host.starts_with('[') || inet_pton(AF_INET, host.c_str(), &address) == 1) return false;
    if (host == "localhost" || host.ends_with(".localhost")) return false;
    return std::ranges::none_of(names, [&host](const ServerName& name) { return name.matches(host); });
}

bool is_json(std::string_view content_type) {
    return equals_ignore_case(trim(content_type.substr(0, content_type.find(';'))), "application/json");
}

}  // namespace ringx::http::api
