#include "modules/proxy/answer.h"

#include "http/core_settings.h"
#include "http/http_date.h"
#include "http/length.h"
#include "http/pace.h"
#include "http/text.h"
#include "http/upstream_host.h"
#include "http/uri.h"
#include "modules/proxy/pass.h"
#include "modules/proxy/rewriting.h"
#include "modules/proxy/trailers.h"

namespace ringx::http::proxy {
namespace {

// What a request keeps of being passed on.
struct Passed {
    const Destination* destination = nullptr;
};

// One way there and back. It lives in the request's arena.
struct Round {
    Round(Request& request, const Settings& settings, const Goal& goal)
        : message(request, settings, goal.destination), rules(settings.rules) {
        settings.bind->apply(request, rules.socket);
        if (goal.destination.secure) tls = settings.tls.goal(request, goal.destination.host);
    }
    Message message;
    ExchangeRules rules;
    std::optional<UpstreamTls::Goal> tls;  // none: it is plain
};

bool ignores(const Settings& settings, Ignored what) { return settings.ignore_headers->has(what); }

bool has_error_page(const Request& request, uint16_t status) {
    return std::ranges::any_of(*request.core->error_pages, [status](const ErrorPageRule& rule) {
        return std::ranges::find(rule.codes, status) != rule.codes.end();
    });
}

// --- what the server wants of us

// X-Accel-Redirect: the answer is somewhere else in this server. These fields go with it.
Answer redirect(Request& request, const UpstreamHead& head, std::string_view target) {
    for (const UpstreamHead::Field& field : head.fields) {
        switch (field.id) {
            case UpstreamField::set_cookie:
            case UpstreamField::cache_control:
            case UpstreamField::expires:
                request.error_fields.add(request.arena, request.arena.copy(field.name),
                                         request.arena.copy(field.value));
                break;
            case UpstreamField::content_type: request.kept_type = request.arena.copy(field.value); break;
            default:
                if (!equals_ignore_case(field.name, "Content-Disposition")) break;
                request.error_fields.add(request.arena, "Content-Disposition", request.arena.copy(field.value));
        }
    }
    target = request.arena.copy(target);
    if (target.starts_with('@')) return Answer::named(target);
    if (!request.is_head()) {
        request.head.method = Method::get;
        request.head.method_text = "GET";
    }
    size_t question = target.find('?');
    bool has_args = question != target.npos;
    char* memory = request.arena.text(target.size());  // locations and files are found by clean paths only
    auto path = normalise_path(target.substr(0, question), false, memory);
    if (!path) return Answer::of_status(404);
    return Answer::redirect(*path, has_args ? target.substr(question + 1) : std::string_view(), has_args);
}

// The answer is a page of ours, if there is one for this status.
Answer intercept(Request& request, const UpstreamHead& head) {
    Answer answer = Answer::of_status(head.status);
    if (head.status != 401) return answer;
    for (const UpstreamHead::Field& field : head.fields) {
        if (field.id != UpstreamField::www_authenticate) continue;
        answer.response.fields.add(request.arena, "WWW-Authenticate", request.arena.copy(field.value));
    }
    return answer;
}

// --- the response

// A field of the server's, as it is sent. A location that was rewritten is one of ours and may become absolute.
void take_field(Request& request, const Settings& settings, const UpstreamHead::Field& field, Response& response) {
    if (settings.response_fields.hides(field)) return;
    std::optional<std::string_view> rewritten;
    switch (field.id) {
        case UpstreamField::location:
            rewritten = rewrite_location(request, *settings.redirects, field.value);
            if (!rewritten || !response.location.empty()) break;
            response.location = *rewritten;
            return;
        case UpstreamField::refresh:
            rewritten = rewrite_refresh(request, *settings.redirects, field.value);
            break;
        case UpstreamField::set_cookie: {
            CookieRules rules{*settings.cookie_domains, *settings.cookie_paths, *settings.cookie_flags};
            rewritten = rewrite_cookie(request, rules, field.value);
            break;
        }
        case UpstreamField::server: response.server = field.value; return;
        case UpstreamField::date: response.date = field.value; return;
        case UpstreamField::content_type: response.content_type = field.value; return;
        case UpstreamField::content_length: return;  // with the body
        case UpstreamField::trailer:
            if (response.make_trailers != nullptr) break;
            return;
        case UpstreamField::accept_ranges:
            if (*settings.force_ranges) return;
            break;
        case UpstreamField::last_modified:
            response.last_modified = parse_http_date(field.value).value_or(-1);
            if (response.last_modified < 0) break;
            response.last_modified_text = field.value;
            return;
        case UpstreamField::etag:
            if (!response.etag.empty()) break;
            response.etag = field.value;
            return;
        default: break;
    }
    response.fields.add(request.arena, field.name, rewritten.value_or(field.value));
}

// X-Accel-Limit-Rate: how fast the client gets the answer, wherever that comes from in the end.
void take_rate(Request& request, const Settings& settings, const UpstreamHead& head) {
    const UpstreamHead::Field* rate = head.find(UpstreamField::x_accel_limit_rate);
    if (rate == nullptr || ignores(settings, Ignored::x_accel_limit_rate)) return;
    if (auto bytes_a_second = parse_length(rate->value)) assign_rate(request, *bytes_a_second);
}

// How far ahead the body is read, and how fast: X-Accel-Buffering.
void set_pace(Request& request, const Settings& settings, Exchange& exchange) {
    const UpstreamHead& head = exchange.head();
    const UpstreamHead::Field* buffering = head.find(UpstreamField::x_accel_buffering);
    if (buffering != nullptr && !ignores(settings, Ignored::x_accel_buffering)) {
        if (equals_ignore_case(buffering->value, "no")) exchange.buffer(false);
        if (equals_ignore_case(buffering->value, "yes")) exchange.buffer(true);
    }
    exchange.limit_rate(evaluate_size(request, *settings.limit_rate));
}

Response make_response(Request& request, const Settings& settings, Exchange& exchange, const Sticky* sticky) {
    const UpstreamHead& head = exchange.head();
    set_pace(request, settings, exchange);
    Response response;
    response.is_foreign = true;
    response.status = head.status;
    exchange.give_body(response);  // texts of the head may move
    response.reason = head.reason;
    response.ranges_allowed = response.single_range = *settings.force_ranges;
    if (*settings.pass_trailers && head.framing == UpstreamHead::Framing::chunked) {
        response.make_trailers = passed_trailers;
    }
    for (const UpstreamHead::Field& field : head.fields) {
        if (!field.hop_by_hop) take_field(request, settings, field, response);
        // What was agreed on, or has to be (RFC 9110 section 15.5.22).
        bool names_protocol = field.id == UpstreamField::upgrade && (head.status == 101 || head.status == 426);
        if (names_protocol) response.fields.add(request.arena, field.name, field.value);
    }
    bool is_whole = head.status == 200 && request.method() == Method::get;
    if (is_whole) store_body(request, *settings.store, *settings.store_access, response);
    std::string_view cookie = sticky == nullptr ? "" : sticky->cookie_for(request, exchange.peer());
    if (!cookie.empty()) response.fields.add(request.arena, "Set-Cookie", cookie);
    return response;
}

Task<Answer> pass_on(Request& request, const Settings& settings, Goal goal) {
    Round& round = *request.arena.make<Round>(request, settings, goal);
    request.states.get<Passed>(request.arena).destination = &round.message.destination();
    const Upstream* upstream = goal.upstream;
    Exchange::Where where{.scheme = goal.destination.secure ? "https://" : "http://",
                          .uri = goal.destination.uri,
                          .tls = round.tls ? &*round.tls : nullptr,
                          .takes_body = *settings.pass_request_body && settings.body->empty()};
    if (upstream != nullptr) {
        round.rules.idle = {*upstream->keepalive, *upstream->keepalive_requests, *upstream->keepalive_time,
                            *upstream->keepalive_timeout, upstream->keepalive_local ? settings.rules.idle.owner : 0};
        where.peers = upstream->roster(request);
        where.wish = upstream->wish(request);
        where.sticky = upstream->sticky.get();
        where.queue = *upstream->queue;
        where.queue_timeout = upstream->queue_timeout;
    } else {
        FoundHost found = co_await find_upstream_host(request, goal.name, goal.port, round.rules.minds_client);
        if (!found) co_return Answer::of_status(found.error());
        where.peers = std::move(*found);
        round.rules.retry_budget.reset();  // nothing is remembered of such a host
    }
    Exchange& exchange = *request.arena.make<Exchange>(request, round.rules, round.message, where);
    uint16_t status = co_await exchange.run();
    if (status != 0) co_return Answer::of_status(status);

    const UpstreamHead& head = exchange.head();
    take_rate(request, settings, head);
    // An error is ours before it may have something else sent, as in nginx.
    if (*settings.intercept_errors && head.status >= 300 && has_error_page(request, head.status)) {
        co_await exchange.end();
        co_return intercept(request, head);
    }
    const UpstreamHead::Field* elsewhere = head.find(UpstreamField::x_accel_redirect);
    if (elsewhere != nullptr && !ignores(settings, Ignored::x_accel_redirect) && !elsewhere->value.empty()) {
        co_await exchange.end();
        co_return redirect(request, head, elsewhere->value);
    }
    co_return Answer::of(make_response(request, settings, exchange, where.sticky));
}

}  // namespace

Answer respond(Request& request) {
    if (request.method() == Method::connect) return Answer::of_status(405);  // a tunnel is not ours to ask for
    const Settings& ours = settings.in(*request.block);
    auto goal = find_goal(request, ours);
    if (!goal) return Answer::of_status(500);
    return Answer::later(pass_on(request, ours, *goal));
}

HealthTalk begin_health_talk(Request& request, std::string_view uri) {
    const Settings& ours = settings.in(*request.block);
    const Pass& pass = ours.pass;
    Goal goal;
    goal.destination = {pass.secure, pass.host, pass.port, uri};
    Round& round = *request.arena.make<Round>(request, ours, goal);
    request.states.get<Passed>(request.arena).destination = &round.message.destination();
    return {&round.message, &round.rules, round.tls ? &*round.tls : nullptr};
}

const Destination* destination_of(const Request& request) {
    const Passed* passed = request.states.find<Passed>();
    return passed == nullptr ? nullptr : passed->destination;
}

}  // namespace ringx::http::proxy
