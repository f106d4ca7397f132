// http/variables.h - variables by name, and text with variables in it.
//
// A name is resolved once, when the configuration is read; at run time a variable is a function of the request. A
// template is evaluated in one pass into a growing buffer: nothing is measured first and copied later, so what a
// variable gives may change between two evaluations without harm.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conf/binding.h"

namespace ringx::http {

class Request;

// A variable a module provides. Names ending in `_` with `prefix` set are families: $arg_NAME, $http_NAME.
struct Variable {
    std::string_view name;
    // The value, or nothing when it has none; `suffix` is the rest of the name of a family.
    std::optional<std::string_view> (*get)(Request&, std::string_view suffix);
    bool prefix = false;
};

// The variable of this name (without $) among those of all modules and those the configuration defined; null if there is
// none. `suffix` receives the rest of a family's name.
const Variable* find_variable(std::string_view name, std::string_view& suffix);

class Template {
 public:
    Template() = default;

    // Compiles the word; complains about unknown variables (unknown "x" variable) and bad syntax in nginx's words.
    static std::optional<Template> compile(conf::Binding& binding, const conf::Word& word);
    static Template constant(std::string_view text);

    bool is_constant() const { return parts_.empty(); }
    std::string_view constant_text() const { return text_; }
    bool empty() const { return parts_.empty() && text_.empty(); }

    // The value, in the request's arena (or the tree's, when it is constant). Variables without a value give nothing.
    std::string_view evaluate(Request& request) const;
    void append_to(std::string& out, Request& request) const;

 private:
    struct Part {
        std::string_view text;          // literal text when `variable` is null, else the suffix of a family
        const Variable* variable = nullptr;
    };

    std::string_view text_;
    std::vector<Part> parts_;
};

}  // namespace ringx::http
