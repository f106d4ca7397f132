#include "http/health_match.h"

#include <algorithm>

#include "base/format.h"
#include "conf/value.h"
#include "http/text.h"

namespace ringx::http {
namespace {

std::string wrong_count(std::string_view what) {
    return text::format("invalid number of arguments in \"{}\" directive", what);
}

std::optional<uint16_t> read_status(std::string_view text) {
    auto status = conf::parse_unsigned(text, 999);
    if (!status || text.size() != 3 || *status < 100) return std::nullopt;
    return static_cast<uint16_t>(*status);
}

// Compiles it into `into`; why that cannot be, or empty.
std::string compile(std::string_view pattern, std::unique_ptr<Regex>& into) {
    auto compiled = Regex::compile(pattern, false);
    if (!compiled) return std::move(compiled.error().sentence);
    into = std::move(*compiled);
    return {};
}

}  // namespace

std::string HealthMatch::add(std::span<const std::string_view> words) {
    std::string_view what = words.empty() ? std::string_view() : words[0];
    if (what == "status") return add_status(words.subspan(1));
    if (what == "header") return add_field(words.subspan(1));
    if (what == "body") return add_body(words.subspan(1));
    return text::format("unknown directive \"{}\"", what);
}

std::string HealthMatch::add_status(std::span<const std::string_view> words) {
    StatusTest test;
    test.negated = !words.empty() && words[0] == "!";
    if (test.negated) words = words.subspan(1);
    if (words.empty()) return wrong_count("status");
    for (std::string_view word : words) {
        size_t dash = word.find('-');
        auto from = read_status(word.substr(0, dash));
        auto to = dash == word.npos ? from : read_status(word.substr(dash + 1));
        if (!from || !to || *from > *to) return text::format("invalid status \"{}\"", word);
        test.ranges.push_back({*from, *to});
    }
    statuses_.push_back(std::move(test));
    return {};
}

std::string HealthMatch::add_field(std::span<const std::string_view> words) {
    using Kind = FieldTest::Kind;
    FieldTest test{.kind = Kind::exists, .name = {}, .value = {}, .pattern = nullptr};
    if (words.size() == 1) {
        test.name = words[0];
    } else if (words.size() == 2 && words[0] == "!") {
        test.kind = Kind::lacks;
        test.name = words[1];
    } else if (words.size() == 3) {
        test.name = words[0];
        test.value = words[2];
        std::string_view sign = words[1];
        if (sign == "=") test.kind = Kind::equals;
        else if (sign == "!=") test.kind = Kind::differs;
        else if (sign == "~") test.kind = Kind::matches;
        else if (sign == "!~") test.kind = Kind::differs_from_pattern;
        else return text::format("invalid parameter \"{}\"", sign);
    } else {
        return wrong_count("header");
    }
    if (test.name.empty() || !std::ranges::all_of(test.name, [](char c) { return token_bytes[c]; })) {
        return text::format("invalid header name \"{}\"", test.name);
    }
    if (test.kind == Kind::matches || test.kind == Kind::differs_from_pattern) {
        std::string fault = compile(test.value, test.pattern);
        if (!fault.empty()) return fault;
    }
    fields_.push_back(std::move(test));
    return {};
}

std::string HealthMatch::add_body(std::span<const std::string_view> words) {
    if (words.size() != 2) return wrong_count("body");
    if (words[0] != "~" && words[0] != "!~") return text::format("invalid parameter \"{}\"", words[0]);
    BodyTest test{.pattern = nullptr, .negated = words[0] == "!~"};
    std::string fault = compile(words[1], test.pattern);
    if (fault.empty()) bodies_.push_back(std::move(test));
    return fault;
}

bool HealthMatch::passes(const StatusTest& test, uint16_t status) {
    bool is_listed = std::ranges::any_of(test.ranges, [status](StatusTest::Range range) {
        return status >= range.from && status <= range.to;
    });
    return is_listed != test.negated;
}

bool HealthMatch::passes(const FieldTest& test, std::string_view value) {
    switch (test.kind) {
        case FieldTest::Kind::exists:
        case FieldTest::Kind::lacks: return true;
        case FieldTest::Kind::equals: return value == test.value;
        case FieldTest::Kind::differs: return value != test.value;
        case FieldTest::Kind::matches: return test.pattern->match(value);
        case FieldTest::Kind::differs_from_pattern: return !test.pattern->match(value);
    }
    return false;
}

// One field of several with the name is enough; of one that is to be lacking there is none.
bool HealthMatch::passes(const FieldTest& test, const UpstreamHead& head) {
    bool found = std::ranges::any_of(head.fields, [&test](const UpstreamHead::Field& field) {
        return equals_ignore_case(field.name, test.name) && passes(test, field.value);
    });
    return found != (test.kind == FieldTest::Kind::lacks);
}

std::string_view HealthMatch::fault(const UpstreamHead& head, std::string_view body) const {
    if (!std::ranges::all_of(statuses_, [&](const StatusTest& test) { return passes(test, head.status); })) {
        return "status code";
    }
    if (!std::ranges::all_of(fields_, [&](const FieldTest& test) { return passes(test, head); })) return "headers";
    body = body.substr(0, body_bytes_max);
    bool is_right = std::ranges::all_of(bodies_, [body](const BodyTest& test) {
        return test.pattern->match(body) != test.negated;
    });
    return is_right ? "" : "response body";
}

}  // namespace ringx::http
