// conf/parser.h - text into statements, with `include` carried out.
//
// The tree of statements has the shape of the text; files that are included stand in the place of their `include`, in
// blocks of any kind. Works on the bytes of a bundle. What is wrong is reported, and reading goes on: a missing `;`
// costs one directive, a missing `}` the rest of its file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "conf/bundle.h"
#include "conf/lexer.h"
#include "conf/mistake.h"
#include "conf/statement.h"

namespace ringx::conf {

class Parser {
 public:
    // Reading is recursive: blocks and files within each other, counted together.
    static constexpr size_t depth_max = 64;
    // A file that includes another twice, which includes another twice, and so on, would keep us reading for ever.
    static constexpr size_t includes_max = 100'000;

    Parser(Bundle& bundle, Sources& sources, Arena& arena, Report& report, std::string_view conf_prefix)
        : bundle_(bundle), sources_(sources), arena_(arena), report_(report), conf_prefix_(conf_prefix) {}

    // Appends the statements of the file, an absolute path, or of the text of -g.
    void read_file(std::string_view path, std::vector<Statement>& into) { read_file(path, Place{}, into); }
    // Some words of the configuration, known by their place, have asked for it.
    void read_file(std::string_view path, const Place& asked, std::vector<Statement>& into) {
        read_file(path, asked, 0, into);
    }
    void read_command_line(std::string_view text, std::vector<Statement>& into);

 private:
    void read_file(std::string_view path, const Place& asked, size_t depth, std::vector<Statement>& into);
    void read_source(uint32_t index, size_t depth, std::vector<Statement>& into);
    bool read_statements(Lexer& lexer, size_t depth, std::vector<Statement>& into);
    void read_block(Lexer& lexer, size_t depth, Statement& statement);
    void skip_block(Lexer& lexer);
    void include(const Statement& statement, size_t depth, std::vector<Statement>& into);
    void include_file(std::string_view path, const Place& asked, size_t depth, std::vector<Statement>& into);

    Bundle& bundle_;
    Sources& sources_;
    Arena& arena_;
    Report& report_;
    std::string_view conf_prefix_;
    uint32_t order_ = 0;
    size_t includes_ = 0;
    std::vector<uint32_t> open_files_;  // that are being read, outermost first
};

}  // namespace ringx::conf
