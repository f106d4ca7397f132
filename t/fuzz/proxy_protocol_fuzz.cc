// t/fuzz/proxy_protocol_fuzz.cc - headers of the PROXY protocol: every beginning of one asks for more.
//
// The input is what a peer sends first. However it is cut, the outcome is that of the whole; a header that is complete
// lies inside the input; its TLVs can be searched for anything.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "net/proxy_protocol.h"

using namespace ringx;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using Kind = ProxyProgress::Kind;
    std::string_view bytes(reinterpret_cast<const char*>(data), size);
    ProxyProgress whole = parse_proxy_header(bytes);
    CHECK(whole.kind != Kind::complete || (whole.bytes > 0 && whole.bytes <= size));
    CHECK(whole.kind != Kind::complete || whole.bytes <= proxy_header_bytes_max);
    CHECK(whole.kind != Kind::need_more || size < proxy_header_bytes_max);
    CHECK((whole.kind == Kind::broken) == !whole.fault.empty());
    for (size_t length = 0; length < size; ++length) {
        ProxyProgress part = parse_proxy_header(bytes.substr(0, length));
        if (part.kind == Kind::need_more) continue;
        CHECK(part.kind == whole.kind && part.bytes == whole.bytes);
        CHECK(part.kind == Kind::broken || length >= part.bytes);
    }
    if (!whole.header) return 0;
    CHECK(!whole.header->address.empty() && !whole.header->server_address.empty());
    for (auto name : {"alpn", "ssl_cn", "ssl_verify", "0x01", "ssl_0x22", "0xzz", ""}) {
        auto value = find_tlv(whole.header->tlvs, name);
        CHECK(!value || value->size() <= 65535);
    }
    return 0;
}
