// modules/rewrite/condition.cc - a variable; a variable and what it is compared with; a question about a file.
//
// The parentheses may touch the first and the last word or stand apart, as in nginx.
#include "modules/rewrite/condition.h"

#include "base/format.h"
#include "http/known_regexes.h"

namespace ringx::http::rewrite {
namespace {

void refuse(conf::Binding& binding, const conf::Word& word) {
    binding.mistake(word, text::format("invalid condition \"{}\"", word.text),
                    "expected ($variable), ($variable operator value) or (-f file)");
}

// The words without the parentheses; nothing when they are not there.
std::optional<std::vector<conf::Word>> inside(conf::Binding& binding) {
    std::vector<conf::Word> words(binding.words().begin(), binding.words().end());
    if (!words.front().text.starts_with('(')) {
        refuse(binding, words.front());
        return std::nullopt;
    }
    if (!words.back().text.ends_with(')')) {
        refuse(binding, words.back());
        return std::nullopt;
    }
    words.back().text.remove_suffix(1);
    if (words.back().text.empty()) words.pop_back();
    if (!words.empty()) {
        words.front().text.remove_prefix(1);
        ++words.front().place.column;
        if (words.front().text.empty()) words.erase(words.begin());
    }
    if (words.empty()) {
        refuse(binding, binding.words().back());
        return std::nullopt;
    }
    return words;
}

std::optional<Step> compare(conf::Binding& binding, Step step, const conf::Word& op, const conf::Word& value) {
    std::string_view sign = op.text;
    step.negated = sign.starts_with('!');
    if (step.negated) sign.remove_prefix(1);
    if (sign == "=") {
        step.kind = Step::Kind::if_equal;
        auto text = Template::compile(binding, value);
        if (!text) return std::nullopt;
        step.text = std::move(*text);
        return step;
    }
    if (sign == "~" || sign == "~*") {
        step.kind = Step::Kind::if_match;
        step.regex = compile_regex(binding, value, value.text, sign == "~*");
        if (step.regex == nullptr) return std::nullopt;
        return step;
    }
    binding.mistake(op, text::format("unexpected \"{}\" in condition", op.text), "expected =, !=, ~, ~*, !~ or !~*");
    return std::nullopt;
}

std::optional<Step> test_file(conf::Binding& binding, const conf::Word& test, const conf::Word& file) {
    Step step{.kind = Step::Kind::if_file};
    step.negated = test.text.starts_with('!');
    step.file_test = test.text.back();
    if (std::string_view("fdex").find(step.file_test) == std::string_view::npos) {
        refuse(binding, test);
        return std::nullopt;
    }
    auto text = Template::compile(binding, file);
    if (!text) return std::nullopt;
    step.text = std::move(*text);
    return step;
}

}  // namespace

std::optional<Step> read_condition(conf::Binding& binding) {
    auto words = inside(binding);
    if (!words) return std::nullopt;
    const conf::Word& first = words->front();
    bool is_variable = first.text.size() > 1 && first.text.starts_with('$');
    bool is_file_test = (first.text.size() == 2 && first.text.starts_with('-')) ||
                        (first.text.size() == 3 && first.text.starts_with("!-"));
    if ((is_variable && words->size() != 1 && words->size() != 3) || (is_file_test && words->size() != 2) ||
        (!is_variable && !is_file_test)) {
        refuse(binding, first);
        return std::nullopt;
    }
    if (is_file_test) return test_file(binding, first, words->back());

    Step step{.kind = Step::Kind::if_set};
    VariableNames& names = variable_names.in(binding.block());
    step.variable = &names.use(binding.arena(), first, first.text.substr(1));
    if (words->size() == 1) return step;
    return compare(binding, std::move(step), (*words)[1], words->back());
}

}  // namespace ringx::http::rewrite
