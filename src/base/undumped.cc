#include "base/undumped.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/check.h"

namespace ringx {

Undumped::Undumped(size_t bytes) : bytes_(bytes), is_own_(true) {
    if (bytes == 0) return;
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    CHECK(madvise(memory, bytes, MADV_DONTDUMP) == 0);  // what is promised, or nothing
    memory_ = static_cast<char*>(memory);
}

Undumped::Undumped(std::string_view bytes) : Undumped(bytes.size()) { bytes.copy(memory_, bytes.size()); }

Result<Undumped> Undumped::map(int fd) {
    struct stat status;
    if (fstat(fd, &status) != 0) return fail("fstat");
    Undumped mapped;
    mapped.bytes_ = static_cast<size_t>(status.st_size);
    if (mapped.bytes_ == 0) return mapped;
    void* memory = mmap(nullptr, mapped.bytes_, PROT_READ, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) return fail("mmap");
    mapped.memory_ = static_cast<char*>(memory);
    if (madvise(memory, mapped.bytes_, MADV_DONTDUMP) != 0) return fail("madvise");
    return mapped;
}

Undumped& Undumped::operator=(Undumped&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(bytes_, other.bytes_);
    std::swap(is_own_, other.is_own_);
    return *this;
}

Undumped::~Undumped() {
    if (memory_ == nullptr) return;
    if (is_own_) explicit_bzero(memory_, bytes_);
    munmap(memory_, bytes_);
}

}  // namespace ringx
