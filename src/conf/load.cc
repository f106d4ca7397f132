#include "conf/load.h"

#include <string_view>
#include <vector>

#include "conf/binder.h"
#include "conf/parser.h"
#include "conf/statement.h"

namespace ringx::conf {

Tree load(const Language& language, Bundle& bundle, const Options& options) {
    Tree tree;
    Arena& arena = tree.arena();
    std::string_view conf_path = arena.copy(options.conf_path);
    std::string_view prefix = arena.copy(options.prefix);
    std::string_view conf_prefix = conf_path.substr(0, conf_path.rfind('/') + 1);

    Sources sources;
    Report report(sources);
    Report notes(sources);
    std::vector<Statement> statements;
    Parser parser(bundle, sources, arena, report, conf_prefix);
    if (!options.globals.empty()) parser.read_command_line(options.globals, statements);
    parser.read_file(conf_path, statements);

    Binder binder(arena, bundle, prefix, conf_prefix, language, parser, report, notes);
    tree.root_ = &binder.bind(statements);
    if (!report.failed()) binder.complete(*tree.root_);

    tree.failed_ = report.failed();
    tree.mistakes_ = report.take();
    tree.notes_ = notes.take();
    for (const Sources::Source& source : sources.all()) {
        if (!source.command_line) tree.files_.emplace_back(source.name);
    }
    return tree;
}

}  // namespace ringx::conf
