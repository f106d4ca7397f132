// bench/plan.h - what the threads of a run share: whom they ask, what they say, and how long they are patient.
//
// Made once before they start, and then only read.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "bench/options.h"
#include "bench/request_tape.h"
#include "http/head.h"
#include "net/address.h"
#include "net/tls_client_context.h"

namespace ringx::bench {

struct Plan {
    Options options;  // its `urls` are those of this run
    Address address;
    RequestTape tape;
    http::Method method = http::Method::get;  // HEAD, or another: answers end in the same way to all of these
    uint64_t timeout_ms = 0;
    std::shared_ptr<const TlsClientContext> tls;  // null: none
    std::string tls_name;
    std::string tls_address;
    EngineSettings engine;

    // Looks the host up, and settles which of its addresses answers. The sentence says what is wrong.
    static std::expected<Plan, std::string> make(const Options& options);
};

// The parsers' sentences are a proxy's: here there is one other side only.
std::string plain_words(std::string_view sentence);

}  // namespace ringx::bench
