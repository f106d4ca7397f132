#include "net/hash_ring.h"

#include <zlib.h>

#include <algorithm>
#include <utility>

#include "conf/value.h"

namespace ringx {
namespace {

// Where the digits after the last colon begin; the end when the name has no port.
size_t port_at(std::string_view name) {
    size_t at = name.find_last_not_of("0123456789");
    return at == name.npos || name[at] != ':' ? name.size() : at + 1;
}

}  // namespace

uint32_t crc32_of(uint32_t before, std::string_view text) {
    if (text.empty()) return before;  // zlib would begin anew
    return static_cast<uint32_t>(
        crc32(before, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size())));
}

void HashRing::add(uint32_t server, std::string_view name, uint32_t weight) {
    std::string_view host = name, port;
    if (conf::same_keyword(name.substr(0, 5), "unix:")) {
        host = name.substr(5);
    } else if (size_t at = port_at(name); at < name.size() || name.ends_with(':')) {
        host = name.substr(0, at - 1);
        port = name.substr(at);
    }
    uint32_t of_name = crc32_of(crc32_of(crc32_of(0, host), std::string_view("", 1)), port);
    uint32_t before = 0;
    for (size_t i = 0; i < weight * points_of_weight; ++i) {
        const char bytes[] = {static_cast<char>(before), static_cast<char>(before >> 8),
                              static_cast<char>(before >> 16), static_cast<char>(before >> 24)};
        before = crc32_of(of_name, {bytes, sizeof bytes});
        points_.push_back({before, server});
    }
}

void HashRing::complete() {
    std::ranges::sort(points_, {}, [](const Point& point) { return std::pair(point.hash, point.server); });
    auto repeated = std::ranges::unique(points_, {}, &Point::hash);
    points_.erase(repeated.begin(), repeated.end());
}

size_t HashRing::find(std::string_view key) const {
    auto point = std::ranges::lower_bound(points_, crc32_of(0, key), {}, &Point::hash);
    return static_cast<size_t>(point - points_.begin());
}

}  // namespace ringx
