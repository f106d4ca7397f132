// net/check_streak.h - how often in a row a server has passed its health check, or failed it, and what that means.
//
// A server that has to be checked before it is asked is judged by its first check. Otherwise it takes `fails` failures
// in a row to be unhealthy, and `passes` successes to be healthy again: one that flaps stays what it was.
#pragma once

#include <cstdint>
#include <optional>

namespace ringx {

class CheckStreak {
 public:
    struct Rules {
        uint32_t fails = 1;
        uint32_t passes = 1;
    };
    // As what the server counts so far.
    enum class Known : uint8_t { nothing, healthy, unhealthy };

    // A check has come to an end. Whether the server is healthy, when that is to be noted; nothing otherwise.
    std::optional<bool> note(bool passed, Known known, Rules rules) {
        if (passed != is_of_passes_) count_ = 0;
        is_of_passes_ = passed;
        if (count_ < UINT32_MAX) ++count_;
        bool is_news = known != (passed ? Known::healthy : Known::unhealthy);
        bool is_enough = known == Known::nothing || count_ >= (passed ? rules.passes : rules.fails);
        if (!is_news || !is_enough) return std::nullopt;
        return passed;
    }

 private:
    uint32_t count_ = 0;
    bool is_of_passes_ = false;
};

}  // namespace ringx
