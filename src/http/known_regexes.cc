#include "http/known_regexes.h"

#include "http/variables.h"

namespace ringx::http {
namespace {

struct KnownRegexes {
    std::map<std::pair<std::string_view, bool>, std::shared_ptr<const Regex>> all;  // by pattern, and whether caseless
};

constinit conf::Slot<KnownRegexes> known_regexes{conf::http};

}  // namespace

const conf::Section known_regexes_section{"regexes", {}, &known_regexes};

std::shared_ptr<const Regex> compile_regex(conf::Binding& binding, const conf::Word& word, std::string_view pattern,
                                           bool caseless) {
    std::shared_ptr<const Regex>& known = known_regexes.in(binding.block()).all[{pattern, caseless}];
    if (known == nullptr) {
        auto compiled = Regex::compile(pattern, caseless);
        if (!compiled) {
            binding.mistake(word, compiled.error().sentence);
            return nullptr;
        }
        known = std::move(*compiled);
    }
    define_captures(binding, word, *known);
    return known;
}

}  // namespace ringx::http
