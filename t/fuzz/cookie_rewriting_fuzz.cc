// t/fuzz/cookie_rewriting_fuzz.cc - cookies and Refresh fields of servers: what was asked for is there, the rest stays.
//
// The first byte chooses flags (a bit for each word there is), the rest is the field. What comes out must read as the
// same cookie again, with the flags a browser goes by.
#include <cstdint>

#include "base/check.h"
#include "http/text.h"
#include "modules/proxy/cookie.h"

using namespace ringx::http;
using namespace ringx::http::proxy;

namespace {

constexpr std::string_view words[] = {
    "secure", "nosecure", "httponly", "nohttponly", "samesite=strict", "samesite=lax", "samesite=none", "nosamesite",
};

// As a browser looks for it: the last one of this name, beside the cookie itself.
bool has(std::string_view text, std::string_view name, std::string_view* value = nullptr) {
    bool found = false;
    for (size_t at = text.find(';'); at != text.npos; at = text.find(';', at + 1)) {
        std::string_view part = text.substr(at + 1, text.find(';', at + 1) - at - 1);
        size_t equals = part.find('=');
        if (!equals_ignore_case(trim(part.substr(0, equals)), name)) continue;
        found = true;
        if (value != nullptr) *value = equals == part.npos ? std::string_view() : trim(part.substr(equals + 1));
    }
    return found;
}

void check_flags(uint8_t chosen, std::string_view before, std::string_view after) {
    auto bit = [chosen](int number) { return (chosen >> number & 1) != 0; };
    bool was_secure = has(before, "secure"), was_http_only = has(before, "httponly");
    CHECK(has(after, "secure") == (bit(0) || (was_secure && !bit(1))));
    CHECK(has(after, "httponly") == (bit(2) || (was_http_only && !bit(3))));
    std::string_view same_site;
    bool has_same_site = has(after, "samesite", &same_site);
    std::string_view want = bit(4) ? "strict" : bit(5) ? "lax" : bit(6) ? "none" : "";
    if (!want.empty()) CHECK(has_same_site && equals_ignore_case(same_site, want));
    if (want.empty()) CHECK(has_same_site == (has(before, "samesite") && !bit(7)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    if (auto url = find_refresh_url(text)) {
        CHECK(*url >= 4 && *url <= text.size() && equals_ignore_case(text.substr(*url - 4, 4), "url="));
    }
    CookieFlags flags;
    for (int i = 0; i < 8; ++i) {
        if ((data[0] >> i & 1) != 0) CHECK(flags.add(words[i]));
    }
    CHECK(flags.empty() == (data[0] == 0));

    Cookie cookie(text);
    std::string before = cookie.text();
    Cookie again(before);
    CHECK(again.text() == before && again.is_valid() == cookie.is_valid() && again.name() == cookie.name());
    cookie.set(flags);
    std::string after = cookie.text();
    CHECK(after.substr(0, after.find(';')) == before.substr(0, before.find(';')));
    check_flags(data[0], before, after);

    Cookie changed(after);
    size_t paths = 0;
    changed.change("path", [&paths](std::string_view& value) {
        ++paths;
        value = "/";
        return true;
    });
    CHECK(paths == 0 || has(changed.text(), "path"));
    CHECK(Cookie(changed.text()).change("PATH", [](std::string_view& value) { return value != "/"; }) == false);
    return 0;
}
