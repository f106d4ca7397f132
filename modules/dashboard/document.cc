#include "modules/dashboard/document.h"

#include <openssl/evp.h>

#include <array>

#include "base/check.h"
#include "base/embedded.h"
#include "base/format.h"
#include "http/escape.h"

EMBEDDED(dashboard_page_html);
EMBEDDED(dashboard_page_css);
EMBEDDED(dashboard_figures_js);
EMBEDDED(dashboard_view_js);
EMBEDDED(dashboard_page_js);

namespace ringx::http::dashboard {
namespace {

constexpr size_t sha256_bytes = 32;
constexpr size_t base64_bytes = (sha256_bytes + 2) / 3 * 4;

std::string sha256_of(std::string_view text) {
    std::array<unsigned char, sha256_bytes> digest;
    CHECK(EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr) == 1);
    std::array<unsigned char, base64_bytes + 1> encoded;
    EVP_EncodeBlock(encoded.data(), digest.data(), sha256_bytes);
    return std::string(encoded.begin(), encoded.begin() + base64_bytes);
}

// Puts a text in the place of a mark, which is there once.
void fill_in(std::string& page, std::string_view mark, std::string_view text) {
    size_t at = page.find(mark);
    CHECK(at != page.npos);
    page.replace(at, mark.size(), text);
}

// Trusted Types: even a mistake of the script's could not make markup of what the server says.
std::string policy_for(std::string_view style, std::string_view script) {
    return text::format("default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; img-src data:; "
                        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
                        "require-trusted-types-for 'script'; trusted-types 'none'",
                        sha256_of(script), sha256_of(style));
}

}  // namespace

Document::Document(std::string_view api) : html(embedded::dashboard_page_html()) {
    std::string script(embedded::dashboard_figures_js());
    script += embedded::dashboard_view_js();
    script += embedded::dashboard_page_js();
    std::string reference;
    escape_html(api, reference);
    fill_in(html, "@API@", reference);
    fill_in(html, "@STYLE@", embedded::dashboard_page_css());
    fill_in(html, "@SCRIPT@", script);
    policy = policy_for(embedded::dashboard_page_css(), script);
    etag = '"' + sha256_of(html).substr(0, 27) + '"';
}

}  // namespace ringx::http::dashboard
