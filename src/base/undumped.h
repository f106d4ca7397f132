// base/undumped.h - memory that is left out of core dumps and wiped when it goes: for files that hold secrets.
//
// Whole pages, apart from the allocator's: what is freed there stays readable until it is used again, and is dumped.
#pragma once

#include <cstddef>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace ringx {

class Undumped {
 public:
    Undumped() = default;
    // Zeroed memory of our own.
    explicit Undumped(size_t bytes);
    // A copy.
    explicit Undumped(std::string_view bytes);
    // The content of a sealed file, as it is.
    static Result<Undumped> map(int fd);

    Undumped(Undumped&& other) noexcept { *this = std::move(other); }
    Undumped& operator=(Undumped&& other) noexcept;
    ~Undumped();

    std::string_view view() const { return {memory_, bytes_}; }
    // REQUIRES: it is not mapped from a file.
    char* data() { return memory_; }

 private:
    char* memory_ = nullptr;
    size_t bytes_ = 0;
    bool is_own_ = false;
};

}  // namespace ringx
