#include "http/error_page_directive.h"

#include "base/format.h"
#include "http/core_settings.h"

namespace ringx::http {

void set_error_page(CoreSettings& settings, conf::Binding& binding) {
    auto words = binding.words();
    ErrorPageRule rule;

    // The last word but one may be =, =CODE.
    const conf::Word& before_last = words[words.size() - 2];
    auto codes = words.first(words.size() - 1);
    if (before_last.text.starts_with('=')) {
        codes = words.first(words.size() - 2);
        if (codes.empty()) return binding.mistake(before_last, text::format("invalid value \"{}\"", before_last.text));
        rule.overwrite = 0;
        if (before_last.text.size() > 1) {
            auto code = conf::parse_unsigned(before_last.text.substr(1), 999);
            if (!code) return binding.mistake(before_last, text::format("invalid value \"{}\"", before_last.text));
            rule.overwrite = static_cast<int>(*code);
        }
    }
    for (const conf::Word& word : codes) {
        auto code = conf::parse_unsigned(word.text, 999);
        if (!code) return binding.mistake(word, text::format("invalid value \"{}\"", word.text));
        if (*code == 499) return binding.mistake(word, text::format("invalid value \"{}\"", word.text));
        if (*code < 300 || *code > 599) {
            return binding.mistake(word, text::format("value \"{}\" must be between 300 and 599", word.text));
        }
        rule.codes.push_back(static_cast<uint16_t>(*code));
    }

    auto target = Template::compile(binding, words.back());
    if (!target) return;
    rule.target = std::move(*target);
    settings.error_pages.given = true;
    settings.error_pages.value.push_back(std::move(rule));
}

}  // namespace ringx::http
