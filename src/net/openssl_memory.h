// net/openssl_memory.h - memory for OpenSSL, which allocates some 230 times for a handshake.
//
// Each thread keeps what was freed there, by size, for whatever OpenSSL asks for next. A block may be freed by another
// thread than the one that has it; what a thread keeps of one size is limited.
#pragma once

#include <cstddef>

namespace ringx {

// From now on OpenSSL's memory is ours.
// REQUIRES: OpenSSL has not been used.
void lend_openssl_memory();

// What OpenSSL then calls: as malloc(), realloc() and free().
namespace openssl_memory {

void* take(size_t bytes);
void* resize(void* memory, size_t bytes);
void give_back(void* memory);

}  // namespace openssl_memory
}  // namespace ringx
