// http/named_certificates.h - certificates of a server whose names have variables.
//
// Which ones are meant is known when a client has greeted the server; http/connection_certificates.cc finds them then.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "http/variables.h"
#include "net/certificate_cache.h"

namespace ringx::http {

struct NamedCertificates {
    struct Pair {
        Template chain;
        Template key;
    };

    std::vector<Pair> pairs;                  // of different types of key
    std::vector<std::string_view> passwords;  // of the keys, tried in order
    std::string_view directory;               // where relative paths start, with its final `/`
    std::shared_ptr<CertificateCache> cache;  // null: each handshake reads the files
};

}  // namespace ringx::http
