// modules/health_check/module.cc - `health_check` and `match`: whether servers are asked how they are, and what they
// have to say.
//
// Here is what the words mean; http/health_check puts them together, and http/health_checker makes the checks.
#include <algorithm>

#include "base/format.h"
#include "http/health_check.h"
#include "http/module.h"

namespace ringx::http {
namespace {

bool read_time(std::string_view text, std::chrono::milliseconds& into, bool may_be_zero) {
    auto time = conf::parse<std::chrono::milliseconds>(text);
    if (!time || (time->count() == 0 && !may_be_zero)) return false;
    into = *time;
    return true;
}

bool read_count(std::string_view text, uint32_t& into) {
    auto count = conf::parse<uint32_t>(text);
    if (!count || *count == 0) return false;
    into = *count;
    return true;
}

bool read_type(std::string_view text, HealthRules& rules) {
    rules.type = text == "tcp" ? HealthRules::Type::tcp : HealthRules::Type::http;
    return text == "tcp" || text == "http";
}

// False when the word is no parameter.
bool read_parameter(std::string_view word, HealthRules& rules) {
    if (word == "mandatory") return rules.mandatory = true;
    // It says something about `mandatory`, and stands behind it.
    if (word == "persistent") return rules.persistent = rules.mandatory;
    size_t equals = word.find('=');
    if (equals == word.npos) return false;
    std::string_view name = word.substr(0, equals), value = word.substr(equals + 1);
    if (name == "interval") return read_time(value, rules.interval, false);
    if (name == "jitter") return read_time(value, rules.jitter, true);
    if (name == "keepalive_time") return read_time(value, rules.keepalive_time, true);
    if (name == "fails") return read_count(value, rules.streak.fails);
    if (name == "passes") return read_count(value, rules.streak.passes);
    if (name == "type") return read_type(value, rules);
    if (name == "uri") {
        rules.uri = value;
        bool can_be_sent = std::ranges::none_of(value, [](unsigned char c) { return c <= ' ' || c == 0x7f; });
        return value.starts_with('/') && can_be_sent;
    }
    if (name == "match") {
        rules.match = value;
        return !value.empty();
    }
    if (name != "port") return false;
    auto port = conf::parse<uint16_t>(value);
    rules.port = port.value_or(0);
    return rules.port != 0;
}

void set_health_check(HealthSettings& settings, conf::Binding& binding) {
    if (settings.check) return binding.duplicate();
    HealthRules rules;
    for (const conf::Word& word : binding.words()) {
        if (!read_parameter(word.text, rules)) {
            return binding.mistake(word, text::format("invalid parameter \"{}\"", word.text));
        }
    }
    bool is_tcp = rules.type == HealthRules::Type::tcp;
    if (is_tcp && (rules.uri != "/" || !rules.match.empty() || rules.keepalive_time.count() > 0)) {
        return binding.refuse("\"type=tcp\" is not compatible with \"uri\", \"match\" and \"keepalive_time\"");
    }
    settings.check = rules;
    settings.place = binding.name_word().place;
}

void add_required(NamedMatch& match, conf::Binding& binding, std::span<const conf::Word> line) {
    if (line.size() == 1) return binding.mistake(line[0], "invalid number of arguments in \"require\" directive");
    for (const conf::Word& word : line.subspan(1)) {
        auto required = Template::compile(binding, word);
        if (!required) continue;
        if (required->is_constant()) {
            binding.mistake(word, text::format("invalid variable name \"{}\"", word.text));
            continue;
        }
        match.required.push_back(std::move(*required));
    }
}

void open_match(HealthSettings&, conf::Binding& binding) {
    NamedMatch* match = health_checks.in(binding.block()).open_match(binding);
    if (match == nullptr) return;
    for (const conf::Statement& line : binding.children()) {
        const conf::Word& first = line.words[0];
        if (line.has_block) {
            binding.mistake(first, "unexpected \"{\"");
            continue;
        }
        if (first.text == "require") {
            add_required(*match, binding, std::span(line.words));
            continue;
        }
        std::vector<std::string_view> words;
        for (const conf::Word& word : line.words) words.push_back(word.text);
        std::string fault = match->tests.add(words);
        if (!fault.empty()) binding.mistake(first, std::move(fault));
    }
}

constexpr conf::Directive directives[] = {
    conf::custom<&set_health_check>("health_check", conf::location, conf::any_number,
                                    "The servers of the location's upstream are asked how they are, now and then.")
        .shown_as("[interval=time] [jitter=time] [fails=number] [passes=number] [uri=uri] [match=name] [port=number] "
                  "[type=http|tcp] [keepalive_time=time] [mandatory [persistent]]"),
    conf::block<&open_match>("match", conf::http, {1, 1}, "What answers to health checks have to be like.")
        .shown_as("name"),
};

}  // namespace

extern constinit const Module health_check_module = {
    .name = "health_check",
    .directives = directives,
    .settings = &health_settings,
};

}  // namespace ringx::http
