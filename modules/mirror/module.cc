// modules/mirror/module.cc - requests are sent somewhere else, too: `mirror`, `mirror_request_body`.
//
// Each mirror is a subrequest in the background, with the method, the fields and, once it has been read, the body of
// the request. Its answer is passed over. As in nginx a body is read before the request goes on, also where a proxy
// would have passed it on as it comes.
#include <vector>

#include "http/module.h"
#include "http/request_body.h"
#include "http/subrequest.h"

namespace ringx::http {
namespace {

struct Settings {
    Setting<std::vector<std::string_view>> uris;  // none: off
    Setting<bool> request_body{true};
};

constinit conf::Slot<Settings> settings;

void add_uri(Settings& settings, conf::Binding& binding) {
    bool is_off = binding.words()[0].text == "off";
    bool was_off = settings.uris.given && settings.uris->empty();
    if (was_off || (is_off && settings.uris.given)) return binding.duplicate();
    if (!is_off) settings.uris.value.push_back(binding.words()[0].text);
    settings.uris.given = true;
}

constexpr auto anywhere = conf::http | conf::server | conf::location;

constexpr conf::Directive directives[] = {
    conf::custom<&add_uri, &Settings::uris>("mirror", anywhere, {1, 1},
                                            "Where subrequests go that nobody waits for.")
        .shown_as("uri | off"),
    conf::value<&Settings::request_body>("mirror_request_body", anywhere, "Whether they have the request's body."),
};

void start_all(Request& request, const Settings& ours) {
    for (std::string_view uri : *ours.uris) {
        Answer::Target target{uri, request.args, request.has_args};
        start_in_background(request, {.target = target, .keeps_method = true, .takes_body = *ours.request_body});
    }
}

Task<Answer> read_body(Request& request) {
    Result<> held = co_await request.body->hold(request);
    if (!held) {
        request.body->log_refusal(request);
        co_return Answer::of_status(RequestBody::status_of(held.error()));
    }
    start_all(request, settings.in(*request.block));
    co_return Answer::pass();
}

Answer mirror(Request& request) {
    if (request.is_subrequest()) return Answer::pass();
    const Settings& ours = settings.in(*request.block);
    bool reads_body = *ours.request_body && request.body != nullptr && request.body->may_be_held();
    if (reads_body) return Answer::later(read_body(request));
    start_all(request, ours);
    return Answer::pass();
}

}  // namespace

extern constinit const Module mirror_module = {
    .name = "mirror",
    .directives = directives,
    .settings = &settings,
    .applies = [](const conf::Block& block) { return !settings.in(block).uris->empty(); },
    .precontent = mirror,
};

}  // namespace ringx::http
