// http/request_metrics.h - what is counted of requests: for each worker, server zone and location zone.
//
// A request counts when its answer has left or was given up, where its processing has ended.
#pragma once

#include <array>
#include <cstdint>

#include "base/counter.h"
#include "base/histogram.h"
#include "http/head.h"
#include "http/report.h"

namespace ringx::http {

class Request;

struct RequestMetrics {
    static constexpr std::string_view kind = "requests";
    static constexpr size_t gauges = 1;
    static constexpr size_t classes = 5;  // of statuses: 1xx to 5xx
    static constexpr size_t methods = static_cast<size_t>(Method::other) + 1;

    Counter processing;  // requests that wait for something, or whose answer is on its way; of server zones alone
    std::array<Counter, classes> responses;
    Counter discarded;  // requests that were closed without an answer
    std::array<Counter, methods> requests;
    Counter received_bytes;
    Counter sent_bytes;
    Histogram duration_us;  // from the first byte of the head to the end of the answer; not of tunnels

    void add(const RequestMetrics& other, bool living = true);
    void count(const Request& request, uint64_t ended_us);
    // One that has become a tunnel, which has ended: how long it lasted is nobody's latency.
    void count_tunnel(const Request& request);
    void tell(Report& report) const;
    void tell_processing(Report& report) const;

 private:
    void count_but_time(const Request& request);
};

}  // namespace ringx::http
