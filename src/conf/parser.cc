#include "conf/parser.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/format.h"
#include "base/log.h"

namespace ringx::conf {
namespace {

// nginx reports a directive at the line of its `;` or `{`.
void end_at(Statement& statement, const Place& stop) {
    statement.end = stop;
    for (Word& word : statement.words) word.place.end_line = stop.line;
}

bool is_include(const Statement& statement) { return !statement.words.empty() && statement.words[0].text == "include"; }

}  // namespace

void Parser::read_command_line(std::string_view text, std::vector<Statement>& into) {
    read_source(sources_.add({.name = "command line", .bytes = text, .command_line = true}), 0, into);
}

void Parser::read_file(std::string_view path, const Place& asked, size_t depth, std::vector<Statement>& into) {
    auto bytes = bundle_.read(path);
    if (!bytes) {
        Error error = bytes.error();
        report_.add(Level::emerg, asked, text::format("{}() \"{}\" failed ({})", error.call, path, describe(error)));
        return;
    }
    uint32_t index = sources_.add({.name = path, .bytes = *bytes});
    if (std::ranges::find(open_files_, index) != open_files_.end()) {
        report_.add(Level::emerg, asked, text::format("file \"{}\" includes itself", path));
        return;
    }
    read_source(index, depth, into);
}

void Parser::read_source(uint32_t index, size_t depth, std::vector<Statement>& into) {
    open_files_.push_back(index);
    Lexer lexer(sources_[index], index, order_, arena_, report_);
    // Every file must close its own blocks and cannot close those of others.
    while (read_statements(lexer, depth, into)) {
        report_.add(Level::emerg, lexer.stop(), "unexpected \"}\"", "no block is open here");
    }
    open_files_.pop_back();
}

// True when a `}` ended them, false when the text did.
bool Parser::read_statements(Lexer& lexer, size_t depth, std::vector<Statement>& into) {
    for (;;) {
        Statement statement;
        Stop stop = lexer.next(statement.words);
        if (stop == Stop::close_brace) return true;
        if (stop == Stop::end_of_text) return false;
        end_at(statement, lexer.stop());
        if (stop == Stop::open_brace) read_block(lexer, depth, statement);
        if (statement.words.empty()) continue;  // the lexer said so
        if (is_include(statement)) {
            include(statement, depth, into);
        } else {
            into.push_back(std::move(statement));
        }
    }
}

void Parser::read_block(Lexer& lexer, size_t depth, Statement& statement) {
    const Place& opened = statement.end;
    statement.has_block = true;
    if (sources_[opened.file].command_line) {
        report_.add(Level::emerg, opened, "block directives are not supported in -g option");
    }
    if (depth == depth_max) {
        report_.add(Level::emerg, opened, text::format("blocks and files are nested more than {} deep", depth_max));
        return skip_block(lexer);
    }
    if (!read_statements(lexer, depth + 1, statement.children)) lexer.report_unclosed(opened);
}

void Parser::skip_block(Lexer& lexer) {
    std::vector<Word> words;
    for (size_t open = 1; open > 0;) {
        switch (lexer.next(words)) {
            case Stop::open_brace: ++open; break;
            case Stop::close_brace: --open; break;
            case Stop::semicolon: break;
            case Stop::end_of_text: return;
        }
    }
}

void Parser::include(const Statement& statement, size_t depth, std::vector<Statement>& into) {
    const Word& name = statement.words[0];
    if (statement.has_block) {
        report_.add(Level::emerg, name.place, "directive \"include\" is not terminated by \";\"");
        return;
    }
    if (statement.words.size() != 2) {
        report_.add(Level::emerg, name.place, "invalid number of arguments in \"include\" directive");
        return;
    }
    const Word& file = statement.words[1];
    std::string_view path = file.text.starts_with('/') ? file.text : arena_.join({conf_prefix_, file.text});
    if (path.find_first_of("*?[") == path.npos) return include_file(path, file.place, depth, into);

    auto paths = bundle_.glob(path);
    if (!paths) {
        report_.add(Level::emerg, file.place, text::format("glob() \"{}\" failed ({})", path, describe(paths.error())));
        return;
    }
    for (const std::string& match : *paths) include_file(match, file.place, depth, into);
}

void Parser::include_file(std::string_view path, const Place& asked, size_t depth, std::vector<Statement>& into) {
    if (++includes_ > includes_max) {
        if (includes_ == includes_max + 1) report_.add(Level::emerg, asked, "too many files are included");
        return;
    }
    if (depth == depth_max) {
        report_.add(Level::emerg, asked, text::format("blocks and files are nested more than {} deep", depth_max));
        return;
    }
    read_file(path, asked, depth + 1, into);
}

}  // namespace ringx::conf
