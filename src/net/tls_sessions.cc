// net/tls_sessions.cc - how sessions of a TlsContext are kept and resumed.
//
// A session is resumed only in the context it was made in: OpenSSL compares what set_sessions() gives it, wherever the
// session comes from. So servers may share caches and keys of tickets. The functions OpenSSL calls here run on whatever
// thread the handshake does: of what others use too they touch the context, which does not change, the zone, which has
// a lock, and the master's keys, which can be read at any time.
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <ctime>

#include "base/check.h"
#include "net/session_cache.h"
#include "net/tls.h"

namespace ringx {
namespace {

const TlsContext& context_of(const SSL_CTX* ctx) { return *static_cast<const TlsContext*>(SSL_CTX_get_app_data(ctx)); }

// --- the shared cache

SessionCache cache_of(const TlsContext& context) { return SessionCache(*context.session_zone()->memory); }

std::string_view view(const void* bytes, size_t size) { return {static_cast<const char*>(bytes), size}; }

std::string_view id_of(const SSL_SESSION* session) {
    unsigned int bytes = 0;
    const unsigned char* id = SSL_SESSION_get_id(session, &bytes);
    return view(id, bytes);
}

// The result of this one says whether the session itself was taken, which it never is.
int keep_session(SSL* ssl, SSL_SESSION* session) {
    // Also called when the client gets all of it in a ticket.
    bool has_ticket = SSL_version(ssl) == TLS1_3_VERSION && (SSL_get_options(ssl) & SSL_OP_NO_TICKET) == 0;
    if (has_ticket) return 0;
    int bytes = i2d_SSL_SESSION(session, nullptr);
    if (bytes <= 0 || bytes > static_cast<int>(SessionCache::session_bytes_max)) return 0;
    unsigned char storage[SessionCache::session_bytes_max];
    unsigned char* end = storage;
    i2d_SSL_SESSION(session, &end);
    int64_t now = time(nullptr);
    int64_t until = SSL_SESSION_get_time(session) + SSL_SESSION_get_timeout(session);
    SessionCache cache = cache_of(Tls::of(ssl).context());
    cache.keep(id_of(session), view(storage, static_cast<size_t>(bytes)), until, now);
    OPENSSL_cleanse(storage, sizeof storage);
    if (cache.repaired()) Tls::of(ssl).note_lost_sessions();
    return 0;
}

SSL_SESSION* find_session(SSL* ssl, const unsigned char* id, int id_bytes, int* is_shared) {
    *is_shared = 0;
    char storage[SessionCache::session_bytes_max];
    SessionCache cache = cache_of(Tls::of(ssl).context());
    std::string_view found = cache.find(view(id, static_cast<size_t>(id_bytes)), time(nullptr), storage);
    if (cache.repaired()) Tls::of(ssl).note_lost_sessions();
    if (found.empty()) return nullptr;
    auto* at = reinterpret_cast<const unsigned char*>(found.data());
    SSL_SESSION* session = d2i_SSL_SESSION(nullptr, &at, static_cast<long>(found.size()));
    OPENSSL_cleanse(storage, sizeof storage);
    return session;
}

// After a fatal alert (RFC 5246 section 7.2).
void forget_removed(SSL_CTX* ctx, SSL_SESSION* session) {
    std::string_view id = id_of(session);
    if (!id.empty()) cache_of(context_of(ctx)).forget(id);
}

// --- where sessions are resumed

// OpenSSL compares so many bytes.
struct Digest {
    unsigned char bytes[SHA256_DIGEST_LENGTH];
    static_assert(sizeof bytes <= SSL_MAX_SID_CTX_LENGTH);

    explicit Digest(std::string_view text) {
        SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), bytes);
    }
    std::string text() const { return std::string(view(bytes, sizeof bytes)); }
};

// --- tickets

enum Ticket : int { failed = -1, unknown = 0, good = 1, good_and_renewed = 2 };

bool sign_with(const TicketKey& key, EVP_MAC_CTX* mac) {
    char digest[] = "SHA256";
    OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                               OSSL_PARAM_construct_end()};
    return EVP_MAC_init(mac, key.hmac.data(), key.secret_bytes, parameters) == 1;
}

// Of EVP_aes_128_cbc() OpenSSL 3 looks for the implementation each time it is used. Null: there is none.
const EVP_CIPHER* cipher_of(const TicketKey& key) {
    static EVP_CIPHER* const aes_128 = EVP_CIPHER_fetch(nullptr, "AES-128-CBC", nullptr);
    static EVP_CIPHER* const aes_256 = EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);
    return key.secret_bytes == 32 ? aes_256 : aes_128;
}

Ticket encrypt_ticket(std::span<const TicketKey> keys, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                      EVP_MAC_CTX* mac) {
    if (keys.empty()) return unknown;
    const TicketKey& key = keys[0];
    std::ranges::copy(key.name, name);
    const EVP_CIPHER* type = cipher_of(key);
    if (type == nullptr) return failed;
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(type)) != 1) return failed;
    if (EVP_EncryptInit_ex(cipher, type, nullptr, key.aes.data(), iv) != 1) return failed;
    return sign_with(key, mac) ? good : failed;
}

Ticket decrypt_ticket(std::span<const TicketKey> keys, const unsigned char* name, const unsigned char* iv,
                      EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, bool is_tls_1_3) {
    std::span given(name, TicketKey::name_bytes);
    auto has_name = [given](const TicketKey& key) { return std::ranges::equal(key.name, given); };
    auto key = std::ranges::find_if(keys, has_name);
    if (key == keys.end()) return unknown;
    if (EVP_DecryptInit_ex(cipher, cipher_of(*key), nullptr, key->aes.data(), iv) != 1) return failed;
    if (!sign_with(*key, mac)) return failed;
    // In TLS 1.3 a ticket is best used once (RFC 8446 appendix C.4).
    return key != keys.begin() || is_tls_1_3 ? good_and_renewed : good;
}

int use_ticket_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                   int encrypts) {
    Tls& tls = Tls::of(ssl);
    TicketKeys::InForce of_master(tls.ticket_keys());
    std::span<const TicketKey> keys = tls.context().ticket_keys();
    if (keys.empty()) keys = of_master.keys();
    if (encrypts == 1) return encrypt_ticket(keys, name, iv, cipher, mac);
    return decrypt_ticket(keys, name, iv, cipher, mac, SSL_version(ssl) == TLS1_3_VERSION);
}

}  // namespace

void TlsContext::set_sessions(const TlsSettings& settings) {
    SSL_CTX* ctx = ctx_.get();
    SSL_CTX_set_app_data(ctx, this);
    Digest context(settings.session_context);
    session_context_ = context.text();
    CHECK(SSL_CTX_set_session_id_context(ctx, context.bytes, sizeof context.bytes) == 1);
    SSL_CTX_set_timeout(ctx, static_cast<long>(settings.session_seconds));
    set_session_store(settings.session_store);

    if (!settings.session_tickets) SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    using Kind = SessionStore::Kind;
    bool keeps = settings.session_store.kind == Kind::builtin || settings.session_store.kind == Kind::shared;
    // Otherwise a client of TLS 1.3 would get ids of sessions that nobody keeps.
    if (!settings.session_tickets && !keeps) SSL_CTX_set_num_tickets(ctx, 0);
    ticket_keys_ = settings.ticket_keys;
    SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, use_ticket_key);
}

void TlsContext::bind_sessions(SSL* ssl, std::string_view certificates) const {
    Digest context(session_context_ + std::string(certificates));
    CHECK(SSL_set_session_id_context(ssl, context.bytes, sizeof context.bytes) == 1);
}

void TlsContext::forget_session(int version, std::string_view id) const {
    OwnedSession like(SSL_SESSION_new());
    CHECK(like != nullptr);
    bool is_one = SSL_SESSION_set_protocol_version(like.get(), version) == 1 &&
                  SSL_SESSION_set1_id(like.get(), reinterpret_cast<const unsigned char*>(id.data()),
                                      static_cast<unsigned int>(id.size())) == 1;
    if (is_one) SSL_CTX_remove_session(ctx_.get(), like.get());
}

void TlsContext::set_session_store(const SessionStore& store) {
    SSL_CTX* ctx = ctx_.get();
    constexpr long not_by_openssl = SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL | SSL_SESS_CACHE_NO_AUTO_CLEAR;
    switch (store.kind) {
        case SessionStore::Kind::off: SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); return;
        case SessionStore::Kind::none: SSL_CTX_set_session_cache_mode(ctx, not_by_openssl); return;
        case SessionStore::Kind::builtin:
            SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_SERVER);
            if (store.builtin_sessions_max >= 0) SSL_CTX_sess_set_cache_size(ctx, store.builtin_sessions_max);
            return;
        case SessionStore::Kind::shared:
            CHECK(store.zone != nullptr);
            session_zone_ = store.zone;
            SSL_CTX_set_session_cache_mode(ctx, not_by_openssl);
            SSL_CTX_sess_set_new_cb(ctx, keep_session);
            SSL_CTX_sess_set_get_cb(ctx, find_session);
            SSL_CTX_sess_set_remove_cb(ctx, forget_removed);
            return;
    }
}

}  // namespace ringx
