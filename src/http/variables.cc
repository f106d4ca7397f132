#include "http/variables.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/format.h"
#include "http/escape.h"
#include "http/module.h"
#include "http/regex.h"
#include "http/text.h"

namespace ringx::http {
namespace {

// A map whose value needs a map whose value needs the first would never be found.
constexpr uint8_t depth_max = 100;

bool is_name_byte(char c) { return is_alpha(c) || is_digit(c) || c == '_'; }

VariableValue numbered_capture(Request& request, const VariableUse& use) {
    std::string_view value = request.captures.groups[static_cast<size_t>(use.name[0] - '0')];
    return value.data() == nullptr ? VariableValue() : value;
}

// $1 to $9 in a template are no names: ${1} asks for a variable that happens to be called so.
constexpr auto numbered_captures = [] {
    std::array<VariableUse, 9> uses;
    for (size_t i = 0; i < uses.size(); ++i) {
        uses[i].name = std::string_view("123456789").substr(i, 1);
        uses[i].get = numbered_capture;
    }
    return uses;
}();

VariableValue named_capture(Request& request, const VariableUse& use) { return request.captures.find(use.suffix); }

// Assigned and captured values of a name replace each other.
void set_named_capture(Request& request, const VariableUse& use, std::string_view value) {
    Captures& captures = request.captures;
    captures.named = request.arena.make<NamedCapture>(use.suffix, value, captures.named);
}

std::string_view in_lower_case(Arena& arena, std::string_view name) {
    char* lower = arena.text(name.size());
    std::ranges::transform(name, lower, to_lower);
    return {lower, name.size()};
}

// What the name stands for unless the configuration defines it.
void resolve(VariableUse& use) {
    if (const Variable* variable = find_variable(use.name)) {
        use.get = variable->get;
        use.set = variable->set;
        use.at_end = variable->at_end;
        if (variable->is_family) use.suffix = use.name.substr(variable->name.size());
    }
}

}  // namespace

constinit conf::Slot<VariableNames> variable_names{conf::http};
const conf::Section variables_section{"variables", {}, &variable_names};

const Variable* find_variable(std::string_view name) {
    const Variable* family = nullptr;
    for (const Module* module : modules()) {
        for (const Variable& variable : module->variables) {
            if (variable.name == name) return &variable;
            if (variable.is_family && name.size() > variable.name.size() && name.starts_with(variable.name)) {
                family = &variable;
            }
        }
    }
    return family;
}

VariableUse& VariableNames::find(Arena& arena, std::string_view name) {
    std::string_view lower = in_lower_case(arena, name);
    VariableUse*& use = uses_[lower];
    if (use == nullptr) {
        use = arena.make<VariableUse>();
        use->name = lower;
        use->names = this;
    }
    return *use;
}

const VariableUse& VariableNames::use(Arena& arena, const conf::Word& word, std::string_view name) {
    VariableUse& use = find(arena, name);
    if (!use.place.known()) use.place = word.place;
    if (use.get == nullptr) resolve(use);
    return use;
}

// The variable of that name, if the configuration may say what it stands for; complains otherwise.
VariableUse* VariableNames::find_definable(conf::Binding& binding, const conf::Word& word, std::string_view name) {
    VariableUse& use = find(binding.arena(), name);
    const Variable* known = find_variable(use.name);
    if (known != nullptr && !known->is_family && !known->changeable) {
        binding.mistake(word, text::format("the duplicate \"{}\" variable", name));
        return nullptr;
    }
    return &use;
}

VariableUse* VariableNames::define(conf::Binding& binding, const conf::Word& word, std::string_view name,
                                   GetVariable get, const void* data) {
    VariableUse* use = find_definable(binding, word, name);
    if (use == nullptr) return nullptr;
    use->get = get;
    use->data = data;
    use->is_cached = false;
    return use;
}

VariableUse* VariableNames::define_cached(conf::Binding& binding, const conf::Word& word, std::string_view name,
                                          GetVariable get, const void* data, bool is_volatile) {
    VariableUse* use = define(binding, word, name, get, data);
    if (use == nullptr) return nullptr;
    give_slot(*use);
    use->is_cached = !is_volatile;
    return use;
}

VariableUse* VariableNames::define_assignable(conf::Binding& binding, const conf::Word& word, std::string_view name,
                                              GetVariable unassigned) {
    VariableUse* use = find_definable(binding, word, name);
    if (use == nullptr) return nullptr;
    if (use->get == nullptr) resolve(*use);
    if (use->get == nullptr) use->get = unassigned;
    if (use->set == nullptr) give_slot(*use);
    return use;
}

void VariableNames::give_slot(VariableUse& use) {
    if (use.slot != VariableUse::no_slot) return;
    CHECK(slots_ < VariableUse::no_slot);
    use.slot = slots_++;
}

VariableValue VariableUse::kept_value(Request& request) const {
    const KeptValues::Value* kept = request.kept_values.find(slot);
    if (kept != nullptr && kept->is_kept) return kept->value;
    uint8_t& depth = request.kept_values.depth_;
    if (depth == depth_max) {
        request.log().write(Level::error, request.log_context(), "cycle while evaluating variable \"{}\"", name);
        return std::nullopt;
    }
    ++depth;
    VariableValue value = get(request, *this);
    --depth;
    if (is_cached) request.kept_values.keep(request, *this, value);
    return value;
}

void VariableUse::assign(Request& request, std::string_view value) const {
    if (set != nullptr) return set(request, *this, value);
    request.kept_values.keep(request, *this, value);
}

void KeptValues::keep(Request& request, const VariableUse& use, VariableValue value) {
    CHECK(use.slot < use.names->slots());
    if (values_.empty()) values_ = request.arena.make_array<Value>(use.names->slots());
    values_[use.slot] = {value, true};
}

void KeptValues::take_over(Request& request, const KeptValues& others) {
    if (values_.empty() && !others.values_.empty()) values_ = request.arena.make_array<Value>(others.values_.size());
    for (size_t i = 0; i < others.values_.size(); ++i) {
        const Value& other = others.values_[i];
        if (!other.is_kept || (values_[i].is_kept && values_[i].value == other.value)) continue;
        values_[i] = other;
        if (other.value) values_[i].value = request.arena.copy(*other.value);
    }
}

void VariableNames::complete(conf::Completion& completion) {
    for (const auto& [name, use] : uses_) {
        if (use->get == nullptr) completion.mistake(use->place, text::format("unknown \"{}\" variable", name));
    }
}

std::optional<std::string_view> variable_name(conf::Binding& binding, const conf::Word& word) {
    if (word.text.size() > 1 && word.text[0] == '$') return word.text.substr(1);
    binding.mistake(word, text::format("invalid variable name \"{}\"", word.text));
    return std::nullopt;
}

void define_captures(conf::Binding& binding, const conf::Word& word, const Regex& regex) {
    for (const Regex::Group& group : regex.named_groups()) {
        VariableUse* use = variable_names.in(binding.block()).define(binding, word, group.name, named_capture);
        if (use == nullptr) continue;
        use->suffix = group.name;
        use->set = set_named_capture;
        use->slot = VariableUse::no_slot;
    }
}

TemplateReader::Next TemplateReader::read(std::string_view& piece) {
    if (rest_.empty()) return Next::end;
    if (rest_[0] != '$') {
        piece = rest_.substr(0, rest_.find('$'));
        rest_.remove_prefix(piece.size());
        return Next::literal;
    }
    rest_.remove_prefix(1);
    if (has_captures_ && !rest_.empty() && rest_[0] >= '1' && rest_[0] <= '9') {
        piece = rest_.substr(0, 1);
        rest_.remove_prefix(1);
        return Next::capture;
    }
    bool bracket = rest_.starts_with('{');
    if (bracket) rest_.remove_prefix(1);
    auto name_end = std::ranges::find_if_not(rest_, is_name_byte);
    piece = rest_.substr(0, static_cast<size_t>(name_end - rest_.begin()));
    rest_.remove_prefix(piece.size());
    if (bracket && rest_.empty() && piece.empty()) return Next::bad_name;
    if (bracket) {
        if (!rest_.starts_with('}')) return Next::no_bracket;
        rest_.remove_prefix(1);
    }
    return piece.empty() ? Next::bad_name : Next::variable;
}

std::optional<Template> Template::compile(conf::Binding& binding, const conf::Word& word) {
    Template compiled;
    TemplateReader reader(word.text);
    std::string_view piece;
    for (;;) {
        switch (reader.read(piece)) {
            case TemplateReader::Next::end:
                if (compiled.parts_.empty()) return constant(word.text);
                return compiled;
            case TemplateReader::Next::literal:
                if (piece.size() == word.text.size()) return constant(word.text);
                compiled.parts_.push_back({piece});
                break;
            case TemplateReader::Next::variable:
                compiled.parts_.push_back({{}, &variable_names.in(binding.block()).use(binding.arena(), word, piece)});
                break;
            case TemplateReader::Next::capture:
                compiled.parts_.push_back({{}, &numbered_captures[static_cast<size_t>(piece[0] - '1')]});
                break;
            case TemplateReader::Next::bad_name:
                binding.mistake(word, "invalid variable name");
                return std::nullopt;
            case TemplateReader::Next::no_bracket:
                binding.mistake(word, text::format("the closing bracket in \"{}\" variable is missing", piece));
                return std::nullopt;
        }
    }
}

Template Template::constant(std::string_view text) {
    Template made;
    made.text_ = text;
    return made;
}

std::string_view Template::Part::value(Request& request, CapturesAs captures) const {
    if (variable == nullptr) return text;
    std::string_view value = variable->value(request).value_or(std::string_view());
    if (captures == CapturesAs::they_are || variable->get != numbered_capture) return value;
    std::string escaped;
    escape_uri(value, UriPart::args, escaped);
    return request.arena.copy(escaped);
}

std::string_view Template::evaluate_parts(Request& request, CapturesAs captures) const {
    if (parts_.size() == 1) return parts_[0].value(request, captures);

    std::array<std::string_view, 16> few;
    std::span<std::string_view> values = std::span(few).first(std::min(few.size(), parts_.size()));
    if (parts_.size() > few.size()) values = request.arena.make_array<std::string_view>(parts_.size());
    size_t bytes = 0;
    for (size_t i = 0; i < parts_.size(); ++i) {
        values[i] = parts_[i].value(request, captures);
        bytes += values[i].size();
    }
    char* text = request.arena.text(bytes);
    char* end = text;
    for (std::string_view value : values) end = std::copy(value.begin(), value.end(), end);
    return {text, bytes};
}

void Template::append_to(std::string& out, Request& request) const {
    out += text_;
    for (const Part& part : parts_) out += part.value(request);
}

}  // namespace ringx::http
