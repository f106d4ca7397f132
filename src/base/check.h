// base/check.h - claims about ourselves, checked in every build.
//
// A CHECK that fails is a bug in this program, never in its input: it prints the claim with its place and aborts, and
// the master starts a new worker. Errors of the world (peers, files, limits) are values of Result instead.
#pragma once

namespace ringx {

[[noreturn]] void check_failed(const char* claim, const char* file, int line);

}  // namespace ringx

#define CHECK(claim)                                                                \
    do {                                                                            \
        if (!(claim)) [[unlikely]] ::ringx::check_failed(#claim, __FILE__, __LINE__); \
    } while (false)
