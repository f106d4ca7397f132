// http/limits.h - what limits of requests and of connections have in common: levels, verdicts, keys.
//
// A limit counts in a shared zone by a key. The first limit of a kind that a request comes to decides about it, once,
// however often it is redirected; the verdict is a variable.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/log.h"
#include "conf/value.h"
#include "http/request.h"
#include "http/variables.h"
#include "net/zones.h"

namespace ringx::http {

enum class LimitVerdict : uint8_t { none, passed, delayed, rejected, delayed_dry_run, rejected_dry_run };

// "PASSED"; nothing for none.
VariableValue verdict_text(LimitVerdict verdict);

// The levels refusals may be logged with.
enum class LimitLevel : uint8_t { info, notice, warn, error };

constexpr std::array<conf::Choice<LimitLevel>, 4> choices(LimitLevel) {
    return {{{"info", LimitLevel::info},
             {"notice", LimitLevel::notice},
             {"warn", LimitLevel::warn},
             {"error", LimitLevel::error}}};
}

Level log_level(LimitLevel level);

// The key of a request, written as `source`; nothing when it is not to be limited: the key is empty, or too long, which
// is logged.
std::optional<std::string_view> limit_key(Request& request, const Template& key, std::string_view source,
                                          size_t bytes_max);

// Complains in the log that the zone had to be emptied.
void report_repair(Request& request, const NamedZone& zone);

// Declares a zone for limits of one kind; complains and gives null when that cannot be.
NamedZone* declare_limit_zone(conf::Binding& binding, const conf::Word& key, const conf::Word& word,
                              const ZoneName& declared, std::string_view what_for);

}  // namespace ringx::http
