// conf/binder.h - statements meet the rows of the language and become blocks with settings.
//
// Three passes, each over the whole tree, so that the order in a file does not matter: every statement is bound in its
// block; inner blocks inherit from outer ones; settings that want it are completed. The last two happen only when
// nothing refused the configuration: they may rely on sound settings.
#pragma once

#include <span>
#include <vector>

#include "conf/binding.h"
#include "conf/block.h"
#include "conf/language.h"
#include "conf/mistake.h"
#include "conf/parser.h"
#include "conf/statement.h"

namespace ringx::conf {

class Binder : public LoadState {
 public:
    Binder(Arena& arena, Bundle& bundle, std::string_view prefix, std::string_view conf_prefix,
           const Language& language, Parser& parser, Report& report, Report& notes)
        : LoadState(arena, bundle, prefix, conf_prefix),
          language_(language),
          parser_(parser),
          report_(report),
          notes_(notes) {}

    // The main block, holding the statements, which are used up; it lives in the arena.
    Block& bind(std::span<Statement> statements);

    // Inheritance and completion of the block and all in it.
    void complete(Block& block);

 private:
    friend class Binding;

    Block& open(Context context, Block* outer, const Statement* statement);
    void bind_all(std::span<Statement> statements, Block& block);
    void bind_one(Statement& statement, Block& block, std::vector<const Directive*>& once);
    const Language::Row* row_for(const Statement& statement, Context context);
    void report_unknown(const Word& name, Context context);
    bool has_right_shape(const Statement& statement, const Directive& row);

    struct Heritage;
    class Heritages;
    void complete(Block& block, std::span<Heritage* const> outer, Heritages& heritages);
    Heritage* inherit(const Language::Settings& settings, Block& block, Heritage& outer, Heritages& heritages);

    const Language& language_;
    Parser& parser_;
    Report& report_;
    Report& notes_;
};

}  // namespace ringx::conf
