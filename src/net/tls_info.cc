#include "net/tls_info.h"

#include "base/format.h"

namespace ringx {
namespace {

void add(std::string& list, std::string_view item) {
    if (!list.empty()) list += ':';
    list += item;
}

std::string ciphers_of(SSL* ssl) {
    const unsigned char* raw = nullptr;
    auto width = static_cast<size_t>(SSL_get0_raw_cipherlist(ssl, nullptr));
    auto bytes = static_cast<size_t>(SSL_get0_raw_cipherlist(ssl, &raw));
    std::string list;
    for (size_t at = 0; at + width <= bytes; at += width) {
        const SSL_CIPHER* known = SSL_CIPHER_find(ssl, raw + at);
        add(list, known != nullptr ? SSL_CIPHER_get_name(known)
                                   : text::format("0x{:02x}{:02x}", raw[at], raw[at + width - 1]));
    }
    return list;
}

std::string curves_of(SSL* ssl) {
    int count = static_cast<int>(SSL_get1_curves(ssl, nullptr));
    if (count <= 0) return {};
    std::vector<int> groups(static_cast<size_t>(count));
    SSL_get1_curves(ssl, groups.data());
    std::string list;
    for (int group : groups) add(list, group_name(group));
    return list;
}

std::string signature_name(int hash, int signature, int both, unsigned char raw_signature, unsigned char raw_hash) {
    if (both != NID_undef) return OBJ_nid2sn(both);
    bool is_known = hash != NID_undef && signature != NID_undef;
    if (is_known) return text::format("{}+{}", OBJ_nid2sn(signature), OBJ_nid2sn(hash));
    return text::format("0x{:02x}{:02x}", raw_hash, raw_signature);
}

std::string signatures_of(SSL* ssl) {
    int count = SSL_get_sigalgs(ssl, -1, nullptr, nullptr, nullptr, nullptr, nullptr);
    std::string list;
    for (int i = 0; i < count; ++i) {
        int hash = 0, signature = 0, both = 0;
        unsigned char raw_signature = 0, raw_hash = 0;
        SSL_get_sigalgs(ssl, i, &signature, &hash, &both, &raw_signature, &raw_hash);
        add(list, signature_name(hash, signature, both, raw_signature, raw_hash));
    }
    return list;
}

std::string view(const unsigned char* bytes, unsigned int size) { return {reinterpret_cast<const char*>(bytes), size}; }

}  // namespace

std::string group_name(int group) {
    if ((group & TLSEXT_nid_unknown) != 0) return text::format("0x{:04x}", group & 0xffff);
    return OBJ_nid2sn(group);
}

TlsOffer TlsOffer::of(SSL* ssl) { return {ciphers_of(ssl), curves_of(ssl), signatures_of(ssl)}; }

TlsInfo TlsInfo::of(SSL* ssl, bool with_offer) {
    TlsInfo info;
    info.protocol = SSL_get_version(ssl);
    info.cipher = SSL_get_cipher_name(ssl);
    info.version = SSL_version(ssl);
    info.group = static_cast<int>(SSL_get_negotiated_group(ssl));
    if (SSL_get_signature_type_nid(ssl, &info.signature) != 1) info.signature = NID_undef;
    if (SSL_get_peer_signature_type_nid(ssl, &info.client_signature) != 1) info.client_signature = NID_undef;
    info.is_resumed = SSL_session_reused(ssl) == 1;
    unsigned int bytes = 0;
    if (const SSL_SESSION* session = SSL_get0_session(ssl)) {
        const unsigned char* id = SSL_SESSION_get_id(session, &bytes);
        info.session_id = view(id, bytes);
    }
    const unsigned char* alpn = nullptr;
    SSL_get0_alpn_selected(ssl, &alpn, &bytes);
    info.alpn = view(alpn, bytes);
    if (const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)) info.server_name = name;
    info.client_certificate.reset(SSL_get1_peer_certificate(ssl));
    info.verify_result = SSL_get_verify_result(ssl);
    if (with_offer) info.offer = std::make_unique<TlsOffer>(TlsOffer::of(ssl));
    return info;
}

}  // namespace ringx
