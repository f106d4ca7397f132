#include "http/pipeline.h"

#include <algorithm>
#include <utility>

#include "http/built_in_pages.h"
#include "http/conditional.h"
#include "http/delay.h"
#include "http/escape.h"
#include "http/file_body.h"
#include "http/redirect_location.h"
#include "http/response_head.h"
#include "http/status.h"

namespace ringx::http {
namespace {

// After these the connection is closed: where the request ends is in doubt, or its body will not be read.
bool ends_connection(uint16_t status) {
    switch (status) {
        case 400: case 413: case 414: case 494: case 495: case 496: case 497: case 500: case 501: case 505: return true;
        default: return false;
    }
}

bool is_redirect(uint16_t status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

void enter_stage(Request& request, Stage stage) {
    request.stage = stage;
    request.step = 0;
}

void start(Request& request, const Location& location, Stage stage) {
    enter(request, location);
    request.uri_changed = false;
    enter_stage(request, stage);
}

// Counts changes of the URI of all kinds, as nginx does: ten are allowed. A configuration that sends requests in
// circles is stopped here.
bool may_redirect(Request& request, std::string_view doing, std::string_view uri) {
    if (request.redirects_left > 0 && --request.redirects_left > 0) return true;
    request.log().write(Level::error, request.log_context(),
                        "rewrite or internal redirection cycle while {} \"{}\"", doing, uri);
    return false;
}

// Guessing passwords can be made slow: `auth_delay`.
Task<Answer> refuse_later(Request& request, Answer* refusal) {
    request.log().write(Level::info, request.log_context(), "delaying unauthorized request");
    bool passed = co_await delay(request, static_cast<uint64_t>(request.core->auth_delay->count()));
    co_return passed ? std::move(*refusal) : Answer::of_status(client_left);
}

// Access is refused, and that is the last word of the phase.
Answer refuse_access(Request& request, Answer&& refusal) {
    enter_stage(request, Stage::precontent);
    if (refusal.status != 401 || request.core->auth_delay->count() == 0) return std::move(refusal);
    return Answer::later(refuse_later(request, request.arena.make<Answer>(std::move(refusal))));
}

// Only its last slash is missing for the name of a location.
Answer add_slash(Request& request, std::string_view name) {
    Answer answer = Answer::of_status(301);
    std::string location;
    escape_uri(name, UriPart::path, location);
    if (!request.args.empty()) location.append("?").append(request.args);
    answer.response.location = request.arena.copy(location);
    return answer;
}

}  // namespace

Answer find_location(Request& request) {
    const Location& outside = request.server->outside;
    const Location* found = outside.inner.find(request.uri, request);
    if (found == nullptr) found = &outside;
    start(request, *found, Stage::rewrite);
    std::string_view name = found->name->text;
    if (found->name->kind != LocationName::Kind::regex && name.size() > request.uri.size()) {
        return add_slash(request, name);
    }
    if (*found->core->internal && !request.internal) return Answer::of_status(404);
    uint64_t body_max = *request.core->client_max_body_size;
    bool has_length = request.head.framing == Framing::length;
    if (has_length && body_max != 0 && request.head.content_length > body_max && !request.body_refused) {
        request.body_refused = true;
        request.log().write(Level::error, request.log_context(), "client intended to send too large body: {} bytes",
                            request.head.content_length);
        return Answer::of_status(413);
    }
    return Answer::pass();
}

Answer follow_changed_uri(Request& request) {
    if (!request.uri_changed) return Answer::pass();
    enter_stage(request, Stage::find_location);
    if (!may_redirect(request, "processing", request.uri)) return Answer::of_status(500);
    return Answer::pass();
}

Answer refuse_unless_granted(Request& request) {
    if (request.refusal == nullptr) return Answer::pass();
    Answer& refusal = *std::exchange(request.refusal, nullptr);
    if (refusal.status == 403) {
        request.log().write(Level::error, request.log_context(), "access forbidden by rule");
    }
    return refuse_access(request, std::move(refusal));
}

Answer nothing_answered(Request& request) {
    if (!request.uri.ends_with('/')) return Answer::of_status(404);
    request.log().write(Level::error, request.log_context(), "directory index of \"{}\" is forbidden", request.uri);
    return Answer::of_status(403);
}

void enter(Request& request, const Location& location) {
    bool is_exempt = (location.exempt_methods >> static_cast<unsigned>(request.method()) & 1) != 0;
    const Location& entered = location.limited == nullptr || is_exempt ? location : *location.limited;
    request.location = &entered;
    request.block = entered.block;
    request.core = entered.core;
}

// What is due until somebody has the last word.
Answer Pipeline::run() {
    for (;;) {
        const std::vector<Phases::Step>& steps = request_.location->phases.steps(request_.stage);
        if (request_.step >= steps.size()) {
            enter_stage(request_, static_cast<Stage>(static_cast<uint8_t>(request_.stage) + 1));
            // Who may have the main request's answer may have what it is made of.
            bool is_let_in = request_.stage == Stage::access && request_.is_subrequest();
            if (is_let_in) enter_stage(request_, Stage::precontent);
            continue;
        }
        Answer answer = steps[request_.step++](request_);
        if (answer.kind != Answer::Kind::pass && !act(answer)) return answer;
    }
}

Answer Pipeline::run_at(const Answer::Target& target) {
    go_to(target);
    return run();
}

Answer Pipeline::resume(Answer said) {
    if (!act(said)) return said;
    return run();
}

Answer Pipeline::refuse(uint16_t status) {
    enter_stage(request_, Stage::nothing);
    return resume(Answer::of_status(status));
}

bool Pipeline::act(Answer& answer) {
    if (request_.stage == Stage::access && weigh(answer)) return true;
    switch (answer.kind) {
        case Answer::Kind::pass:
        case Answer::Kind::granted: return true;
        case Answer::Kind::later: return false;
        case Answer::Kind::redirect: return redirect(answer);
        case Answer::Kind::named: return go_to_named(answer);
        case Answer::Kind::status: return show_error(answer);
        case Answer::Kind::response: return finish(answer);
    }
    return false;
}

// Whether what was said in the access phase is not the last word: with `satisfy any` one who grants is enough, and who
// refuses is only remembered. Who asks for credentials is preferred, since they may be given.
bool Pipeline::weigh(Answer& answer) {
    bool any = *request_.core->satisfy == CoreSettings::Satisfy::any;
    bool refused = answer.kind == Answer::Kind::status && (answer.status == 401 || answer.status == 403);
    if (any && answer.kind == Answer::Kind::granted) {
        request_.refusal = nullptr;
        enter_stage(request_, Stage::precontent);
        return true;
    }
    if (any && refused) {
        bool asks_already = request_.refusal != nullptr && request_.refusal->status == 401;
        if (!asks_already) request_.refusal = request_.arena.make<Answer>(std::move(answer));
        return true;
    }
    if (refused) answer = refuse_access(request_, std::move(answer));
    return false;
}

bool Pipeline::redirect(Answer& answer) {
    if (!may_redirect(request_, "internally redirecting to", answer.target.uri)) {
        answer = Answer::of_status(500);
        return show_error(answer);
    }
    go_to(answer.target);
    return true;
}

void Pipeline::go_to(const Answer::Target& target) {
    request_.uri = target.uri;
    request_.args = target.args;
    request_.has_args = target.has_args;
    request_.uri_is_clients = false;
    request_.uri_is_locations = true;
    request_.internal = true;
    request_.alias_takes_uri = false;
    start(request_, request_.server->outside, Stage::server_rewrite);
}

bool Pipeline::go_to_named(Answer& answer) {
    const Location* location = request_.server->outside.inner.find_named(answer.target.uri);
    if (location == nullptr) {
        request_.log().write(Level::error, request_.log_context(), "could not find named location \"{}\"",
                             answer.target.uri);
    }
    if (location == nullptr || !may_redirect(request_, "redirect to named location", answer.target.uri)) {
        answer = Answer::of_status(500);
        return show_error(answer);
    }
    request_.internal = true;
    request_.alias_takes_uri = false;
    start(request_, *location, Stage::rewrite);
    return true;
}

const ErrorPageRule* Pipeline::error_page_for(uint16_t status) const {
    if (request_.is_error_page || request_.redirects_left == 0) return nullptr;
    for (const ErrorPageRule& rule : *request_.core->error_pages) {
        if (std::ranges::find(rule.codes, status) != rule.codes.end()) return &rule;
    }
    return nullptr;
}

// The page the administrator wants for a status, or our own.
bool Pipeline::show_error(Answer& answer) {
    if (answer.status == client_left) {
        answer = Answer::in_place();
        answer.response.status = client_left;
        return false;
    }
    request_.error_status = answer.status;
    if (ends_connection(answer.status)) request_.keep_alive = false;
    if (const ErrorPageRule* rule = error_page_for(answer.status)) {
        if (!*request_.core->recursive_error_pages) request_.is_error_page = true;
        request_.error_location = answer.response.location;
        request_.error_fields = answer.response.fields;
        return follow_error_page(*rule, answer);
    }
    Response page = built_in_page(request_, answer.status);
    page.location = answer.response.location;
    page.fields = answer.response.fields;
    answer = Answer::of(std::move(page));
    return finish(answer);
}

bool Pipeline::follow_error_page(const ErrorPageRule& rule, Answer& answer) {
    if (rule.overwrite >= 0) request_.error_status = static_cast<uint16_t>(rule.overwrite);
    std::string_view target = rule.target.evaluate(request_);
    if (target.starts_with('@')) {
        answer = Answer::named(target);
        return go_to_named(answer);
    }
    if (target.starts_with('/')) {
        if (!request_.is_head()) {
            request_.head.method = Method::get;
            request_.head.method_text = "GET";
        }
        size_t question = target.find('?');
        bool has_args = question != std::string_view::npos;
        std::string_view args = has_args ? target.substr(question + 1) : std::string_view();
        answer = Answer::redirect(target.substr(0, question), args, has_args);
        return redirect(answer);
    }
    uint16_t status = request_.error_status;
    if (!is_redirect(status)) status = 302;
    request_.error_status = status;
    Response page = built_in_page(request_, status);
    page.location = target;
    answer = Answer::of(std::move(page));
    return finish(answer);
}

// What is done to every response before it leaves. It may turn out that another has to be sent: then true, as act().
bool Pipeline::finish(Answer& answer) {
    Response& response = answer.response;
    bool has_own_type = response.is_foreign && !response.content_type.empty();
    if (request_.error_status != 0) response.status = sent_status(request_.error_status);
    else if (!request_.kept_type.empty() && !has_own_type) response.content_type = request_.kept_type;
    if (response.location.empty()) response.location = request_.error_location;
    for (const ResponseField* field = request_.error_fields.first(); field != nullptr; field = field->next) {
        response.fields.add(request_.arena, field->name, field->value);
    }
    request_.error_fields = {};  // another page that takes this one's place gets them from it
    if (request_.is_subrequest()) return false;  // what follows is for clients
    // Conditions ask about what the handler gave; ranges are cut from what the filters made of it.
    uint16_t refused = apply_conditions(request_, response);
    if (refused == 0) {
        request_.making = &response;
        for (auto filter : request_.location->phases.filters) filter(request_, response);
        request_.making = nullptr;
        refused = apply_ranges(request_, response);
    }
    if (refused != 0) {
        answer.status = refused;
        return show_error(answer);
    }
    if (!response.location.empty()) response.location = absolute_location(request_, response.location);
    // sendfile would bring the file back into the page cache, and not at every offset.
    bool must_be_read = response.file && response.file->is_direct && response.has_pieces();
    // Trailers need a chunked body, which has no pieces.
    bool has_trailers = response.make_trailers != nullptr && body_end(request_, response) == BodyEnd::chunked;
    if (has_trailers) response.content_length = std::nullopt;
    if (response.source == nullptr && (must_be_read || has_trailers)) {
        response.source = read_pieces(request_, response);
    }
    if (!request_.keep_alive) response.keep_alive = false;
    return false;
}

}  // namespace ringx::http
