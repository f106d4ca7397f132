#include "modules/proxy/cookie.h"

#include <algorithm>

#include "http/text.h"

namespace ringx::http::proxy {
namespace {

constexpr std::string_view secure = "Secure", http_only = "HttpOnly", same_site = "SameSite";

// From the strictest on.
struct SameSite {
    std::string_view word;
    std::string_view value;
};
constexpr SameSite same_site_values[] = {
    {"samesite=strict", "Strict"}, {"samesite=lax", "Lax"}, {"samesite=none", "None"}, {"nosamesite", {}},
};

}  // namespace

bool CookieFlags::add(std::string_view word) {
    auto set = [word](std::optional<bool>& flag, std::string_view on, std::string_view off) {
        if (equals_ignore_case(word, on)) flag = true;
        else if (equals_ignore_case(word, off)) flag = flag.value_or(false);
        else return false;
        return true;
    };
    if (set(secure_, "secure", "nosecure") || set(http_only_, "httponly", "nohttponly")) return true;
    auto wanted = std::ranges::find_if(same_site_values, [word](const SameSite& one) {
        return equals_ignore_case(word, one.word);
    });
    if (wanted == std::end(same_site_values)) return false;
    auto now = std::ranges::find(same_site_values, same_site_, &SameSite::value);
    if (!has_same_site_ || wanted < now) same_site_ = wanted->value;
    has_same_site_ = true;
    return true;
}

Cookie::Cookie(std::string_view text) {
    for (;;) {
        size_t end = text.find(';');
        std::string_view part = text.substr(0, end);
        size_t equals = part.find('=');
        Attribute& attribute = attributes_.emplace_back();
        attribute.name = trim(part.substr(0, equals));
        if (equals != part.npos) attribute.value = trim(part.substr(equals + 1));
        if (end == text.npos) return;
        text.remove_prefix(end + 1);
    }
}

bool Cookie::is_named(const Attribute& attribute, std::string_view name) {
    return equals_ignore_case(attribute.name, name);
}

void Cookie::remove(std::string_view name) {
    auto first = attributes_.begin() + 1;
    auto last = std::remove_if(first, attributes_.end(), [name](const Attribute& one) { return is_named(one, name); });
    attributes_.erase(last, attributes_.end());
}

void Cookie::set_flag(std::string_view name, std::optional<bool> wanted) {
    if (!wanted) return;
    if (!*wanted) return remove(name);
    auto named = [name](const Attribute& one) { return is_named(one, name); };
    if (std::none_of(attributes_.begin() + 1, attributes_.end(), named)) attributes_.push_back({name, {}});
}

void Cookie::set(const CookieFlags& flags) {
    bool has_same_site = false;
    if (flags.has_same_site_ && !flags.same_site_.empty()) {
        // Each of them, for it is the last that browsers look at.
        for (size_t i = 1; i < attributes_.size(); ++i) {
            if (!is_named(attributes_[i], same_site)) continue;
            has_same_site = true;
            if (attributes_[i].value && equals_ignore_case(*attributes_[i].value, flags.same_site_)) continue;
            attributes_[i] = {same_site, flags.same_site_};
        }
    } else if (flags.has_same_site_) {
        remove(same_site);
    }
    set_flag(secure, flags.secure_);
    set_flag(http_only, flags.http_only_);
    if (!flags.same_site_.empty() && !has_same_site) attributes_.push_back({same_site, flags.same_site_});
}

std::string Cookie::text() const {
    std::string out;
    for (const Attribute& attribute : attributes_) {
        if (&attribute != &attributes_.front()) out += "; ";
        out += attribute.name;
        if (attribute.value) out.append("=").append(*attribute.value);
    }
    return out;
}

std::optional<size_t> find_refresh_url(std::string_view refresh) {
    constexpr std::string_view url = "url=";
    for (size_t at = 0; at + url.size() <= refresh.size(); ++at) {
        if (equals_ignore_case(refresh.substr(at, url.size()), url)) return at + url.size();
    }
    return std::nullopt;
}

}  // namespace ringx::http::proxy
