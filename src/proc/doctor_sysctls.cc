#include "proc/doctor_sysctls.h"

#include <algorithm>
#include <charconv>

#include "base/format.h"

namespace ringx::proc {

namespace {

using Kind = SysctlAdvice::Kind;
using When = SysctlAdvice::When;

constexpr SysctlAdvice rows[] = {
    {"net.core.somaxconn", Kind::least, "4096", When::always,
     "connections that may wait to be accepted, at each address"},
    {"net.ipv4.tcp_max_syn_backlog", Kind::least, "4096", When::no_syn_cookies,
     "half-open connections, which are dropped beyond it where there are no SYN cookies"},
    {"net.core.netdev_max_backlog", Kind::least, "4096", When::packets_dropped,
     "received packets that may wait for a CPU; some were dropped"},
    {"net.ipv4.ip_local_port_range", Kind::range, "16384 65535", When::upstreams,
     "ports for connections to one address of an upstream server"},
    {"net.ipv4.tcp_tw_reuse", Kind::exact, "1", When::upstreams,
     "ports of connections that have ended serve again after a second, not a minute"},
    {"net.ipv4.tcp_rmem", Kind::last, "6291456", When::always,
     "how much of an upload may be under way, which bounds its rate over long distances"},
    {"net.ipv4.tcp_wmem", Kind::last, "4194304", When::always,
     "how much of a download may be under way, which bounds its rate over long distances"},
    {"fs.file-max", Kind::least, "1048576", When::always, "files and sockets of all processes together"},
    {"fs.nr_open", Kind::least, "1048576", When::always, "the highest limit of files and sockets of a process"},
};

// What other checks look at.
constexpr std::string_view others[] = {"kernel.io_uring_disabled", "net.ipv4.tcp_syncookies", "net.core.rmem_max",
                                       "net.core.wmem_max"};

std::vector<uint64_t> numbers_of(std::string_view text) {
    std::vector<uint64_t> numbers;
    const char* at = text.data();
    const char* end = at + text.size();
    while (at != end) {
        uint64_t number = 0;
        auto [rest, error] = std::from_chars(at, end, number);
        if (error != std::errc{}) return {};
        numbers.push_back(number);
        at = std::find_if(rest, end, [](char c) { return c != ' ' && c != '\t'; });
    }
    return numbers;
}

}  // namespace

std::span<const SysctlAdvice> sysctl_advice() { return rows; }

std::optional<std::string> better_value(const SysctlAdvice& advice, std::string_view current) {
    std::vector<uint64_t> is = numbers_of(current), wanted = numbers_of(advice.wanted);
    size_t expected = advice.kind == Kind::last ? 3 : wanted.size();
    if (is.size() != expected) return std::nullopt;  // a kernel that means something else by it
    std::vector<uint64_t> better = is;
    switch (advice.kind) {
        case Kind::least:
        case Kind::last: better.back() = std::max(is.back(), wanted.back()); break;
        case Kind::range: better = {std::min(is[0], wanted[0]), std::max(is[1], wanted[1])}; break;
        case Kind::exact: better = wanted; break;
    }
    if (better == is) return std::nullopt;
    std::string text;
    for (uint64_t number : better) text += text::format("{}{}", text.empty() ? "" : " ", number);
    return text;
}

std::vector<std::string_view> examined_sysctls() {
    std::vector<std::string_view> names(std::begin(others), std::end(others));
    for (const SysctlAdvice& row : rows) names.push_back(row.name);
    return names;
}

}  // namespace ringx::proc
