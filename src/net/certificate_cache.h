// net/certificate_cache.h - the certificates a worker has read lately, by their names.
//
// One of them is believed to be the same for a while; then its files are looked at again. Who was not asked for leaves,
// and so does the one that was asked for longest ago, when there are too many. It belongs to the loop's thread.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "net/named_certificate.h"

namespace ringx {

class CertificateCache {
 public:
    CertificateCache(size_t certificates_max, uint64_t inactive_ms, uint64_t valid_ms)
        : certificates_max_(certificates_max), inactive_ms_(inactive_ms), valid_ms_(valid_ms) {}

    // The same names with other passwords are something else: who does not know them does not get the key.
    static std::string key_of(const CertificateNames& names, std::span<const std::string_view> passwords);

    struct Found {
        std::shared_ptr<const NamedCertificate> certificate;  // null: there is none
        bool is_valid = false;                                 // false: its files must be looked at
    };
    Found find(std::string_view key, uint64_t now_ms);
    // It was read, or found to be as it was, at that time.
    void keep(std::string_view key, std::shared_ptr<const NamedCertificate> certificate, uint64_t now_ms);
    void drop(std::string_view key);

    size_t size() const { return by_use_.size(); }

 private:
    struct Entry {
        std::string key;
        std::shared_ptr<const NamedCertificate> certificate;
        uint64_t checked_ms;
        uint64_t used_ms;
    };
    using Place = std::list<Entry>::iterator;

    void use(Place place, uint64_t now_ms);
    void drop(Place place);

    size_t certificates_max_;
    uint64_t inactive_ms_;
    uint64_t valid_ms_;
    std::list<Entry> by_use_;  // the latest first
    std::unordered_map<std::string_view, Place> by_key_;
};

}  // namespace ringx
