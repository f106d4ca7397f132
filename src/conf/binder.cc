#include "conf/binder.h"

#include <algorithm>
#include <deque>
#include <string>

#include "base/format.h"
#include "conf/known_directives.h"

namespace ringx::conf {
namespace {

// The last word in the line of the name, when others follow in later lines: a `;` is probably missing there.
const Word* end_of_first_line(const Statement& statement) {
    const std::vector<Word>& words = statement.words;
    auto later = std::ranges::find_if(words, [&](const Word& w) { return w.place.line != words[0].place.line; });
    return later == words.end() ? nullptr : &*std::prev(later);
}

}  // namespace

Block& Binder::bind(std::span<Statement> statements) {
    Block& root = open(main, nullptr, nullptr);
    bind_all(statements, root);
    return root;
}

Block& Binder::open(Context context, Block* outer, const Statement* statement) {
    std::span<Word> words;
    Place place;
    if (statement != nullptr) {
        words = arena_.make_array<Word>(statement->words.size() - 1);
        std::copy(statement->words.begin() + 1, statement->words.end(), words.begin());
        place = statement->words[0].place;
    }
    std::span<void*> settings = arena_.make_array<void*>(language_.slots());
    if (outer == nullptr) {
        for (const Language::Settings& s : language_.settings()) settings[s.slot->index()] = s.slot->make_(arena_);
    }
    Block* block = arena_.make<Block>(context, outer, words, place, settings, arena_);
    if (outer != nullptr) outer->inner_.push_back(block);
    return *block;
}

void Binder::bind_all(std::span<Statement> statements, Block& block) {
    std::vector<const Directive*> once;  // what the block has and may not have again
    for (Statement& statement : statements) {
        bind_one(statement, block, once);
        statement.children = {};  // what was bound is not held twice
    }
}

void Binder::bind_one(Statement& statement, Block& block, std::vector<const Directive*>& once) {
    const Language::Row* row = row_for(statement, block.context());
    if (row == nullptr || !has_right_shape(statement, *row->directive)) return;
    const Directive& directive = *row->directive;
    if (!directive.has_effect) {
        notes_.add(Level::notice, statement.words[0].place,
                   text::format("\"{}\" directive has no effect", directive.name), std::string(directive.help));
    }
    Binding binding(*this, *this, report_, directive, statement, block);
    if (directive.is_once) {
        if (std::ranges::find(once, &directive) != once.end()) return binding.duplicate();
        once.push_back(&directive);
    }
    if (directive.set == nullptr) return;
    void* settings = directive.settings_type != nullptr ? block.own(*row->section->slot) : nullptr;
    if (directive.part != nullptr) settings = directive.part(settings);
    directive.set(settings, binding);
}

// The row that speaks of the statement in such a block; complains and gives null when there is none.
const Language::Row* Binder::row_for(const Statement& statement, Context context) {
    const Word& name = statement.words[0];
    std::span<const Language::Row> rows = language_.find(name.text);
    Context allowed;
    for (const Language::Row& row : rows) {
        if (row.directive->contexts.includes(context)) return &row;
        allowed |= row.directive->contexts;
    }
    if (rows.empty()) {
        report_unknown(name, context);
    } else {
        report_.add(Level::emerg, name.place, text::format("\"{}\" directive is not allowed here", name.text),
                    "it may stand in: " + names(allowed));
    }
    return nullptr;
}

void Binder::report_unknown(const Word& name, Context context) {
    if (std::string_view module = module_of_known(name.text, context); !module.empty()) {
        report_.add(Level::emerg, name.place,
                    text::format("the \"{}\" directive of {} is known but not supported", name.text, module),
                    std::string(advice_for_known(name.text)));
        return;
    }
    std::string_view meant = language_.closest(name.text, context);
    std::string hint = meant.empty() ? std::string() : text::format("did you mean \"{}\"?", meant);
    report_.add(Level::emerg, name.place, text::format("unknown directive \"{}\"", name.text), std::move(hint));
}

bool Binder::has_right_shape(const Statement& statement, const Directive& row) {
    const Word& name = statement.words[0];
    const Word* unended = end_of_first_line(statement);
    if (statement.has_block && !row.has_block) {
        report_.add(Level::emerg, unended != nullptr ? unended->place : statement.end,
                    text::format("directive \"{}\" is not terminated by \";\"", row.name),
                    unended != nullptr ? "a \";\" is missing after this" : "a \";\" belongs here");
        return false;
    }
    if (!statement.has_block && row.has_block) {
        report_.add(Level::emerg, statement.end, text::format("directive \"{}\" has no opening \"{{\"", row.name));
        return false;
    }
    size_t count = statement.words.size() - 1;
    bool unlimited = row.arity.max == Arity::unlimited;
    if (count >= row.arity.min && (unlimited || count <= row.arity.max)) return true;
    bool merged = count > row.arity.max && unended != nullptr;
    report_.add(Level::emerg, merged ? unended->place : name.place,
                text::format("invalid number of arguments in \"{}\" directive", row.name),
                merged ? "is a \";\" missing after this?" : text::format("write: {} {}", row.name, arguments(row)));
    return false;
}

// What a block has in a slot, and what those inside it have that give nothing of their own: one instance for each kind
// of block, which they share.
struct Binder::Heritage {
    void* settings;
    Context heirs_of;        // whose kind of block shares this very instance; empty: it belongs to one block
    bool is_complete = false;
    std::vector<Heritage*> heirs;
};

class Binder::Heritages {
 public:
    Heritage* make(void* settings, Context heirs_of) {
        return &all_.emplace_back(Heritage{settings, heirs_of, false, {}});
    }

 private:
    std::deque<Heritage> all_;
};

void Binder::complete(Block& block) {
    Heritages heritages;
    std::vector<Heritage*> of_root(language_.slots());
    for (const Language::Settings& s : language_.settings()) {
        size_t index = s.slot->index();
        of_root[index] = heritages.make(block.settings_[index], {});
    }
    complete(block, of_root, heritages);
}

void Binder::complete(Block& block, std::span<Heritage* const> outer, Heritages& heritages) {
    std::vector<Heritage*> here(outer.begin(), outer.end());
    if (block.outer() != nullptr) {
        for (const Language::Settings& s : language_.settings()) {
            Heritage*& mine = here[s.slot->index()];
            mine = inherit(s, block, *mine, heritages);
        }
    }
    for (const Language::Settings& s : language_.settings()) {
        // The main block also holds the defaults of settings that have no directive there: nothing to complete.
        Heritage& mine = *here[s.slot->index()];
        if (s.slot->complete_ == nullptr || !s.contexts.overlaps(block.context()) || mine.is_complete) continue;
        mine.is_complete = true;
        Completion completion(*this, report_, block);
        s.slot->complete_(mine.settings, completion);
    }
    for (Block* inner : block.inner()) complete(*inner, here, heritages);
}

// Gives the block what it has in a slot, now that all is read.
Binder::Heritage* Binder::inherit(const Language::Settings& s, Block& block, Heritage& outer, Heritages& heritages) {
    void*& settings = block.settings_[s.slot->index()];
    if (settings == nullptr && s.slot->of_each_.overlaps(block.context())) settings = s.slot->make_(arena_);
    if (settings != nullptr) {
        for (auto take : s.inherit) take(settings, outer.settings);
        return heritages.make(settings, {});
    }
    bool shares = !s.contexts.overlaps(block.context()) || outer.heirs_of == block.context();
    Heritage* heir = shares ? &outer : nullptr;
    for (Heritage* other : outer.heirs) {
        if (other->heirs_of == block.context()) heir = other;
    }
    if (heir == nullptr) {
        heir = heritages.make(s.slot->make_(arena_), block.context());
        for (auto take : s.inherit) take(heir->settings, outer.settings);
        outer.heirs.push_back(heir);
    }
    settings = heir->settings;
    return heir;
}

}  // namespace ringx::conf
