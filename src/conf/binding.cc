#include "conf/binding.h"

#include <string>
#include <utility>

#include "base/format.h"
#include "conf/binder.h"
#include "conf/directive.h"

namespace ringx::conf {

std::string_view LoadState::absolute(std::string_view prefix, std::string_view path) const {
    return path.starts_with('/') ? path : arena_.join({prefix, path});
}

void Binding::mistake(const Word& word, std::string sentence, std::string hint) {
    report_.add(Level::emerg, word.place, std::move(sentence), std::move(hint));
}

void Binding::warn(const Word& word, std::string sentence, std::string hint) {
    report_.add(Level::warn, word.place, std::move(sentence), std::move(hint));
}

void Binding::refuse(std::string_view why, std::string hint) {
    const Word& word = words().empty() ? name_word() : words()[0];
    mistake(word, text::format("\"{}\" directive {}", name(), why), std::move(hint));
}

void Binding::duplicate() { mistake(name_word(), text::format("\"{}\" directive is duplicate", name())); }

void Binding::duplicate_value(const Word& word) { warn(word, text::format("duplicate value \"{}\"", word.text)); }

void Binding::invalid(const Word& word, const Invalid& invalid) {
    mistake(word, sentence(invalid, name(), word.text), invalid.hint);
}

bool Binding::within_bounds(const Word& word, int64_t value) {
    if (value >= row_.low && value <= row_.high) return true;
    // nginx names the bounds and not the directive; the position does.
    if (row_.high == std::numeric_limits<int64_t>::max()) {
        mistake(word, text::format("value must be equal to or greater than {}", row_.low));
    } else {
        mistake(word, text::format("value must be between {} and {}", row_.low, row_.high));
    }
    return false;
}

std::vector<Statement> Binding::read_file(std::string_view path, const Word& word) {
    std::vector<Statement> statements;
    binder_.parser_.read_file(path, word.place, statements);
    return statements;
}

void Binding::bind(std::span<Statement> statements) { binder_.bind_all(statements, block_); }

Block& Binding::open(Context inner) { return binder_.open(inner, &block_, &statement_); }

void Binding::bind_children(Block& block) { binder_.bind_all(statement_.children, block); }

void Completion::mistake(const Place& place, std::string sentence, std::string hint) {
    report_.add(Level::emerg, place, std::move(sentence), std::move(hint));
}

void Completion::warn(const Place& place, std::string sentence, std::string hint) {
    report_.add(Level::warn, place, std::move(sentence), std::move(hint));
}

namespace rows {

std::optional<Buffers> Reader<Buffers>::read(Binding& binding) {
    auto buffers = Value<Buffers>::parse(binding.words()[0].text, binding.words()[1].text);
    if (buffers) return *buffers;
    binding.invalid(binding.words()[0], buffers.error());
    return std::nullopt;
}

}  // namespace rows
}  // namespace ringx::conf
