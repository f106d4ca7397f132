// conf/statement.h - a configuration as text has it: words that end in `;`, or in a block of more statements.
//
// Every word knows where it stands, so that whoever finds it wrong can show it. Text is already unquoted and lives in
// the arena of the tree that is being loaded.
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

namespace ringx::conf {

struct Place {
    static constexpr uint32_t nowhere = std::numeric_limits<uint32_t>::max();

    uint32_t file = nowhere;   // index into the Sources of the load
    uint32_t line = 0;         // from 1
    uint32_t column = 0;       // from 1, in bytes
    uint32_t end_line = 0;     // where the directive's `;` or `{` stands: the line nginx reports
    uint32_t order = nowhere;  // counts through the words of all files as they are read

    bool known() const { return file != nowhere; }
};

struct Word {
    std::string_view text;
    Place place;
    bool quoted = false;
};

struct Statement {
    std::vector<Word> words;  // the first one names the directive; never empty
    std::vector<Statement> children;
    bool has_block = false;
    Place end;  // its `;` or `{`
};

}  // namespace ringx::conf
