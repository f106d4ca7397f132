// bench/tally.h - what a thread counts: answers by status, failures by kind, bytes, latencies.
//
// The thread writes with plain stores; whoever shows progress reads meanwhile. Every request that was begun is in the
// end either answered or failed, or it was given up when the run ended.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/counter.h"
#include "base/histogram.h"

namespace ringx::bench {

// Why there is no good answer.
enum class Failure : uint8_t { connect, tls, send, receive, closed, cut, timeout, head, body, excess, count };

struct FailureWords {
    std::string_view name;     // in files
    std::string_view meaning;  // for people
};

inline constexpr std::array<FailureWords, static_cast<size_t>(Failure::count)> failure_words = {{
    {"connect", "no connection could be made"},
    {"tls", "the TLS handshake failed"},
    {"send", "the request could not be sent"},
    {"receive", "the connection broke"},
    {"closed", "the server closed the connection without an answer"},
    {"cut", "the answer ended too early"},
    {"timeout", "no answer in time"},
    {"head", "the answer has no valid head"},
    {"body", "the answer has no valid chunks"},
    {"excess", "the server sent what nobody had asked for"},
}};

constexpr const FailureWords& words_of(Failure failure) { return failure_words[static_cast<size_t>(failure)]; }

struct Tally {
    static constexpr size_t statuses_max = 1000;

    Counter answers;
    Counter failures;
    Counter given_up;     // at the end of the run
    Counter unsent;       // open loop: due, and not begun when the run ended
    Counter bytes_in;     // of the connections, above TLS
    Counter bytes_out;
    Counter connections;  // that were made
    Counter resumed;      // TLS sessions among them
    Counter last_us;      // when something has last come from the server
    Histogram latency_us;  // open loop: since the request was due
    Histogram service_us;  // open loop: since it was sent
    Counter latency_max_us;
    Counter service_max_us;
    std::array<Counter, statuses_max> by_status;
    std::array<Counter, static_cast<size_t>(Failure::count)> by_failure;
    // Of each kind the first, in words. To be read when the thread has ended.
    std::array<std::string, static_cast<size_t>(Failure::count)> examples;

    void answered(uint16_t status, uint64_t latency) {
        answers.add(1);
        by_status[status].add(1);
        latency_us.add(latency);
        if (latency > latency_max_us.value()) latency_max_us.set(latency);
    }
    void served(uint64_t service) {
        service_us.add(service);
        if (service > service_max_us.value()) service_max_us.set(service);
    }
    void failed(Failure why, std::string_view example) {
        failures.add(1);
        auto kind = static_cast<size_t>(why);
        by_failure[kind].add(1);
        if (examples[kind].empty()) examples[kind] = example;
    }
    uint64_t count(Failure why) const { return by_failure[static_cast<size_t>(why)].value(); }

    // Adds what another has counted, which has ended.
    void add(const Tally& other);
};

}  // namespace ringx::bench
