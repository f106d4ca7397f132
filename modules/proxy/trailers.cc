#include "modules/proxy/trailers.h"

#include <algorithm>

#include "http/text.h"
#include "http/upstream_body.h"
#include "http/upstream_tries.h"
#include "modules/proxy/settings.h"

namespace ringx::http::proxy {
namespace {

constexpr std::string_view kept_back[] = {
    // where a message ends, and what concerns one connection alone
    "Connection", "Content-Length", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
    // where it goes, and what is asked for
    "Cache-Control", "Expect", "Host", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range",
    "If-Unmodified-Since", "Max-Forwards", "Pragma", "Range",
    // who may
    "Authorization", "Cookie", "Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Authorization", "Set-Cookie",
    "WWW-Authenticate",
    // what is done with the answer, and what it is
    "Age", "Content-Encoding", "Content-Range", "Content-Type", "Date", "Expires", "Location", "Refresh", "Retry-After",
    "Vary", "Warning",
};

bool may_pass(const Trailer& trailer) {
    return std::ranges::none_of(kept_back, [&](std::string_view name) {
        return equals_ignore_case(name, trailer.name);
    });
}

}  // namespace

ResponseFields passed_trailers(Request& request) {
    ResponseFields fields;
    const auto* tries = request.states.find<UpstreamTries>();
    const ResponseFieldRules& rules = settings.in(*request.block).response_fields;
    std::string_view text = tries == nullptr ? std::string_view() : tries->trailers;
    while (auto trailer = take_trailer(text)) {
        UpstreamHead::Field field{trailer->name, trailer->value, recognise_upstream_field(trailer->name)};
        if (may_pass(*trailer) && !rules.hides(field)) fields.add(request.arena, field.name, field.value);
    }
    return fields;
}

}  // namespace ringx::http::proxy
