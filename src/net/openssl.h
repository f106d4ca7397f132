// net/openssl.h - OpenSSL's objects with owners, its queue of errors as text, and its bytes in memory.
//
// OpenSSL leaves what went wrong in a queue of the thread. take_openssl_errors() empties it into nginx's form; whoever
// does not care clears it, so that the next failure is not blamed for this one.
#pragma once

#include <openssl/bio.h>
#include <openssl/dh.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>

namespace ringx {

template <auto free>
struct FreedBy {
    template <typename T>
    void operator()(T* object) const {
        free(object);
    }
};

using OwnedBio = std::unique_ptr<BIO, FreedBy<BIO_free>>;
using OwnedKey = std::unique_ptr<EVP_PKEY, FreedBy<EVP_PKEY_free>>;
using OwnedSsl = std::unique_ptr<SSL, FreedBy<SSL_free>>;
using OwnedSslCtx = std::unique_ptr<SSL_CTX, FreedBy<SSL_CTX_free>>;
using OwnedSession = std::unique_ptr<SSL_SESSION, FreedBy<SSL_SESSION_free>>;
using OwnedX509 = std::unique_ptr<X509, FreedBy<X509_free>>;
using OwnedCrl = std::unique_ptr<X509_CRL, FreedBy<X509_CRL_free>>;

inline void free_chain(STACK_OF(X509) * chain) { sk_X509_pop_free(chain, X509_free); }
using OwnedChain = std::unique_ptr<STACK_OF(X509), FreedBy<free_chain>>;

// " (SSL: error:0A000102:SSL routines::unsupported protocol error:…)", oldest first; empty when there are none.
std::string take_openssl_errors();

// To read these bytes from. They must outlive it.
OwnedBio memory_bio(std::string_view bytes);

}  // namespace ringx
