#include "net/certificate_finder.h"

#include "event/wait.h"

namespace ringx {
namespace {

using Loaded = NamedCertificate::Loaded;

// The part that waits for a disk.
struct Reading {
    const CertificateNames& names;
    std::span<const std::string_view> passwords;
    std::shared_ptr<const NamedCertificate> known;  // what its files may still hold; null: nothing
    Loaded loaded = nullptr;
};

void read_certificate(void* context) {
    auto& reading = *static_cast<Reading*>(context);
    bool is_current = reading.known != nullptr && reading.known->is_current(reading.names);
    reading.loaded = is_current ? Loaded(reading.known) : NamedCertificate::load(reading.names, reading.passwords);
}

}  // namespace

Task<Loaded> find_certificate(Loop& loop, CertificateCache* cache, std::span<const std::string_view> passwords,
                              const CertificateNames& names) {
    if (!names.are_files()) cache = nullptr;
    Reading reading{names, passwords, nullptr};
    std::string key;
    if (cache != nullptr) {
        key = CertificateCache::key_of(names, passwords);
        CertificateCache::Found found = cache->find(key, loop.clock().now_ms());
        if (found.is_valid) co_return Loaded(std::move(found.certificate));
        reading.known = std::move(found.certificate);
    }
    Blocking elsewhere(loop, read_certificate, &reading);
    co_await elsewhere;
    if (cache != nullptr) {
        if (reading.loaded) cache->keep(key, *reading.loaded, loop.clock().now_ms());
        else cache->drop(key);
    }
    co_return std::move(reading.loaded);
}

}  // namespace ringx
