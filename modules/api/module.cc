// modules/api/module.cc - the server is seen and steered over HTTP: `api`.
//
// A location of `api` is where paths of the API begin. What can be asked is the table of endpoints; here is what holds
// for all of them: what is not there or not allowed, who may write, and bodies.
#include <optional>
#include <string>
#include <utility>

#include "base/format.h"
#include "http/core_settings.h"
#include "http/delay.h"
#include "http/module.h"
#include "http/request_body.h"
#include "http/server_settings.h"
#include "http/site.h"
#include "http/status_zones.h"
#include "modules/api/call.h"
#include "modules/api/endpoints.h"
#include "modules/api/reply.h"
#include "modules/api/write_rules.h"

namespace ringx::http::api {
namespace {

// More than anything that can be said to us takes.
constexpr size_t body_bytes_max = 64 << 10;

struct Settings {
    Setting<std::string_view> prefix;  // of the location
    Setting<bool> may_write{false};
};

constinit conf::Slot<Settings> settings;

// --- what is refused whoever would answer

bool has_body(const Request& request) {
    return request.head.framing == Framing::chunked || request.head.content_length > 0;
}

Answer refuse_large(Request& request) {
    return refuse(request, 413, "too_large", "The body is larger than anything that is taken here.");
}

Answer refuse_method(Request& request, std::string_view path) {
    Answer answer = refuse(request, 405, "method_not_allowed", "This cannot be asked with that method.");
    std::string methods = allowed_methods(endpoints(), path);
    answer.response.fields.add(request.arena, "Allow", request.arena.copy(methods));
    return answer;
}

std::optional<Answer> refuse_order(Request& request, const Settings& ours) {
    if (!*ours.may_write) {
        return refuse(request, 403, "read_only", "Nothing can be changed here: the location has no \"api write=on\".");
    }
    if (is_cross_site(request.head)) {
        return refuse(request, 403, "cross_site", "Pages of other sites may change nothing.");
    }
    if (is_strange_name(request.head, request.server->settings->names)) {
        return refuse(request, 403, "unknown_host", "A browser has to use a name of \"server_name\", or an address.");
    }
    if (!has_body(request)) return std::nullopt;
    if (!is_json(request.head.value(Header::content_type))) {
        return refuse(request, 415, "not_json", "Bodies are taken with Content-Type: application/json only.");
    }
    if (request.head.content_length > body_bytes_max) return refuse_large(request);
    return std::nullopt;
}

// --- answering

// False: it is too large.
Task<Result<bool>> read_body(RequestBody& body, std::string& text) {
    if (body.is_held()) body.rewind();
    for (;;) {
        Result<std::string_view> part = co_await body.next();
        if (!part) co_return std::unexpected(part.error());
        if (part->empty()) co_return true;
        if (text.size() + part->size() > body_bytes_max) co_return false;
        text += *part;
    }
}

Answer give_up(Request& request, Error error) {
    request.body->log_refusal(request);
    request.keep_alive = false;
    uint16_t status = RequestBody::status_of(error);
    if (status == client_left) return Answer::of_status(status);
    if (status == 413) return refuse_large(request);
    return refuse(request, status, "broken_body", "The body did not come to its end.");
}

Task<Answer> read_and_answer(Call& call, const Endpoint& endpoint) {
    Request& request = call.request;
    std::string text;
    if (has_body(request)) {
        RequestBody& body = *request.body;
        Result<bool> fits = co_await read_body(body, text);
        if (!fits) co_return give_up(request, fits.error());
        if (!*fits) co_return refuse_large(request);
    }
    auto object = JsonObject::parse(text);
    if (!object) co_return refuse(request, 400, "bad_json", object.error());
    call.body = std::move(*object);
    Answer answer = endpoint.answer(call);
    if (answer.kind != Answer::Kind::later) co_return answer;
    Task<Answer>& task = answer.task;
    Answer told = co_await task;
    co_return told;
}

// Of the request's URI, behind the name of the location; where that ends within a segment, nothing is below it.
std::string_view path_below(std::string_view prefix, std::string_view uri) {
    if (prefix.ends_with('/')) prefix.remove_suffix(1);
    if (!uri.starts_with(prefix)) return {};
    uri.remove_prefix(prefix.size());
    return uri.starts_with('/') ? uri.substr(1) : std::string_view();
}

Answer respond(Request& request) {
    const Settings& ours = settings.in(*request.block);
    std::string_view path = path_below(*ours.prefix, request.uri);
    Found found = find_endpoint(endpoints(), request.method(), path);
    if (!found.has_path) return refuse(request, 404, "unknown_path", "There is nothing here.");
    if (found.endpoint == nullptr) return refuse_method(request, path);
    const Endpoint& endpoint = *found.endpoint;
    if (endpoint.rights == Endpoint::Rights::write) {
        auto refusal = refuse_order(request, ours);
        if (refusal) return std::move(*refusal);
        request.log().write(Level::notice, request.log_context(), "an order came through the api");
    }
    for (std::string_view& parameter : found.parameters) parameter = request.arena.copy(parameter);
    Call& call = *request.arena.make<Call>(request, found.parameters);
    call.may_write = *ours.may_write;
    if (endpoint.takes == Endpoint::Takes::nothing) return endpoint.answer(call);
    return Answer::later(read_and_answer(call, endpoint));
}

// --- the directive

void set_api(Settings& settings, conf::Binding& binding) {
    if (settings.prefix.given) return binding.duplicate();
    const LocationName& location = location_settings.in(binding.block()).name;
    bool has_prefix = location.kind == LocationName::Kind::prefix || location.kind == LocationName::Kind::final;
    if (!has_prefix) {
        return binding.mistake(binding.name_word(), "\"api\" directive needs a location with a prefix",
                               "expected as in: location /api/ { api; }");
    }
    if (!binding.words().empty()) {
        const conf::Word& word = binding.words()[0];
        if (word.text != "write=on" && word.text != "write=off") {
            return binding.mistake(word, text::format("invalid parameter \"{}\"", word.text),
                                   "expected write=on or write=off");
        }
        settings.may_write.give(word.text == "write=on");
    }
    settings.prefix.give(location.text);
    core_settings.in(binding.block()).handler = respond;
    status_zones.in(binding.block()).want();
}

constexpr conf::Directive directives[] = {
    conf::custom<&set_api, &Settings::prefix, &Settings::may_write>(
        "api", conf::location, {0, 1}, "Answer with figures and take orders, as JSON.").shown_as("[write=on | off]"),
};

}  // namespace

}  // namespace ringx::http::api

namespace ringx::http {

extern constinit const Module api_module = {
    .name = "api",
    .directives = api::directives,
    .settings = &api::settings,
};

}  // namespace ringx::http
