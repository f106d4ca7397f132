// modules/auth_request/module.cc - somebody else says whether a request is let in: `auth_request`, `auth_request_set`.
//
// A subrequest goes to a location of ours, from there usually to a server that knows users, and its status is the
// verdict. It has the fields of the client's request and no body. Variables that are set take what it brought with it.
#include <vector>

#include "http/module.h"
#include "http/subrequest.h"
#include "http/text.h"

namespace ringx::http {
namespace {

// One `auth_request_set`.
struct Assignment {
    const VariableUse* variable;
    Template value;  // is the subrequest's
};

struct Settings {
    Setting<std::string_view> uri;  // empty: off
    Setting<std::vector<Assignment>> assignments;
};

constinit conf::Slot<Settings> settings;

void set_uri(Settings& settings, conf::Binding& binding) {
    if (settings.uri.given) return binding.duplicate();
    std::string_view uri = binding.words()[0].text;
    settings.uri.give(uri == "off" ? std::string_view() : uri);
}

VariableValue unassigned(Request&, const VariableUse&) { return std::nullopt; }

void add_assignment(Settings& settings, conf::Binding& binding) {
    const conf::Word& word = binding.words()[0];
    auto name = variable_name(binding, word);
    if (!name) return;
    VariableNames& names = variable_names.in(binding.block());
    const VariableUse* variable = names.define_assignable(binding, word, *name, unassigned);
    auto value = Template::compile(binding, binding.words()[1]);
    if (variable == nullptr || !value) return;
    settings.assignments.value.push_back({variable, std::move(*value)});
    settings.assignments.given = true;
}

constexpr auto anywhere = conf::http | conf::server | conf::location;

constexpr conf::Directive directives[] = {
    conf::custom<&set_uri, &Settings::uri>("auth_request", anywhere, {1, 1},
                                           "Where a subrequest goes whose status says whether a request is let in.")
        .shown_as("uri | off"),
    conf::custom<&add_assignment, &Settings::assignments>("auth_request_set", anywhere, {2, 2},
                                                          "Assign to a variable when that subrequest has ended.")
        .shown_as("$variable value"),
};

// Who is to log in is told how.
Answer ask_for_credentials(Request& request, const Response& response) {
    Answer answer = Answer::of_status(401);
    for (const ResponseField* field = response.fields.first(); field != nullptr; field = field->next) {
        if (!equals_ignore_case(field->name, "WWW-Authenticate")) continue;
        answer.response.fields.add(request.arena, "WWW-Authenticate", request.arena.copy(field->value));
    }
    return answer;
}

Answer judge(Request& request, const Response& response) {
    uint16_t status = response.status;
    if (status == 403) return Answer::of_status(403);
    if (status == 401) return ask_for_credentials(request, response);
    if (status >= 200 && status < 300) return Answer::granted();
    request.log().write(Level::error, request.log_context(), "auth request unexpected status: {}", status);
    return Answer::of_status(500);
}

Task<Answer> ask(Request& request) {
    const Settings& ours = settings.in(*request.block);
    Subrequest subrequest(request, {.target = {*ours.uri, {}, false}});
    co_await subrequest.run();
    for (const Assignment& assignment : *ours.assignments) {
        std::string_view value = assignment.value.evaluate(subrequest.request());
        assignment.variable->assign(request, request.arena.copy(value));
    }
    bool is_abandoned = subrequest.is_abandoned();
    Answer answer = is_abandoned ? Answer::of_status(client_left) : judge(request, subrequest.response());
    co_await subrequest.end();
    co_return answer;
}

Answer authorise(Request& request) { return Answer::later(ask(request)); }

}  // namespace

extern constinit const Module auth_request_module = {
    .name = "auth_request",
    .directives = directives,
    .settings = &settings,
    .applies = [](const conf::Block& block) { return !settings.in(block).uri->empty(); },
    .access = authorise,
};

}  // namespace ringx::http
