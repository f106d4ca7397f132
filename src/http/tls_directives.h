// http/tls_directives.h - what directives about TLS have in common, whichever side of a connection they are about.
//
// Files are read while the configuration is, by the master; their bytes travel with it to the workers.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "conf/directive.h"
#include "http/variables.h"
#include "net/certificate_cache.h"
#include "net/tls_context.h"

namespace ringx {

constexpr std::array<conf::Choice<TlsProtocol>, 6> choices(TlsProtocol) {
    return {{{"SSLv2", TlsProtocol::sslv2},
             {"SSLv3", TlsProtocol::sslv3},
             {"TLSv1", TlsProtocol::tlsv1},
             {"TLSv1.1", TlsProtocol::tlsv1_1},
             {"TLSv1.2", TlsProtocol::tlsv1_2},
             {"TLSv1.3", TlsProtocol::tlsv1_3}}};
}

}  // namespace ringx

namespace ringx::http {

// The name of a file, or the text of one; with variables it is known when a connection is made.
struct CertificateName {
    conf::Word word;
    Template text;
};

using TlsCommand = std::pair<std::string_view, std::string_view>;

// As TlsSettings::protocols.
uint32_t bits_of(const conf::Flags<TlsProtocol>& protocols);

// Reads the directive: the lines of a file, as passwords.
void set_passwords(Setting<std::vector<std::string_view>>& passwords, conf::Binding& binding);
// off, or max=N [inactive=time] [valid=time]
void set_certificate_cache(Setting<std::shared_ptr<CertificateCache>>& cache, conf::Binding& binding);

// A name as it was evaluated: absolute, or the text of a file. `directory` is where relative paths start, with its
// final `/`.
std::string whole_name(std::string_view value, std::string_view directory);

// Reads the files of one block; after a complaint they are incomplete.
class TlsFiles {
 public:
    explicit TlsFiles(conf::Completion& completion) : completion_(completion) {}

    // Of a setting that may be empty. `what` names it in messages.
    TlsFile read(std::string_view path, std::string_view what, const conf::Place& place = {});
    // The same of a private key, which is kept secret.
    TlsFile read_key(std::string_view path, const conf::Place& place);
    // Of a file that is not named otherwise in messages, and kept secret.
    TlsFile read_secret(const conf::Word& word);
    void complain(const conf::Place& place, std::string sentence);
    bool good() const { return good_; }

 private:
    conf::Completion& completion_;
    bool good_ = true;
};

}  // namespace ringx::http
