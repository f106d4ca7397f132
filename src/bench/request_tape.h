// bench/request_tape.h - the requests to send, ready in memory, so that sending some is one call and no work.
//
// The targets take turns. They lie one behind the other, over and over, for as long as a whole batch needs that begins
// with any of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ringx::bench {

class RequestTape {
 public:
    RequestTape() = default;
    // One request for each target, and batches of up to `batch`.
    RequestTape(const std::vector<std::string>& requests, size_t batch) : targets_(requests.size()) {
        size_t bytes = 0, count = requests.size() + batch - 1;
        for (size_t i = 0; i < count; ++i) bytes += requests[i % targets_].size();
        bytes_.reserve(bytes);
        for (size_t i = 0; i < count; ++i) {
            begins_.push_back(bytes_.size());
            bytes_ += requests[i % targets_];
        }
        begins_.push_back(bytes_.size());
    }

    size_t targets() const { return targets_; }
    size_t next(size_t target, size_t steps = 1) const { return (target + steps) % targets_; }
    // `count` requests from that of `target` on.
    std::string_view batch(size_t target, size_t count) const {
        return std::string_view(bytes_).substr(begins_[target], begins_[target + count] - begins_[target]);
    }

 private:
    size_t targets_ = 0;
    std::string bytes_;
    std::vector<size_t> begins_;
};

}  // namespace ringx::bench
