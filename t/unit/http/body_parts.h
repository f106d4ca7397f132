// http/body_parts.h - a body in parts, for tests of what stands before a source.
//
// None of them has to be waited for, so that tests need no loop for it. It counts what was given, and knows whether it
// was told that nobody wants the rest.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "http/response.h"

namespace ringx::http {

class BodyParts final : public BodySource {
 public:
    BodyParts(std::string_view body, size_t part_bytes) : left_(body), part_bytes_(part_bytes) {}

    Task<Result<std::string_view>> next() override {
        if (left_.empty() && error != 0) co_return fail("recv", error);
        part_ = left_.substr(0, part_bytes_);
        left_.erase(0, part_.size());
        given += part_.size();
        co_return std::string_view(part_);
    }
    void cancel() override { cancelled = true; }
    Task<void> close() override {
        closed = true;
        co_return;
    }

    size_t given = 0;
    int error = 0;  // in the place of the end
    bool cancelled = false;
    bool closed = false;

 private:
    std::string left_, part_;
    size_t part_bytes_;
};

}  // namespace ringx::http
