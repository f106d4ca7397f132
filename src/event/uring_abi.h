// event/uring_abi.h - what the kernel offers and liburing 2.3 has no name for.
//
// Values are the kernel's and never change. They have names of our own, so that they stand beside those of a newer
// liburing. Each says the kernel it came with; older ones answer EINVAL.
#pragma once

#include <cstdint>

namespace ringx::uring_abi {

// io_uring_register(2): busy polling of network devices while waiting (6.9).
constexpr unsigned register_napi = 27;

struct Napi {
    uint32_t busy_poll_us;
    uint8_t prefer_busy_poll;
    uint8_t pad[3];
    uint64_t reserved;
};
static_assert(sizeof(Napi) == 16);

}  // namespace ringx::uring_abi
