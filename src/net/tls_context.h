// net/tls_context.h - how a server speaks TLS: certificates, protocols, ciphers, whom it trusts.
//
// Made once from settings whose files have been read already, and then never changed: connections on any thread of the
// worker share it. What is wrong with the settings comes back as a sentence in nginx's words, for the configuration.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/client_ocsp.h"
#include "net/openssl.h"
#include "net/stapling.h"
#include "net/ticket_key.h"
#include "net/zones.h"

namespace ringx {

// A file of a setting: its name for messages, and what it holds.
struct TlsFile {
    std::string name;  // as it was configured, made absolute
    std::string_view bytes;
};

struct TlsCertificate {
    TlsFile chain;  // PEM: the certificate, then those that lead to a root
    TlsFile key;    // PEM
};

enum class TlsProtocol : uint8_t { sslv2, sslv3, tlsv1, tlsv1_1, tlsv1_2, tlsv1_3 };

enum class VerifyClient : uint8_t { off, on, optional, optional_no_ca };

// Where sessions are kept that clients have no tickets for.
struct SessionStore {
    enum class Kind : uint8_t {
        off,      // nowhere, and clients are told
        none,     // nowhere, and clients are not told: some like no server that says so
        builtin,  // by OpenSSL, in the process
        shared,   // in a zone
    };
    Kind kind = Kind::none;
    int64_t builtin_sessions_max = -1;  // 0: any number; -1: OpenSSL's default
    std::shared_ptr<const NamedZone> zone = {};
};

struct TlsSettings {
    std::vector<TlsCertificate> certificates;  // of different types of key
    std::vector<std::string_view> passwords;   // of the keys, tried in order
    bool reject_handshake = false;

    uint32_t protocols = 0;  // bits by TlsProtocol
    std::string_view ciphers;
    bool prefer_server_ciphers = false;
    std::string_view curves;  // "auto": OpenSSL's choice
    TlsFile dhparam;
    std::vector<std::pair<std::string_view, std::string_view>> commands;  // of ssl_conf_command

    VerifyClient verify = VerifyClient::off;
    int verify_depth = 1;
    TlsFile client_certificates;   // whom clients are told to be trusted
    TlsFile trusted_certificates;  // who is trusted beside
    TlsFile revoked;
    std::optional<ClientOcspRules> client_ocsp;

    bool stapling = false;
    TlsFile stapling_file;  // without it responders are asked
    StaplingRules stapling_rules;

    std::string session_context;  // sessions are resumed only where this is the same
    int64_t session_seconds = 300;
    bool session_tickets = true;
    std::vector<TicketKey> ticket_keys;  // the first encrypts; without any, the master's are used
    SessionStore session_store;
    bool early_data = false;
    enum class Elsewhere : uint8_t { never, when_slow, always } elsewhere = Elsewhere::when_slow;
    std::vector<std::string_view> alpn;  // what can be spoken, the best first
    uint32_t record_bytes_max = 0;       // 0: small records first, large ones when much is sent
    bool in_kernel = false;              // it seals records, if it can
    bool tells_offer = false;            // somebody asks what clients could have done
};

class TlsContext {
 public:
    static std::expected<std::shared_ptr<const TlsContext>, std::string> make(const TlsSettings& settings);

    SSL_CTX* ssl_ctx() const { return ctx_.get(); }
    VerifyClient verify() const { return verify_; }
    // Null: nobody is asked about clients.
    const ClientOcspRules* client_ocsp() const { return client_ocsp_ ? &*client_ocsp_ : nullptr; }
    bool early_data() const { return early_data_; }
    // Handshakes are better done on another thread: the loop would stand still for too long.
    bool is_slow() const { return is_slow_; }
    // Likewise when this is the key.
    bool is_slow_with(const EVP_PKEY* key) const;
    // A connection that shows other certificates than the context's resumes sessions only where these are shown.
    // REQUIRES: its handshake has not begun.
    void bind_sessions(SSL* ssl, std::string_view certificates) const;
    uint32_t record_bytes_max() const { return record_bytes_max_; }
    bool wants_kernel() const { return wants_kernel_; }
    bool tells_offer() const { return tells_offer_; }
    // Records are padded (RecordPadding of ssl_conf_command), as only OpenSSL does.
    bool pads_records() const { return pads_records_; }
    const std::vector<TicketKey>& ticket_keys() const { return ticket_keys_; }
    // Null when sessions are not kept in one. It has memory when connections come.
    const NamedZone* session_zone() const { return session_zone_.get(); }

    // What a certificate says of itself, for warnings: the first of those that end within so many seconds, as
    // "NAME expires on DATE"; empty when none does.
    const std::string& expiry_notice() const { return expiry_notice_; }
    // Those it shows.
    struct Certificate {
        std::string file;
        int64_t ends = 0;  // seconds since 1970
    };
    const std::vector<Certificate>& certificates() const { return certificates_; }
    // What was asked for and cannot be had.
    const std::vector<std::string>& warnings() const { return warnings_; }

    const std::vector<Stapling>& staplings() const { return staplings_; }

    // A session with this id will not be resumed, if it is kept here or in the zone.
    void forget_session(int version, std::string_view id) const;

    // For make() alone.
    struct Key {
     private:
        Key() = default;
        friend class TlsContext;
    };
    explicit TlsContext(Key) {}

 private:
    using Done = std::expected<void, std::string>;

    Done build(const TlsSettings& settings);
    void set_protocols(const TlsSettings& settings);
    Done set_ciphers(const TlsSettings& settings);
    Done set_verification(const TlsSettings& settings);
    using NamedCertificate = std::pair<OwnedX509, std::string>;
    Done set_stapling(const TlsSettings& settings, const std::vector<NamedCertificate>& certificates);
    void set_sessions(const TlsSettings& settings);
    void set_session_store(const SessionStore& store);
    void set_alpn(const TlsSettings& settings);
    Done run_commands(const TlsSettings& settings);

    OwnedSslCtx ctx_;
    VerifyClient verify_ = VerifyClient::off;
    std::optional<ClientOcspRules> client_ocsp_;
    bool early_data_ = false;
    bool is_slow_ = false;
    bool slow_keys_matter_ = false;
    uint32_t record_bytes_max_ = 0;
    bool wants_kernel_ = false;
    bool tells_offer_ = false;
    bool pads_records_ = false;
    std::string session_context_;  // as OpenSSL has it
    std::vector<TicketKey> ticket_keys_;
    std::shared_ptr<const NamedZone> session_zone_;
    std::string alpn_;  // as in the protocol (RFC 7301 section 3.1)
    std::string expiry_notice_;
    std::vector<Certificate> certificates_;
    std::vector<std::string> warnings_;
    std::vector<Stapling> staplings_;
};

}  // namespace ringx
