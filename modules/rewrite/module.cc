// modules/rewrite/module.cc - rewrite, if, set, return, break: what is done to a request before anything else is asked.
//
// The directives of a server and those of a location become a script each (script.h), which runs in the rewrite phase
// of its block; what an `if` holds belongs to the script around it. They come before access control.
#include "base/format.h"
#include "http/file_lookup.h"
#include "http/known_regexes.h"
#include "http/module.h"
#include "http/site.h"
#include "modules/rewrite/condition.h"
#include "modules/rewrite/script.h"

namespace ringx::http {
namespace {

using rewrite::Run;
using rewrite::Script;
using rewrite::Step;

struct Settings {
    Script* script = nullptr;  // in the tree's arena; an `if` has that of the block around it
    int ifs = 0;
    Setting<bool> rewrite_log{false};
    Setting<bool> uninitialized_variable_warn{true};
};

constinit conf::Slot<Settings> settings;

constexpr auto in_if = conf::if_in_server | conf::if_in_location;
constexpr auto blocks = conf::server | conf::location | in_if;

Step& add(Settings& ours, conf::Binding& binding, Step step) {
    if (ours.script == nullptr) ours.script = binding.arena().make<Script>();
    return ours.script->steps.emplace_back(std::move(step));
}

bool is_url(std::string_view text) {
    return text.starts_with("http://") || text.starts_with("https://") || text.starts_with("$scheme");
}

// --- return, break

void set_return(Settings& ours, conf::Binding& binding) {
    auto words = binding.words();
    const conf::Word* text = words.size() == 2 ? &words[1] : nullptr;
    Step step{.kind = Step::Kind::answer};
    auto code = conf::parse_unsigned(words[0].text, 999);
    if (code) {
        step.status = static_cast<uint16_t>(*code);
    } else {
        if (text != nullptr || !is_url(words[0].text)) {
            return binding.mistake(words[0], text::format("invalid return code \"{}\"", words[0].text),
                                   "expected a code, or a URL with http://, https:// or $scheme");
        }
        step.status = 302;
        text = &words[0];
    }
    if (text != nullptr) {
        auto compiled = Template::compile(binding, *text);
        if (!compiled) return;
        step.text = std::move(*compiled);
        step.has_text = true;
    }
    add(ours, binding, std::move(step));
}

void set_break(Settings& ours, conf::Binding& binding) { add(ours, binding, {.kind = Step::Kind::stop}); }

// --- set

VariableValue unassigned(Request& request, const VariableUse& use) {
    if (*settings.in(*request.block).uninitialized_variable_warn) {
        request.log().write(Level::warn, request.log_context(), "using uninitialized \"{}\" variable", use.name);
    }
    use.assign(request, "");  // it is told once
    return "";
}

void set_variable(Settings& ours, conf::Binding& binding) {
    const conf::Word& name = binding.words()[0];
    if (!name.text.starts_with('$') || name.text.size() < 2) {
        return binding.mistake(name, text::format("invalid variable name \"{}\"", name.text));
    }
    VariableNames& names = variable_names.in(binding.block());
    Step step{.kind = Step::Kind::set};
    step.variable = names.define_assignable(binding, name, name.text.substr(1), unassigned);
    auto value = Template::compile(binding, binding.words()[1]);
    if (step.variable == nullptr || !value) return;
    step.text = std::move(*value);
    add(ours, binding, std::move(step));
}

// --- rewrite

bool read_flag(conf::Binding& binding, Step& step) {
    if (binding.words().size() < 3) return true;
    const conf::Word& flag = binding.words()[2];
    step.ends = true;
    if (flag.text == "last") return true;
    if (flag.text == "break") {
        step.stays = true;
        return true;
    }
    if (flag.text == "redirect" || flag.text == "permanent") {
        step.status = flag.text == "redirect" ? 302 : 301;
        return true;
    }
    binding.mistake(flag, text::format("invalid parameter \"{}\"", flag.text),
                    "expected last, break, redirect or permanent");
    return false;
}

void set_rewrite(Settings& ours, conf::Binding& binding) {
    conf::Word replacement = binding.words()[1];
    if (replacement.text.empty()) return binding.mistake(replacement, "empty replacement");
    Step step{.kind = Step::Kind::rewrite};
    step.regex = compile_regex(binding, binding.words()[0], binding.words()[0].text, false);
    // The last "?" drops the request's arguments.
    step.keeps_args = !replacement.text.ends_with('?');
    if (!step.keeps_args) replacement.text.remove_suffix(1);
    if (is_url(replacement.text)) step.status = 302;
    if (!read_flag(binding, step) || step.regex == nullptr) return;

    size_t question = replacement.text.find('?');
    step.has_args = question != std::string_view::npos;
    if (step.has_args && step.status == 0) {
        conf::Word args = replacement;
        args.text.remove_prefix(question + 1);
        replacement.text = replacement.text.substr(0, question);
        auto compiled = Template::compile(binding, args);
        if (!compiled) return;
        step.args = std::move(*compiled);
    }
    auto compiled = Template::compile(binding, replacement);
    if (!compiled) return;
    step.text = std::move(*compiled);
    add(ours, binding, std::move(step));
}

// --- if

void open_if(Settings& ours, conf::Binding& binding) {
    bool in_location = binding.block().context() == conf::location;
    int location = in_location ? ours.ifs++ : -1;
    auto condition = rewrite::read_condition(binding);
    if (!condition) condition = Step{.kind = Step::Kind::if_set};  // refused; what it holds is still read
    condition->location = location;
    size_t at = ours.script == nullptr ? 0 : ours.script->steps.size();
    add(ours, binding, std::move(*condition));
    binding.enter(in_location ? conf::if_in_location : conf::if_in_server,
                  [&](conf::Block& block) { settings.in(block).script = ours.script; });
    ours.script->steps[at].otherwise = static_cast<uint32_t>(ours.script->steps.size());
}

constexpr conf::Directive directives[] = {
    conf::custom<&set_rewrite>("rewrite", blocks, {2, 3}, "Change the URI of requests whose path matches.")
        .shown_as("regex replacement [last | break | redirect | permanent]"),
    conf::block<&open_if>("if", conf::server | conf::location, conf::at_least_one,
                          "What is done, and in a location which settings rule, when a condition holds.")
        .shown_as("(condition)"),
    conf::custom<&set_variable>("set", blocks, {2, 2}, "Assign to a variable.").shown_as("$variable value"),
    conf::custom<&set_return>("return", blocks, {1, 2}, "Answer at once with a status, and a text or a URL to go to.")
        .shown_as("code [text] | code URL | URL"),
    conf::custom<&set_break>("break", blocks, {0, 0}, "Run no more of these directives."),
    conf::value<&Settings::rewrite_log>("rewrite_log", conf::http | blocks, "Log rewrites with level notice."),
    conf::value<&Settings::uninitialized_variable_warn>("uninitialized_variable_warn", conf::http | blocks,
                                                        "Warn when a variable is used before it was set."),
};

// --- run time

// An `if` runs in the script of the block around it; limit_except replaces the location, and so has none.
bool applies(const conf::Block& block) {
    bool has_own = block.context() == conf::server || block.context() == conf::location;
    return has_own && settings.in(block).script != nullptr;
}

Task<Answer> run_later(Run run) {
    for (;;) {
        Request& request = run.request();
        std::string_view path = run.path();
        auto opened = co_await open_file(request, path);
        Answer answer = run.go_on(opened);
        if (!run.waits()) co_return answer;
    }
}

Answer run_script(Request& request, const conf::Block& block) {
    const Settings& ours = settings.in(block);
    Run run(request, *ours.script, *ours.rewrite_log);
    Answer answer = run.go();
    if (run.waits()) answer = Answer::later(run_later(run));
    return answer;
}

Answer at_server(Request& request) { return run_script(request, *request.server->outside.block); }

// A server's own script has run in its phase.
Answer at_location(Request& request) {
    return request.block->context() == conf::location ? run_script(request, *request.block) : Answer::pass();
}

}  // namespace

extern constinit const Module rewrite_module = {
    .name = "rewrite",
    .directives = directives,
    .settings = &settings,
    .applies = applies,
    .server_rewrite = at_server,
    .rewrite = at_location,
};

}  // namespace ringx::http
