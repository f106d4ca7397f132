// http/upstream_tries.h - what was tried upstream for a request, and what came of it: for the $upstream_ variables.
//
// Tries are in order. Those of one exchange belong together; another one follows when the request was redirected
// internally.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/arena.h"
#include "net/peer_metrics.h"

namespace ringx::http {

class Request;
struct UpstreamHead;

struct UpstreamTry {
    std::string_view peer;           // its address
    bool begins_group = false;       // the first of an exchange; exchanges follow each other by internal redirects
    uint16_t status = 0;             // 0: none
    uint64_t started_us = 0;         // monotonic; those below are durations in microseconds
    std::optional<uint64_t> queue_us;  // before it started
    std::optional<uint64_t> connect_us;
    std::optional<uint64_t> header_us;
    std::optional<uint64_t> response_us;
    uint64_t bytes_received = 0;
    uint64_t bytes_sent = 0;
    uint64_t body_bytes = 0;
    PeerCounts counts;
    UpstreamTry* next = nullptr;
};

// Part of a request's states.
class UpstreamTries {
 public:
    UpstreamTry& add(Arena& arena) {
        UpstreamTry* made = arena.make<UpstreamTry>();
        (last_ == nullptr ? first_ : last_->next) = made;
        last_ = made;
        return *made;
    }
    const UpstreamTry* first() const { return first_; }
    const UpstreamTry* last() const { return last_; }

    const UpstreamHead* head = nullptr;  // of the latest response
    std::string_view trailers;           // behind its body, once that has come; see take_trailer()

 private:
    UpstreamTry* first_ = nullptr;
    UpstreamTry* last_ = nullptr;
};

}  // namespace ringx::http
