// modules/proxy/cookie.h - the value of a Set-Cookie field, taken apart and put together again.
//
// Bytes only. As browsers do (RFC 6265 section 5.2) it takes any text: what stands between semicolons is an attribute,
// the first of them is the cookie itself. What nobody has changed comes out with the same names and values, one space
// after each semicolon.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringx::http::proxy {

// What `proxy_cookie_flags` may ask for. Where several speak of the same attribute the stricter one rules, as in nginx.
class CookieFlags {
 public:
    // In any case: secure, nosecure, httponly, nohttponly, samesite=strict, =lax, =none, nosamesite. False when it is
    // none of them.
    bool add(std::string_view word);
    bool empty() const { return !secure_ && !http_only_ && !has_same_site_; }

 private:
    friend class Cookie;

    std::optional<bool> secure_, http_only_;
    bool has_same_site_ = false;
    std::string_view same_site_;  // empty: without it
};

class Cookie {
 public:
    struct Attribute {
        std::string_view name;
        std::optional<std::string_view> value;  // nothing: there is no `=`
    };

    // The text outlives it.
    explicit Cookie(std::string_view text);

    // Without a value the first attribute is no cookie.
    bool is_valid() const { return attributes_.front().value.has_value(); }
    std::string_view name() const { return attributes_.front().name; }

    // All attributes of this name, in any case, that have a value are given to `change`: bool(std::string_view&), true
    // when it made another. True when any did.
    template <typename Change>
    bool change(std::string_view name, const Change& change) {
        bool changed = false;
        for (size_t i = 1; i < attributes_.size(); ++i) {
            Attribute& attribute = attributes_[i];
            if (attribute.value && is_named(attribute, name)) changed = change(*attribute.value) || changed;
        }
        return changed;
    }
    void set(const CookieFlags& flags);

    std::string text() const;

 private:
    static bool is_named(const Attribute& attribute, std::string_view name);
    void set_flag(std::string_view name, std::optional<bool> wanted);
    void remove(std::string_view name);

    std::vector<Attribute> attributes_;  // never empty
};

// The part of a Domain that is compared: a dot before it says nothing (RFC 6265 section 5.2.3).
inline std::string_view without_dot(std::string_view domain) {
    if (domain.starts_with('.')) domain.remove_prefix(1);
    return domain;
}

// Where the URL of a Refresh field begins; nothing when there is none.
std::optional<size_t> find_refresh_url(std::string_view refresh);

}  // namespace ringx::http::proxy
