// modules/secure_link/module.cc - `secure_link`: links that only who knows a secret can make, and that may expire.
//
// $secure_link is evaluated by the configuration, which refuses what it likes. In the first mode the link names an MD5
// of whatever the configuration says, and perhaps until when it is good; in the second, older mode the hash stands in
// the path, before the part it belongs to.
#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "base/base64.h"
#include "base/check.h"
#include "http/module.h"
#include "http/text.h"

namespace ringx::http {
namespace {

using Hash = std::array<unsigned char, 16>;

struct Settings {
    std::string_view secret;
    Template link;
    Template hashed;  // of secure_link_md5
    bool has_secret = false;
    bool has_link = false;
    bool has_hashed = false;

    void inherit(const Settings& outer) {
        if (has_secret) return;
        if (!has_link && outer.has_link) {
            link = outer.link;
            has_link = true;
        }
        if (!has_hashed && outer.has_hashed) {
            hashed = outer.hashed;
            has_hashed = true;
        }
        if (has_link || has_hashed) return;
        secret = outer.secret;
        has_secret = outer.has_secret;
    }

    void complete(conf::Completion& completion) {
        if (!has_secret || (!has_link && !has_hashed)) return;
        completion.mistake(completion.block().place(),
                           "\"secure_link_secret\" cannot be mixed with \"secure_link\" and \"secure_link_md5\"");
    }
};

constinit conf::Slot<Settings> settings;

// The time after which the link is no good, for $secure_link_expires.
struct Expiry {
    std::string_view text;
};

// --- at run time

Hash md5(std::string_view text) {
    Hash hash;
    CHECK(EVP_Digest(text.data(), text.size(), hash.data(), nullptr, EVP_md5(), nullptr) == 1);
    return hash;
}

// Takes as long whatever the difference is.
bool are_equal(const Hash& a, const Hash& b) {
    unsigned difference = 0;
    for (size_t i = 0; i < a.size(); ++i) difference |= a[i] ^ b[i];
    return difference == 0;
}

// The hash in the alphabet of RFC 4648 section 5.
std::optional<Hash> decode_hash(std::string_view text) {
    constexpr size_t text_bytes_max = 24;
    if (text.size() > text_bytes_max) return std::nullopt;
    std::array<char, text_bytes_max> standard;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' || text[i] == '/') return std::nullopt;
        standard[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
    }
    std::array<char, base64_decoded_max(text_bytes_max)> bytes;
    auto decoded = decode_base64({standard.data(), text.size()}, bytes.data());
    Hash hash;
    if (!decoded || decoded->size() != hash.size()) return std::nullopt;
    std::ranges::copy(*decoded, hash.begin());
    return hash;
}

VariableValue check_link(Request& request, const Settings& ours) {
    if (!ours.has_link || !ours.has_hashed) return std::nullopt;
    std::string_view link = ours.link.evaluate(request);
    int64_t expires = 0;
    size_t comma = link.find(',');
    if (comma != link.npos) {
        std::string_view text = link.substr(comma + 1);
        auto time = conf::parse_unsigned(text, INT64_MAX);
        if (!time || *time == 0) return std::nullopt;
        expires = static_cast<int64_t>(*time);
        request.states.get<Expiry>(request.arena).text = text;
    }
    auto hash = decode_hash(link.substr(0, comma));
    if (!hash || !are_equal(*hash, md5(ours.hashed.evaluate(request)))) return std::nullopt;
    return expires != 0 && expires < request.worker->clock.seconds() ? "0" : "1";
}

// "/prefix/hash/link": the hash is of the link and the secret.
VariableValue check_path(Request& request, std::string_view secret) {
    std::string_view path = request.head.uri;
    size_t hash_begin = path.find('/', 1);
    size_t hash_end = hash_begin == path.npos ? path.npos : path.find('/', hash_begin + 1);
    if (hash_end == path.npos || secret.empty()) return std::nullopt;
    std::string_view text = path.substr(hash_begin + 1, hash_end - hash_begin - 1);
    std::string_view link = path.substr(hash_end + 1);
    Hash hash;
    if (text.size() != 2 * hash.size() || link.empty()) return std::nullopt;
    for (size_t i = 0; i < hash.size(); ++i) {
        int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        hash[i] = static_cast<unsigned char>(high << 4 | low);
    }
    if (!are_equal(hash, md5(request.arena.join({link, secret})))) return std::nullopt;
    return link;
}

VariableValue secure_link(Request& request, const VariableUse&) {
    const Settings& ours = settings.in(*request.block);
    return ours.has_secret ? check_path(request, ours.secret) : check_link(request, ours);
}

VariableValue secure_link_expires(Request& request, const VariableUse&) {
    const Expiry* expiry = request.states.find<Expiry>();
    return expiry == nullptr ? VariableValue() : expiry->text;
}

// --- the configuration

void set_template(Template& target, bool& given, conf::Binding& binding) {
    if (given) return binding.duplicate();
    auto compiled = Template::compile(binding, binding.words()[0]);
    if (compiled) target = std::move(*compiled);
    given = true;
}

void set_link(Settings& settings, conf::Binding& binding) { set_template(settings.link, settings.has_link, binding); }

void set_md5(Settings& settings, conf::Binding& binding) {
    set_template(settings.hashed, settings.has_hashed, binding);
}

void set_secret(Settings& settings, conf::Binding& binding) {
    if (settings.has_secret) return binding.duplicate();
    settings.secret = binding.words()[0].text;
    settings.has_secret = true;
}

constexpr auto anywhere = conf::http | conf::server | conf::location;

constexpr conf::Directive directives[] = {
    conf::custom<&set_link>("secure_link", anywhere, {1, 1}, "The hash of a link, and perhaps when it expires.")
        .shown_as("expression"),
    conf::custom<&set_md5>("secure_link_md5", anywhere, {1, 1}, "The text that must have this hash.")
        .shown_as("expression"),
    conf::custom<&set_secret>("secure_link_secret", anywhere, {1, 1}, "The secret of links with a hash in their path.")
        .shown_as("word"),
};

constexpr Variable variables[] = {
    {"secure_link", secure_link},
    {"secure_link_expires", secure_link_expires},
};

}  // namespace

extern constinit const Module secure_link_module = {
    .name = "secure_link",
    .directives = directives,
    .settings = &settings,
    .variables = variables,
};

}  // namespace ringx::http
