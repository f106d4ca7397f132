#include "net/key_schedule.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "net/hmac.h"

namespace ringx {
namespace {

// OpenSSL does not tell for which connection it derives: the one whose handshake runs on this thread.
thread_local TrafficSecrets* watching = nullptr;

// What is rare enough to be left to OpenSSL's own: hashes of old versions and of national ciphers, long seeds.
int derive_as_openssl(const char* algorithm, unsigned char* to, size_t bytes, const OSSL_PARAM parameters[]) {
    std::unique_ptr<EVP_KDF, FreedBy<EVP_KDF_free>> kdf(EVP_KDF_fetch(nullptr, algorithm, "provider!=ringx"));
    std::unique_ptr<EVP_KDF_CTX, FreedBy<EVP_KDF_CTX_free>> context(EVP_KDF_CTX_new(kdf.get()));
    return context != nullptr ? EVP_KDF_derive(context.get(), to, bytes, parameters) : 0;
}

Bytes bytes_of(const OSSL_PARAM& parameter) {
    return {static_cast<const unsigned char*>(parameter.data), parameter.data_size};
}

// --- TLS 1.3

// What OpenSSL gives, see EVP_KDF-TLS13_KDF(7). Without data: it was not given.
struct Wish {
    int mode = -1;
    std::optional<Hash> hash;
    Bytes key, salt, prefix, label, data;
};

Wish read(const OSSL_PARAM parameters[]) {
    Wish wish;
    for (const OSSL_PARAM* at = parameters; at != nullptr && at->key != nullptr; ++at) {
        std::string_view name = at->key;
        Bytes bytes = bytes_of(*at);
        if (name == OSSL_KDF_PARAM_MODE) {
            if (OSSL_PARAM_get_int(at, &wish.mode) != 1) wish.mode = -1;
        } else if (name == OSSL_KDF_PARAM_DIGEST) {
            wish.hash = hash_by_name(static_cast<const char*>(at->data));
        } else if (name == OSSL_KDF_PARAM_KEY) {
            wish.key = bytes;
        } else if (name == OSSL_KDF_PARAM_SALT) {
            wish.salt = bytes;
        } else if (name == OSSL_KDF_PARAM_PREFIX) {
            wish.prefix = bytes;
        } else if (name == OSSL_KDF_PARAM_LABEL) {
            wish.label = bytes;
        } else if (name == OSSL_KDF_PARAM_DATA) {
            wish.data = bytes;
        }
    }
    return wish;
}

// The hash of nothing, which is the context of a secret that the next one is made of.
Bytes hash_of_nothing(Hash hash) {
    struct Made {
        unsigned char bytes[hash_bytes_max];
        explicit Made(Hash of) { CHECK(EVP_Digest("", 0, bytes, nullptr, digest_of(of), nullptr) == 1); }
    };
    static const Made made[] = {Made(Hash::sha256), Made(Hash::sha384)};
    return {made[static_cast<size_t>(hash)].bytes, bytes_of(hash)};
}

constexpr size_t label_bytes_max = 249;  // with its prefix it has a length of one byte
constexpr size_t prefix_bytes_max = 6;

// One of the steps downward in the picture of RFC 8446 section 7.1, with the one to "derived" before it. What is
// missing is zeros.
void extract(const Wish& wish, Hash hash, std::string_view label, unsigned char* to) {
    static constexpr unsigned char zeros[hash_bytes_max] = {};
    Bytes secret = wish.key.data() != nullptr ? wish.key : Bytes(zeros, bytes_of(hash));
    if (wish.salt.data() == nullptr) return hkdf_extract(hash, {}, secret, to);
    unsigned char derived[hash_bytes_max];
    Hmac before(hash, wish.salt);
    hkdf_expand_label(before, label, hash_of_nothing(hash), std::span(derived).first(bytes_of(hash)));
    hkdf_extract(hash, Bytes(derived, bytes_of(hash)), secret, to);
    OPENSSL_cleanse(derived, sizeof derived);
}

void note(std::string_view label, Bytes secret) {
    if (watching == nullptr) return;
    if (label == "c ap traffic") watching->note_client(secret);
    if (label == "s ap traffic") watching->note_server(secret);
}

int derive(void*, unsigned char* to, size_t bytes, const OSSL_PARAM parameters[]) {
    Wish wish = read(parameters);
    if (!wish.hash) return derive_as_openssl(OSSL_KDF_NAME_TLS1_3_KDF, to, bytes, parameters);
    if (wish.prefix.size() > prefix_bytes_max || wish.label.size() > label_bytes_max) return 0;
    char storage[prefix_bytes_max + label_bytes_max];
    char* end = std::ranges::copy(wish.prefix, storage).out;
    end = std::ranges::copy(wish.label, end).out;
    std::string_view label(storage, static_cast<size_t>(end - storage));
    bool has_room = bytes > 0 && bytes <= bytes_of(*wish.hash) && wish.salt.size() <= bytes_of(*wish.hash);
    if (wish.mode == EVP_KDF_HKDF_MODE_EXTRACT_ONLY && has_room && bytes == bytes_of(*wish.hash)) {
        extract(wish, *wish.hash, label, to);
        return 1;
    }
    bool can_expand = has_room && wish.key.size() <= bytes_of(*wish.hash) && wish.data.size() <= hash_bytes_max;
    if (wish.mode != EVP_KDF_HKDF_MODE_EXPAND_ONLY || !can_expand) return 0;
    Hmac secret(*wish.hash, wish.key);
    hkdf_expand_label(secret, label, wish.data, {to, bytes});
    note(label.substr(wish.prefix.size()), {to, bytes});
    return 1;
}

// --- TLS 1.2

// Labels, two random numbers, the hash of a handshake: what a handshake asks for is much shorter than this.
constexpr size_t seed_bytes_max = 256;
constexpr std::string_view key_expansion = "key expansion";

// See EVP_KDF-TLS1_PRF(7): the parts of the seed, the label first, are parameters of one name.
int derive_of_tls_1_2(void*, unsigned char* to, size_t bytes, const OSSL_PARAM parameters[]) {
    std::optional<Hash> hash;
    Bytes secret;
    unsigned char seed[seed_bytes_max];
    size_t seed_bytes = 0;
    for (const OSSL_PARAM* at = parameters; at != nullptr && at->key != nullptr; ++at) {
        std::string_view name = at->key;
        if (name == OSSL_KDF_PARAM_DIGEST) {
            hash = hash_by_name(static_cast<const char*>(at->data));
        } else if (name == OSSL_KDF_PARAM_SECRET) {
            secret = bytes_of(*at);
        } else if (name == OSSL_KDF_PARAM_SEED) {
            bool has_room = at->data_size <= seed_bytes_max - seed_bytes;
            if (!has_room) return derive_as_openssl(OSSL_KDF_NAME_TLS1_PRF, to, bytes, parameters);
            seed_bytes = static_cast<size_t>(std::ranges::copy(bytes_of(*at), seed + seed_bytes).out - seed);
        }
    }
    if (!hash) return derive_as_openssl(OSSL_KDF_NAME_TLS1_PRF, to, bytes, parameters);
    if (secret.data() == nullptr || seed_bytes == 0 || bytes == 0) return 0;
    Bytes label_and_seed(seed, seed_bytes);
    tls_1_2_prf(*hash, secret, label_and_seed, {to, bytes});
    bool makes_keys = std::ranges::equal(label_and_seed.first(std::min(seed_bytes, key_expansion.size())),
                                         as_bytes(key_expansion));
    if (watching != nullptr && makes_keys) watching->note_key_block({to, bytes});
    return 1;
}

// --- what OpenSSL wants to know of a provider: there is nothing to keep, all of a wish comes with it

void* make_context(void* provider) { return provider; }
void free_context(void*) {}

using Entry = void (*)();
template <typename T>
Entry entry(T* function) {
    return reinterpret_cast<Entry>(function);
}

const OSSL_DISPATCH kdf_functions[] = {{OSSL_FUNC_KDF_NEWCTX, entry(make_context)},
                                       {OSSL_FUNC_KDF_FREECTX, entry(free_context)},
                                       {OSSL_FUNC_KDF_DERIVE, entry(derive)},
                                       {0, nullptr}};
const OSSL_DISPATCH prf_functions[] = {{OSSL_FUNC_KDF_NEWCTX, entry(make_context)},
                                       {OSSL_FUNC_KDF_FREECTX, entry(free_context)},
                                       {OSSL_FUNC_KDF_DERIVE, entry(derive_of_tls_1_2)},
                                       {0, nullptr}};
const OSSL_ALGORITHM kdfs[] = {{OSSL_KDF_NAME_TLS1_3_KDF, "provider=ringx", kdf_functions, "TLS 1.3"},
                               {OSSL_KDF_NAME_TLS1_PRF, "provider=ringx", prf_functions, "TLS 1.2"},
                               {nullptr, nullptr, nullptr, nullptr}};

const OSSL_ALGORITHM* query(void*, int operation, int* no_cache) {
    *no_cache = 0;
    return operation == OSSL_OP_KDF ? kdfs : nullptr;
}

const OSSL_DISPATCH provider_functions[] = {{OSSL_FUNC_PROVIDER_QUERY_OPERATION, entry(query)}, {0, nullptr}};

int start_provider(const OSSL_CORE_HANDLE*, const OSSL_DISPATCH*, const OSSL_DISPATCH** functions, void** context) {
    static char ours;
    *functions = provider_functions;
    *context = &ours;
    return 1;
}

OSSL_PROVIDER* load() {
    bool known = OSSL_PROVIDER_add_builtin(nullptr, "ringx", start_provider) == 1;
    // Beside those that are there by themselves.
    return known ? OSSL_PROVIDER_try_load(nullptr, "ringx", 1) : nullptr;
}

}  // namespace

const char* key_schedule_property() {
    static OSSL_PROVIDER* const loaded = load();  // until the process ends
    CHECK(loaded != nullptr);
    return "?provider=ringx";
}

SecretsWatch::SecretsWatch(TrafficSecrets* secrets) {
    CHECK(watching == nullptr);
    watching = secrets;
}

SecretsWatch::~SecretsWatch() { watching = nullptr; }

}  // namespace ringx
