// http/known_regexes.h - the regular expressions of a configuration, each compiled once.
//
// Sites of a large host repeat their patterns: `\.php$` in ten thousand servers is one piece of machine code.
#pragma once

#include <map>
#include <memory>
#include <string_view>
#include <utility>

#include "conf/language.h"
#include "http/regex.h"

namespace ringx::http {

// The pattern, compiled; the variables of its named groups are defined. Complains at the word, and gives null, when it
// is no regular expression.
std::shared_ptr<const Regex> compile_regex(conf::Binding& binding, const conf::Word& word, std::string_view pattern,
                                           bool caseless);

extern const conf::Section known_regexes_section;

}  // namespace ringx::http
