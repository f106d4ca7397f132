// t/unit/net/ocsp_test.cc - whom to ask about a certificate: the URLs of responders, as they are written.
//
// What they say, and how it is judged, is tested with real responders in t/http/test_tls_ocsp.py.
#include "net/ocsp.h"

#include <gtest/gtest.h>

namespace ringx {
namespace {

TEST(OcspResponder, reads_urls) {
    struct {
        const char* url;
        const char* authority;
        const char* path;
    } cases[] = {
        {"http://ocsp.test", "ocsp.test:80", "/"},
        {"http://ocsp.test/", "ocsp.test:80", "/"},
        {"HTTP://ocsp.test:81/a/b?c=d", "ocsp.test:81", "/a/b?c=d"},
        {"http://[::1]:81/a", "[::1]:81", "/a"},
        {"http://127.0.0.1:65535", "127.0.0.1:65535", "/"},
    };
    for (auto& c : cases) {
        auto responder = OcspResponder::parse(c.url);
        ASSERT_TRUE(responder) << c.url << ": " << responder.error();
        EXPECT_EQ(responder->authority(), c.authority) << c.url;
        EXPECT_EQ(responder->path, c.path) << c.url;
    }
}

TEST(OcspResponder, refuses_what_cannot_be_asked) {
    struct {
        const char* url;
        const char* why;
    } cases[] = {
        {"", "invalid URL prefix in OCSP responder \"\""},
        {"http://", "invalid URL prefix in OCSP responder \"http://\""},
        {"https://a", "invalid URL prefix in OCSP responder \"https://a\""},
        {"a", "invalid URL prefix in OCSP responder \"a\""},
        {"http:///a", "no host in OCSP responder \"/a\""},
        {"http://:80", "no host in OCSP responder \":80\""},
        {"http://?", "no host in OCSP responder \"?\""},
        {"http://a:x", "invalid port in OCSP responder \"a:x\""},
        {"http://a:65536", "invalid port in OCSP responder \"a:65536\""},
        {"http://a/\r\nHost: b", "invalid URL of an OCSP responder"},
        {"http://a/ b", "invalid URL of an OCSP responder"},
    };
    for (auto& c : cases) {
        auto responder = OcspResponder::parse(c.url);
        ASSERT_FALSE(responder) << c.url;
        EXPECT_EQ(responder.error(), c.why) << c.url;
    }
}

}  // namespace
}  // namespace ringx
