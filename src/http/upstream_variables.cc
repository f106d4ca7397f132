#include "http/upstream_variables.h"

#include "base/format.h"
#include "http/field_variables.h"
#include "http/request.h"
#include "http/upstream_body.h"
#include "http/upstream_head.h"
#include "http/upstream_tries.h"

namespace ringx::http {
namespace {

const UpstreamTries* tries_of(const Request& request) { return request.states.find<UpstreamTries>(); }

// One value for each try, as `append` writes it.
template <typename Append>
VariableValue for_each_try(Request& request, Append append) {
    const UpstreamTries* tries = tries_of(request);
    if (tries == nullptr || tries->first() == nullptr) return std::nullopt;
    std::string text;
    for (const UpstreamTry* one = tries->first(); one != nullptr; one = one->next) {
        if (!text.empty()) text += one->begins_group ? " : " : ", ";
        append(text, *one);
    }
    return request.arena.copy(text);
}

// Seconds with milliseconds.
void append_time(std::string& text, std::optional<uint64_t> microseconds) {
    if (!microseconds) {
        text += '-';
        return;
    }
    uint64_t milliseconds = *microseconds / 1000;
    text += text::format("{}.{:03}", milliseconds / 1000, milliseconds % 1000);
}

template <auto member>
VariableValue time_of(Request& request, const VariableUse&) {
    return for_each_try(request, [](std::string& text, const UpstreamTry& one) { append_time(text, one.*member); });
}

template <auto member>
VariableValue number_of(Request& request, const VariableUse&) {
    return for_each_try(request, [](std::string& text, const UpstreamTry& one) {
        text += text::format("{}", one.*member);
    });
}

VariableValue addresses(Request& request, const VariableUse&) {
    return for_each_try(request, [](std::string& text, const UpstreamTry& one) { text += one.peer; });
}

VariableValue statuses(Request& request, const VariableUse&) {
    return for_each_try(request, [](std::string& text, const UpstreamTry& one) {
        if (one.status == 0) text += '-';
        else text += text::format("{}", one.status);
    });
}

VariableValue last_address(Request& request, const VariableUse&) {
    const UpstreamTries* tries = tries_of(request);
    if (tries == nullptr || tries->last() == nullptr) return std::nullopt;
    return tries->last()->peer;
}

const UpstreamHead* head_of(const Request& request) {
    const UpstreamTries* tries = tries_of(request);
    return tries == nullptr ? nullptr : tries->head;
}

VariableValue field(Request& request, const VariableUse& use) {
    const UpstreamHead* head = head_of(request);
    if (head == nullptr) return std::nullopt;
    VariableValue value;
    for (const UpstreamHead::Field& one : head->fields) {
        if (!is_named(one.name, use.suffix)) continue;
        value = value ? request.arena.join({*value, ", ", one.value}) : one.value;
    }
    return value;
}

VariableValue trailer(Request& request, const VariableUse& use) {
    const UpstreamTries* tries = tries_of(request);
    std::string_view text = tries == nullptr ? std::string_view() : tries->trailers;
    VariableValue value;
    while (auto one = take_trailer(text)) {
        if (!is_named(one->name, use.suffix)) continue;
        value = value ? request.arena.join({*value, ", ", one->value}) : one->value;
    }
    return value;
}

// Of the Set-Cookie that names it.
VariableValue set_cookie(Request& request, const VariableUse& use) {
    const UpstreamHead* head = head_of(request);
    if (head == nullptr) return std::nullopt;
    for (const UpstreamHead::Field& one : head->fields) {
        if (one.id != UpstreamField::set_cookie) continue;
        size_t equals = one.value.find('=');
        std::string_view name = one.value.substr(0, equals);
        if (equals == name.npos || !is_named(name, use.suffix)) continue;
        std::string_view value = one.value.substr(equals + 1);
        return value.substr(0, value.find(';'));
    }
    return std::nullopt;
}

constexpr Variable variables[] = {
    {"upstream_addr", addresses},
    Variable::known_at_end("upstream_bytes_received", number_of<&UpstreamTry::bytes_received>),
    Variable::known_at_end("upstream_bytes_sent", number_of<&UpstreamTry::bytes_sent>),
    {"upstream_connect_time", time_of<&UpstreamTry::connect_us>},
    {"upstream_cookie_", set_cookie, true},
    {"upstream_header_time", time_of<&UpstreamTry::header_us>},
    {"upstream_http_", field, true},
    {"upstream_last_addr", last_address},
    {"upstream_queue_time", time_of<&UpstreamTry::queue_us>},
    Variable::known_at_end("upstream_response_length", number_of<&UpstreamTry::body_bytes>),
    Variable::known_at_end("upstream_response_time", time_of<&UpstreamTry::response_us>),
    {"upstream_status", statuses},
    {"upstream_trailer_", trailer, true},
};

}  // namespace

extern constinit const Module upstream_variables_module = {.name = "upstream_variables", .variables = variables};

}  // namespace ringx::http
