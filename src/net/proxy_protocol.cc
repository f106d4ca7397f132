#include "net/proxy_protocol.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "base/format.h"

namespace ringx {
namespace {

using Kind = ProxyProgress::Kind;

constexpr std::string_view signature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::string_view text_begin = "PROXY ";
constexpr size_t line_bytes_max = 107;  // of version 1, as its specification computes it

bool may_begin(std::string_view bytes, std::string_view with) {
    size_t common = std::min(bytes.size(), with.size());
    return bytes.substr(0, common) == with.substr(0, common);
}

ProxyProgress broken(std::string fault) {
    ProxyProgress progress;
    progress.kind = Kind::broken;
    progress.fault = std::move(fault);
    return progress;
}

ProxyProgress broken_line(std::string_view bytes) {
    return broken(text::format("broken header: \"{}\"", bytes.substr(0, bytes.find_first_of("\r\n"))));
}

ProxyProgress complete(size_t bytes, std::optional<ProxyHeader> header) {
    ProxyProgress progress;
    progress.kind = Kind::complete;
    progress.bytes = bytes;
    progress.header = std::move(header);
    return progress;
}

// Takes what stands before the next blank.
std::string_view take_word(std::string_view& line) {
    size_t end = std::min(line.find(' '), line.size());
    std::string_view word = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    return word;
}

bool is_address(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789abcdefABCDEF.:") == text.npos;
}

bool read_port(std::string_view text, uint16_t& port) {
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc() && end == text.data() + text.size();
}

ProxyProgress parse_text(std::string_view bytes) {
    size_t line_end = bytes.substr(0, line_bytes_max).find('\n');
    if (line_end == bytes.npos) return bytes.size() < line_bytes_max ? ProxyProgress() : broken_line(bytes);
    std::string_view line = bytes.substr(0, line_end);
    if (!line.ends_with('\r')) return broken_line(bytes);
    line.remove_suffix(1);
    line.remove_prefix(text_begin.size());
    if (line.starts_with("UNKNOWN")) return complete(line_end + 1, std::nullopt);

    std::string_view family = take_word(line);
    ProxyHeader header;
    header.address = take_word(line);
    header.server_address = take_word(line);
    bool good = (family == "TCP4" || family == "TCP6") && is_address(header.address) &&
                is_address(header.server_address) && read_port(take_word(line), header.port) &&
                read_port(line, header.server_port);
    return good ? complete(line_end + 1, std::move(header)) : broken_line(bytes);
}

uint16_t number_at(std::string_view bytes, size_t at) {
    auto high = static_cast<unsigned char>(bytes[at]), low = static_cast<unsigned char>(bytes[at + 1]);
    return static_cast<uint16_t>(high << 8 | low);
}

ProxyProgress parse_binary(std::string_view bytes) {
    constexpr size_t fixed_bytes = 16;
    if (bytes.size() < fixed_bytes) return {};
    unsigned version = static_cast<unsigned char>(bytes[12]) >> 4, command = bytes[12] & 15;
    unsigned family = static_cast<unsigned char>(bytes[13]) >> 4, transport = bytes[13] & 15;
    if (version != 2) return broken(text::format("unknown PROXY protocol version: {}", version));
    size_t size = fixed_bytes + number_at(bytes, 14);
    if (size > proxy_header_bytes_max) return broken("header is too large");
    if (bytes.size() < size) return {};

    // Only proxied TCP over IP has a client to tell of.
    constexpr unsigned proxied = 1, stream = 1, ipv4 = 1, ipv6 = 2;
    if (command != proxied || transport != stream || (family != ipv4 && family != ipv6)) {
        return complete(size, std::nullopt);
    }
    std::string_view rest = bytes.substr(fixed_bytes, size - fixed_bytes);
    size_t address_bytes = family == ipv4 ? 4 : 16;
    if (rest.size() < 2 * address_bytes + 4) return broken("header is too short");
    auto print = [&](size_t at) {
        std::array<char, INET6_ADDRSTRLEN> text{};
        return std::string(inet_ntop(family == ipv4 ? AF_INET : AF_INET6, rest.data() + at, text.data(), text.size()));
    };
    return complete(size, ProxyHeader{.address = print(0),
                                      .server_address = print(address_bytes),
                                      .port = number_at(rest, 2 * address_bytes),
                                      .server_port = number_at(rest, 2 * address_bytes + 2),
                                      .tlvs = std::string(rest.substr(2 * address_bytes + 4))});
}

struct TlvName {
    std::string_view name;
    uint8_t type;
};
constexpr TlvName tlv_names[] = {{"alpn", 0x01}, {"authority", 0x02}, {"unique_id", 0x05}, {"ssl", 0x20},
                                 {"netns", 0x30}};
constexpr TlvName ssl_tlv_names[] = {{"version", 0x21}, {"cn", 0x22}, {"cipher", 0x23}, {"sig_alg", 0x24},
                                     {"key_alg", 0x25}};

std::optional<std::string_view> find_type(std::string_view tlvs, uint8_t type) {
    while (tlvs.size() >= 3) {
        size_t size = number_at(tlvs, 1);
        if (tlvs.size() - 3 < size) break;
        if (static_cast<uint8_t>(tlvs[0]) == type) return tlvs.substr(3, size);
        tlvs.remove_prefix(3 + size);
    }
    return std::nullopt;
}

std::optional<uint8_t> type_of(std::string_view name, std::span<const TlvName> names) {
    if (name.starts_with("0x")) {
        uint8_t type = 0;
        auto [end, error] = std::from_chars(name.data() + 2, name.data() + name.size(), type, 16);
        if (error == std::errc() && end == name.data() + name.size()) return type;
        return std::nullopt;
    }
    auto found = std::ranges::find(names, name, &TlvName::name);
    if (found == names.end()) return std::nullopt;
    return found->type;
}

}  // namespace

ProxyProgress parse_proxy_header(std::string_view bytes) {
    if (may_begin(bytes, signature)) return parse_binary(bytes);
    if (!may_begin(bytes, text_begin)) return broken_line(bytes);
    return bytes.size() < text_begin.size() ? ProxyProgress() : parse_text(bytes);
}

std::optional<std::string> find_tlv(std::string_view tlvs, std::string_view name) {
    constexpr std::string_view ssl = "ssl_";
    constexpr size_t ssl_fixed_bytes = 5;  // which parts are there, and the result of the verification
    std::span<const TlvName> names = tlv_names;
    if (name.starts_with(ssl)) {
        auto outer = find_type(tlvs, 0x20);
        if (!outer || outer->size() < ssl_fixed_bytes) return std::nullopt;
        name.remove_prefix(ssl.size());
        if (name == "verify") return text::format("{}", uint32_t{number_at(*outer, 1)} << 16 | number_at(*outer, 3));
        tlvs = outer->substr(ssl_fixed_bytes);
        names = ssl_tlv_names;
    }
    auto type = type_of(name, names);
    auto value = type ? find_type(tlvs, *type) : std::nullopt;
    if (!value) return std::nullopt;
    return std::string(*value);
}

}  // namespace ringx
