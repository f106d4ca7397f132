// base/result.h - what a call gives when the world may refuse it: a value, or the error that stood in the way.
//
// An Error names the call that failed and its errno, as log lines show them: `open() failed (2: No such file or
// directory)`. It is small and trivially copyable, so that it can pass through coroutines by value.
#pragma once

#include <cerrno>
#include <expected>

namespace ringx {

struct Error {
    const char* call = "";  // the system call or library function, a string literal
    int number = 0;         // its errno; 0 when the failure has none

    friend bool operator==(const Error& a, const Error& b) { return a.number == b.number; }
};

template <typename T = void>
using Result = std::expected<T, Error>;

// The failure of `call`, by default with the errno it just left.
inline std::unexpected<Error> fail(const char* call, int number = errno) {
    return std::unexpected(Error{call, number});
}

}  // namespace ringx
