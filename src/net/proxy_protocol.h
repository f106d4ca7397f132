// net/proxy_protocol.h - the PROXY protocol: what a load balancer says about the client, before the client's bytes.
//
// Versions 1 (a line of text) and 2 (binary, with TLVs) of HAProxy's proxy-protocol.txt. Bytes only: no I/O. A header
// may come in pieces; no more than header_bytes_max are ever waited for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ringx {

// Addresses are as the balancer wrote them (version 1), or printed (version 2).
struct ProxyHeader {
    std::string address, server_address;
    uint16_t port = 0, server_port = 0;
    std::string tlvs;  // as they came
};

inline constexpr size_t proxy_header_bytes_max = 4096;

struct ProxyProgress {
    enum class Kind : uint8_t { need_more, complete, broken } kind = Kind::need_more;
    size_t bytes = 0;                   // complete: of the header
    std::optional<ProxyHeader> header;  // complete: nothing when it does not tell (UNKNOWN, LOCAL, not TCP over IP)
    std::string fault = {};             // broken: nginx's sentence
};

ProxyProgress parse_proxy_header(std::string_view bytes);

// The value of the TLV that nginx's variables call `name`: "alpn", "ssl_cn", "0xe0" … in its bytes; nothing when the
// header has none. Of ssl_verify the number, as text.
std::optional<std::string> find_tlv(std::string_view tlvs, std::string_view name);

}  // namespace ringx
