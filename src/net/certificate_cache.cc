#include "net/certificate_cache.h"

#include "base/format.h"

namespace ringx {

std::string CertificateCache::key_of(const CertificateNames& names, std::span<const std::string_view> passwords) {
    const void* known = passwords.empty() ? nullptr : passwords[0].data();
    return text::format("{}:{}:{}:{}", names.chain.size(), names.chain, names.key, known);
}

CertificateCache::Found CertificateCache::find(std::string_view key, uint64_t now_ms) {
    while (!by_use_.empty() && now_ms - by_use_.back().used_ms > inactive_ms_) drop(std::prev(by_use_.end()));
    auto found = by_key_.find(key);
    if (found == by_key_.end()) return {};
    use(found->second, now_ms);
    return {found->second->certificate, now_ms - found->second->checked_ms < valid_ms_};
}

void CertificateCache::keep(std::string_view key, std::shared_ptr<const NamedCertificate> certificate,
                            uint64_t now_ms) {
    if (auto found = by_key_.find(key); found != by_key_.end()) {
        found->second->certificate = std::move(certificate);
        found->second->checked_ms = now_ms;
        return use(found->second, now_ms);
    }
    while (by_use_.size() >= certificates_max_) drop(std::prev(by_use_.end()));
    by_use_.push_front({std::string(key), std::move(certificate), now_ms, now_ms});
    by_key_.emplace(by_use_.front().key, by_use_.begin());
}

void CertificateCache::drop(std::string_view key) {
    if (auto found = by_key_.find(key); found != by_key_.end()) drop(found->second);
}

void CertificateCache::use(Place place, uint64_t now_ms) {
    place->used_ms = now_ms;
    by_use_.splice(by_use_.begin(), by_use_, place);
}

void CertificateCache::drop(Place place) {
    by_key_.erase(place->key);
    by_use_.erase(place);
}

}  // namespace ringx
