// http/variables.h - variables by name, and text with variables in it.
//
// A name is resolved once, when the configuration is read; at run time a variable is a function of the request. Names
// may be used before they are defined (by set, map, a named group of a regular expression), so what a name stands for
// is settled when the http block is complete. A template asks each of its variables once, and what it was given then is
// what is copied: what a variable gives may change between two evaluations without harm.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "conf/language.h"

namespace ringx::http {

class Regex;
class Request;
class VariableNames;
struct VariableUse;

// The value, or nothing when there is none. It lives as long as the request.
using VariableValue = std::optional<std::string_view>;
using GetVariable = VariableValue (*)(Request&, const VariableUse&);
using SetVariable = void (*)(Request&, const VariableUse&, std::string_view);

// A variable a module provides.
struct Variable {
    std::string_view name;  // lower case
    GetVariable get;
    bool is_family = false;   // the name ends in `_` and stands for all that begin with it: $arg_NAME, $http_NAME
    bool changeable = false;  // the configuration may define a variable of this name
    SetVariable set = nullptr;  // what assigning to it does, where that is more than remembering a value
    bool at_end = false;        // the value is known when the request ends, from what http/remains keeps; see there

    static constexpr Variable known_at_end(std::string_view name, GetVariable get) {
        Variable variable{name, get};
        variable.at_end = true;
        return variable;
    }
};

// A variable as the templates of a configuration refer to it: one for each name.
struct VariableUse {
    std::string_view name;       // lower case, without $
    GetVariable get = nullptr;   // null until it is known what the name stands for
    std::string_view suffix;     // of a family's member: what follows the family's name; of a capture: its group
    const void* data = nullptr;  // what its definition in the configuration left here
    conf::Place place;           // where it is used first
    SetVariable set = nullptr;   // null: the request keeps what is assigned
    const VariableNames* names = nullptr;
    uint16_t slot = no_slot;     // where the request keeps its value, assigned or found once for the whole request
    bool is_cached = false;      // what `get` gave is kept
    bool at_end = false;         // the module's variable is known at the end only

    static constexpr uint16_t no_slot = UINT16_MAX;

    VariableValue value(Request& request) const {
        return slot == no_slot ? get(request, *this) : kept_value(request);
    }
    // The value lives as long as the request.
    void assign(Request& request, std::string_view value) const;

 private:
    VariableValue kept_value(Request& request) const;
};

// What a request remembers of variables, by slot.
class KeptValues {
 public:
    struct Value {
        VariableValue value;
        bool is_kept = false;
    };

    // Null when nothing is kept yet.
    const Value* find(uint16_t slot) const { return slot < values_.size() ? &values_[slot] : nullptr; }
    void keep(Request& request, const VariableUse& use, VariableValue value);
    // What `others` remember is remembered by this request, too.
    void take_over(Request& request, const KeptValues& others);

 private:
    std::span<Value> values_;  // in the request's arena, for all slots of the configuration

    friend struct VariableUse;
    uint8_t depth_ = 0;  // values that are being found for the sake of another
};

// The names of a configuration.
class VariableNames {
 public:
    // The variable of that name; it need not be defined yet. `word` is where it is used. Case does not matter.
    const VariableUse& use(Arena& arena, const conf::Word& word, std::string_view name);

    // From now on the name stands for `get`, unless a module has a variable of that name that cannot be changed: then
    // it complains and gives null. Several definitions of a name must agree, the last one rules.
    VariableUse* define(conf::Binding& binding, const conf::Word& word, std::string_view name, GetVariable get,
                        const void* data = nullptr);
    // The same for one that is found once in a request, when it is first asked for, and then stays (map, geo), unless
    // it is volatile.
    VariableUse* define_cached(conf::Binding& binding, const conf::Word& word, std::string_view name, GetVariable get,
                               const void* data, bool is_volatile = false);
    // The name may be assigned to; it stands for `unassigned` until then, unless it stands for something already.
    VariableUse* define_assignable(conf::Binding& binding, const conf::Word& word, std::string_view name,
                                   GetVariable unassigned);

    // Complains about names that are used and nowhere defined.
    void complete(conf::Completion& completion);

    size_t slots() const { return slots_; }
    // Somebody has asked for it; the name is in lower case.
    bool is_used(std::string_view name) const { return uses_.contains(name); }

 private:
    VariableUse& find(Arena& arena, std::string_view name);
    VariableUse* find_definable(conf::Binding& binding, const conf::Word& word, std::string_view name);
    void give_slot(VariableUse& use);

    std::map<std::string_view, VariableUse*> uses_;
    uint16_t slots_ = 0;
};

extern constinit conf::Slot<VariableNames> variable_names;
extern const conf::Section variables_section;

// The name in a word like $name that names a variable to be defined; complains in nginx's words when it is none.
std::optional<std::string_view> variable_name(conf::Binding& binding, const conf::Word& word);

// The named groups of a regular expression become variables.
void define_captures(conf::Binding& binding, const conf::Word& word, const Regex& regex);

// The module's variable of this name in lower case, or the family it belongs to; null if there is none.
const Variable* find_variable(std::string_view name);

// What becomes of $1 to $9 in a template.
enum class CapturesAs : uint8_t {
    they_are,
    arguments,  // escaped for a query
};

class Template {
 public:
    Template() = default;

    // Compiles the word; complains in nginx's words when its syntax is bad.
    static std::optional<Template> compile(conf::Binding& binding, const conf::Word& word);
    static Template constant(std::string_view text);

    bool is_constant() const { return parts_.empty(); }
    std::string_view constant_text() const { return text_; }
    bool empty() const { return parts_.empty() && text_.empty(); }

    // The value, in the request's memory (or the tree's, when it is constant). Variables without a value give nothing.
    std::string_view evaluate(Request& request, CapturesAs captures = CapturesAs::they_are) const {
        return is_constant() ? text_ : evaluate_parts(request, captures);
    }
    void append_to(std::string& out, Request& request) const;

 private:
    struct Part {
        std::string_view text;  // literal, when there is no variable
        const VariableUse* variable = nullptr;

        std::string_view value(Request& request, CapturesAs captures = CapturesAs::they_are) const;
    };

    std::string_view evaluate_parts(Request& request, CapturesAs captures) const;

    std::string_view text_;
    std::vector<Part> parts_;
};

// Takes the literals and variables of a text one by one.
class TemplateReader {
 public:
    // Where there are no captures, $1 is a name like any other.
    explicit TemplateReader(std::string_view text, bool has_captures = true)
        : rest_(text), has_captures_(has_captures) {}

    enum class Next : uint8_t { literal, variable, capture, end, bad_name, no_bracket };
    // `piece` becomes the literal text, the name of the variable without $ and brackets, or the one digit of a capture:
    // $10 is $1 and then 0.
    Next read(std::string_view& piece);

 private:
    std::string_view rest_;
    bool has_captures_;
};

}  // namespace ringx::http
