// net/peer_metrics.h - what is counted of an upstream server, by its group and its address, and of groups of them.
//
// Each try counts, also one that was followed by another.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/counter.h"
#include "base/histogram.h"

namespace ringx {

struct PeerMetrics {
    static constexpr std::string_view kind = "peer";
    static constexpr size_t gauges = 0;

    Counter requests;
    std::array<Counter, 5> responses;  // by the class of their status: 1xx to 5xx
    Counter failed;                    // tries that counted against it
    Counter retries;                   // tries that were followed by another, mostly of another server
    Counter received_bytes;
    Counter sent_bytes;
    Counter checks, failed_checks;     // of its health
    Histogram connect_us;
    Histogram header_us;
    Histogram response_us;

    void add(const PeerMetrics& other, bool living = true);
    // What it is called in the metrics.
    static std::string name(std::string_view group, std::string_view address);
};

// The same of all servers together whose groups have a `status_zone` of this name.
struct PeerZoneMetrics : PeerMetrics {
    static constexpr std::string_view kind = "peer_zone";
};

// Where what happens to a server counts; null: nowhere.
struct PeerCounts {
    PeerMetrics* own = nullptr;
    PeerMetrics* zone = nullptr;

    template <typename Count>
    void each(Count count) const {
        if (own != nullptr) count(*own);
        if (zone != nullptr) count(*zone);
    }
};

}  // namespace ringx
