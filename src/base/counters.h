// base/counters.h - what a worker counts of connections and requests.
//
// Named by the worker's number, so that who takes its place goes on counting where it was.
#pragma once

#include "base/counter.h"
#include "base/metrics.h"

namespace ringx {

struct Counters {
    static constexpr std::string_view kind = "worker";
    static constexpr size_t gauges = 3;

    // What is going on: connections that are open, those whose head has come in part, those waiting to be answered.
    Counter active, reading, writing;
    // What has happened.
    Counter accepted;  // connections
    Counter handled;   // those of them that were served
    Counter requests;

    void add(const Counters& other, bool living) {
        accepted.add(other.accepted.value());
        handled.add(other.handled.value());
        requests.add(other.requests.value());
        if (!living) return;
        active.add(other.active.value());
        reading.add(other.reading.value());
        writing.add(other.writing.value());
    }

    uint64_t waiting() const {
        uint64_t busy = reading.value() + writing.value();
        return busy < active.value() ? active.value() - busy : 0;
    }

    // Of all workers.
    static Counters sum(const Metrics& metrics) {
        Counters all;
        metrics.for_each<Counters>([&all](std::string_view, const Counters& one) { all.add(one, true); });
        return all;
    }
};

}  // namespace ringx
