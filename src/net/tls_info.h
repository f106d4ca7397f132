// net/tls_info.h - what a handshake has settled, for as long as the connection lasts.
//
// OpenSSL's own object is gone by then (net/tls), so what variables and judges want to know is copied here.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "net/client_ocsp.h"
#include "net/openssl.h"

namespace ringx {

// What the client could have done, as texts for people, with colons between.
struct TlsOffer {
    std::string ciphers;
    std::string curves;
    std::string signatures;

    static TlsOffer of(SSL* ssl);
};

struct TlsInfo {
    const char* protocol = "";  // these texts last for ever
    const char* cipher = "";
    int version = 0;
    int group = NID_undef;             // of the key exchange, as OpenSSL numbers it
    int signature = NID_undef;         // NIDs
    int client_signature = NID_undef;
    bool is_resumed = false;
    std::string session_id;
    std::string alpn;
    std::string server_name;           // whom the client asked for, in its words; empty: nobody
    OwnedX509 client_certificate;      // null: it has shown none
    long verify_result = X509_V_OK;
    ClientFault client_fault = nullptr;  // what responders have against it; null: nothing
    std::unique_ptr<TlsOffer> offer;     // null: nobody asks

    static TlsInfo of(SSL* ssl, bool with_offer);
};

// "X25519", or 0x… where OpenSSL has no name.
std::string group_name(int group);

}  // namespace ringx
