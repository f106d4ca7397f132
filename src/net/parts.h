// net/parts.h - reads a list of parts of memory as one text.
//
// For who takes bytes in other portions than they lie in: records of TLS.
#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <span>
#include <string_view>

namespace ringx {

class PartReader {
 public:
    explicit PartReader(std::span<const iovec> parts) : parts_(parts) { skip_used(); }

    bool empty() const { return parts_.empty(); }
    // How many bytes there are, or `enough` when there are more.
    size_t count(size_t enough) const {
        size_t bytes = 0;
        for (size_t i = 0; i < parts_.size() && bytes < enough + used_; ++i) bytes += parts_[i].iov_len;
        return std::min(bytes - (parts_.empty() ? 0 : used_), enough);
    }
    // The next bytes that lie together, at most so many.
    std::string_view take(size_t bytes_max) {
        std::string_view first = front().substr(0, bytes_max);
        used_ += first.size();
        skip_used();
        return first;
    }

 private:
    std::string_view front() const {
        return std::string_view(static_cast<const char*>(parts_[0].iov_base), parts_[0].iov_len).substr(used_);
    }
    void skip_used() {
        while (!parts_.empty() && used_ == parts_[0].iov_len) {
            parts_ = parts_.subspan(1);
            used_ = 0;
        }
    }

    std::span<const iovec> parts_;
    size_t used_ = 0;
};

}  // namespace ringx
