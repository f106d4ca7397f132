// net/tls_metrics.h - what is counted of handshakes with clients: for each worker, and each server zone.
//
// A handshake counts when it is over, in the zone of the server whose certificate was to be shown. It begins with a
// whole ClientHello: who connects and says nothing, or leaves a greeting unfinished, has not begun one.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/counter.h"
#include "base/histogram.h"

namespace ringx {

// Why a handshake failed.
enum class TlsFailure : uint8_t {
    no_common_protocol,
    no_common_cipher,
    client_refused,  // it said so: it does not like our certificate, mostly
    refused,         // we do not want to: ssl_reject_handshake
    closed,          // the client left
    timed_out,
    other,           // what came was broken
};

struct TlsMetrics {
    static constexpr std::string_view kind = "tls";
    static constexpr size_t gauges = 0;
    static constexpr size_t versions = 5;  // TLS 1.0 to 1.3, and older ones
    static constexpr size_t reasons = static_cast<size_t>(TlsFailure::other) + 1;

    std::array<Counter, versions> handshakes;
    Counter resumptions;  // those of them that went on with a session
    std::array<Counter, reasons> failures;
    Histogram duration_us;  // of the good ones

    void add(const TlsMetrics& other, bool living = true);
    void count(int version, bool is_resumed, uint64_t us);
    void count(TlsFailure failure) { failures[static_cast<size_t>(failure)].add(1); }
};

// What an error of OpenSSL's means that has ended a handshake.
TlsFailure tls_failure(unsigned long openssl_error);

}  // namespace ringx
