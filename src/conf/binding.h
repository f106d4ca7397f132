// conf/binding.h - what the code of a directive sees while its statement is read, and of a module when all is read.
//
// Binding is one statement meeting its row. Its function reads the words, stores what they mean in the settings of the
// block, and complains by naming the word at fault; loading goes on after a complaint, so that one run finds them all.
// Completion is the time for claims across directives and blocks.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/arena.h"
#include "conf/block.h"
#include "conf/bundle.h"
#include "conf/mistake.h"
#include "conf/statement.h"
#include "conf/value.h"

namespace ringx::conf {

class Binder;
struct Directive;

// What a load works on and with: the same for every directive and block of it.
class LoadState {
 public:
    Arena& arena() const { return arena_; }
    Bundle& bundle() const { return bundle_; }

    std::string_view prefix() const { return prefix_; }            // with its final `/`
    std::string_view conf_prefix() const { return conf_prefix_; }  // directory of the configuration file, with `/`

    // The path, made absolute by the prefix; it lives as long as the tree. The second is for what nginx looks up beside
    // the configuration file: include, certificates, keys, password files.
    std::string_view full_path(std::string_view path) const { return absolute(prefix_, path); }
    std::string_view full_conf_path(std::string_view path) const { return absolute(conf_prefix_, path); }

 protected:
    LoadState(Arena& arena, Bundle& bundle, std::string_view prefix, std::string_view conf_prefix)
        : arena_(arena), bundle_(bundle), prefix_(prefix), conf_prefix_(conf_prefix) {}

    std::string_view absolute(std::string_view prefix, std::string_view path) const;

    Arena& arena_;
    Bundle& bundle_;
    std::string_view prefix_;
    std::string_view conf_prefix_;
};

class Binding : public LoadState {
 public:
    Binding(Binder& binder, const LoadState& state, Report& report, const Directive& row, Statement& statement,
            Block& block)
        : LoadState(state), binder_(binder), report_(report), row_(row), statement_(statement), block_(block) {}

    std::string_view name() const { return statement_.words[0].text; }
    const Word& name_word() const { return statement_.words[0]; }
    const Directive& row() const { return row_; }

    // The arguments, without the name.
    std::span<const Word> words() const { return std::span(statement_.words).subspan(1); }

    // The statements between the braces, for blocks that hold no directives (types, map, geo).
    std::span<const Statement> children() const { return statement_.children; }

    // What is in a file, an absolute path that the word has named; complains when it cannot be read.
    std::vector<Statement> read_file(std::string_view path, const Word& word);
    // Binds them in the block of the directive, as if they stood there.
    void bind(std::span<Statement> statements);

    // The block in which the directive stands.
    Block& block() const { return block_; }

    // Makes the block that this directive opens and binds what it holds; the result is bound when this returns. Call it
    // once; set up settings that inner directives look at before it through `prepare`.
    template <typename Prepare>
    Block& enter(Context inner, Prepare&& prepare) {
        Block& block = open(inner);
        prepare(block);
        bind_children(block);
        return block;
    }
    Block& enter(Context inner) {
        return enter(inner, [](Block&) {});
    }

    // The configuration is refused: `sentence` says why, the caret points at the word.
    void mistake(const Word& word, std::string sentence, std::string hint = {});
    void warn(const Word& word, std::string sentence, std::string hint = {});

    // nginx's short form: "NAME" directive WHY, with the caret at the first argument.
    void refuse(std::string_view why, std::string hint = {});
    void duplicate();
    void duplicate_value(const Word& word);  // in a set: a warning

    // The word as a T; complains by itself when it is none, or outside the bounds of the row.
    template <typename T>
    std::optional<T> parse(const Word& word) {
        auto value = Value<T>::parse(word.text);
        if (!value) {
            invalid(word, value.error());
            return std::nullopt;
        }
        if constexpr (std::integral<T> && !std::is_same_v<T, bool>) {
            constexpr int64_t most = std::numeric_limits<int64_t>::max();
            if (!within_bounds(word, std::in_range<int64_t>(*value) ? static_cast<int64_t>(*value) : most)) {
                return std::nullopt;
            }
        }
        return *value;
    }

    // Says why the word is no value of its type.
    void invalid(const Word& word, const Invalid& invalid);

 private:
    Block& open(Context inner);
    void bind_children(Block& block);

    bool within_bounds(const Word& word, int64_t value);

    Binder& binder_;
    Report& report_;
    const Directive& row_;
    Statement& statement_;
    Block& block_;
};

class Completion : public LoadState {
 public:
    Completion(const LoadState& state, Report& report, Block& block)
        : LoadState(state), report_(report), block_(block) {}

    Block& block() const { return block_; }

    // Without a place the mistake has no position, as nginx's complaints after parsing.
    void mistake(std::string sentence, std::string hint = {}) {
        mistake(Place{}, std::move(sentence), std::move(hint));
    }
    void mistake(const Place& place, std::string sentence, std::string hint = {});
    void warn(std::string sentence, std::string hint = {}) { warn(Place{}, std::move(sentence), std::move(hint)); }
    void warn(const Place& place, std::string sentence, std::string hint = {});

 private:
    Report& report_;
    Block& block_;
};

}  // namespace ringx::conf
