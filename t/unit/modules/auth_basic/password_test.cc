// t/unit/modules/auth_basic/password_test.cc - hashes of passwords in all their formats.
//
// Known answers of other implementations: openssl passwd, htpasswd, and the system's crypt(3) itself.
#include "modules/auth_basic/password.h"

#include <gtest/gtest.h>

namespace ringx::http {
namespace {

TEST(Apr1, gives_what_openssl_gives) {
    struct {
        std::string_view password, salt, want;
    } cases[] = {
        {"secret", "saltsalt", "$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0"},
        {"", "x", "$apr1$x$tMwYqBfQwi3FYAr0aJc8M/"},
        {"a long password that has more than sixteen bytes", "12345678",
         "$apr1$12345678$5Lj6tJVL6jUfktVfRmI7A."},
    };
    for (auto& c : cases) EXPECT_EQ(apr1(c.password, std::string("$apr1$") + std::string(c.salt) + "$"), c.want);
}

TEST(Password, fits_its_hash_and_no_other) {
    std::string_view hashes[] = {
        "{PLAIN}secret",
        "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
        "{SSHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0",
        "$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0",
        "$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a",
        "$y$j9T$abcdefgh$IUWJt2doU4Kf6E/JP1UkAT3S5O3Q7SSA8SJirXIlEu9",
        "$6$salt$egUxKNxDs8kPfh8iPMNcosMhb2eWah6d3R44JDm5Rj/j/XWR5E33QPd0YmHXoDHOIDR6kL5D3JcQcz0O8FHE00",
        "$1$salt$ez2vlPGdaLYkJam5pWs/Y1",
        "abNANd1rDfiNc",
    };
    for (auto hash : hashes) {
        EXPECT_TRUE(password_fits(Secret("secret"), hash).value_or(false)) << hash;
        for (auto wrong : {"", "secre", "secret2", "Secret"}) {
            EXPECT_FALSE(password_fits(Secret(wrong), hash).value_or(true)) << hash;
        }
    }
}

TEST(Password, fits_no_hash_that_is_cut_short) {
    EXPECT_FALSE(password_fits(Secret(""), "{SHA}").value_or(true));
    EXPECT_FALSE(password_fits(Secret("secret"), "{SSHA}5en6").value_or(true));
    EXPECT_FALSE(password_fits(Secret("secret"), "{SHA}!").value_or(true));
    EXPECT_TRUE(password_fits(Secret(""), "{PLAIN}").value_or(false));
    EXPECT_FALSE(password_fits(Secret("secret"), "$apr1$").value_or(true));
    EXPECT_FALSE(password_fits(Secret("secret"), "$apr1$saltsalt").value_or(true));
}

TEST(Password, has_an_error_for_what_crypt_does_not_know) {
    EXPECT_FALSE(password_fits(Secret("secret"), "$nonsense"));
    EXPECT_FALSE(password_fits(Secret("secret"), ""));
    EXPECT_FALSE(password_fits(Secret("secret"), "*0"));
}

TEST(EqualInConstantTime, is_equality) {
    EXPECT_TRUE(equal_in_constant_time("", ""));
    EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
    EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
    EXPECT_FALSE(equal_in_constant_time("abc", "ab"));
    EXPECT_FALSE(equal_in_constant_time("ab", "abc"));
    EXPECT_FALSE(equal_in_constant_time("", "a"));
    EXPECT_FALSE(equal_in_constant_time("a", ""));
}

}  // namespace
}  // namespace ringx::http
