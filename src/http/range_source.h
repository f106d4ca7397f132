// http/range_source.h - a range of a body that is made while it is sent.
//
// What comes before the range is passed over, and nothing is asked for behind it.
#pragma once

#include "http/range.h"
#include "http/response.h"

namespace ringx::http {

class RangeSource final : public BodySource {
 public:
    // REQUIRES: the range lies within the body.
    RangeSource(BodySource& whole, ByteRange range) : whole_(whole), before_(range.first), left_(range.size()) {}

    Task<Result<std::string_view>> next() override;
    void stalled() override { whole_.stalled(); }
    void cancel() override { whole_.cancel(); }
    Task<void> close() override { return whole_.close(); }

 private:
    BodySource& whole_;
    uint64_t before_;  // to be passed over
    uint64_t left_;
};

}  // namespace ringx::http
