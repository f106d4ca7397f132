// modules/auth_basic/password.h - whether a password is the one whose hash a user file holds.
//
// Hashes are {PLAIN}, {SHA}, {SSHA}, Apache's $apr1$, and whatever the system's crypt(3) knows: bcrypt, yescrypt, the
// SHA and MD5 families, DES. Many of these are slow by design, so call it on a thread. Results are compared in constant
// time, and what was derived from the password is wiped.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ringx::http {

// Text that is overwritten when it is no longer needed. Moving it leaves nothing behind.
class Secret {
 public:
    explicit Secret(std::string_view text) : text_(text) {}
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;
    ~Secret();

    std::string_view view() const { return text_; }
    const char* c_str() const { return text_.c_str(); }

 private:
    std::string text_;
};

// An error is the system's: crypt(3) knows no such hash.
Result<bool> password_fits(const Secret& password, std::string_view hash);

// Compares all of both, whatever they are.
bool equal_in_constant_time(std::string_view a, std::string_view b);

// Apache's variant of MD5-crypt: "$apr1$SALT$" and the digest. Only salt and prefix of `setting` are looked at.
std::string apr1(std::string_view password, std::string_view setting);

}  // namespace ringx::http
