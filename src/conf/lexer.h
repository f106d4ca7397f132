// conf/lexer.h - bytes of a configuration cut into words, by nginx's rules.
//
// A word ends at a blank, `;` or `{`. Quotes count only at its start, `}` and `#` too; a backslash takes the role from
// the byte behind it; `${` belongs to the word. What is wrong is reported, and cutting goes on as well as it can. Works
// on bytes only: no files, no knowledge of directives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "conf/mistake.h"
#include "conf/statement.h"

namespace ringx::conf {

// What ended a run of words.
enum class Stop : uint8_t {
    semicolon,
    open,         // {
    close,        // }; no words before it
    end,          // of the text
};

class Lexer {
 public:
    // nginx's limit, the size of its buffer: it finds a forgotten closing quote.
    static constexpr size_t word_bytes_max = 4095;

    // `order` counts the words of all files of a load. The words' texts live in the arena.
    Lexer(std::string_view bytes, uint32_t file, uint32_t& order, Arena& arena, Report& report)
        : bytes_(bytes), file_(file), order_(order), arena_(arena), report_(report) {}

    // Reads words up to what ends them. With Stop::end there may be words: they were not ended.
    Stop next(std::vector<Word>& words);

    // Where the last stop stood.
    const Place& stop() const { return stop_; }

 private:
    bool skip_blanks();
    void read_word(std::vector<Word>& words);
    size_t find_end(bool quoted, char quote);
    bool too_long(const Word& word, char quote);
    void after_quote(std::vector<Word>& words);
    Place here() const;
    void advance();
    std::string_view unescape(std::string_view raw);

    std::string_view bytes_;
    size_t at_ = 0;
    size_t line_start_ = 0;
    uint32_t line_ = 1;
    uint32_t file_;
    uint32_t& order_;
    Arena& arena_;
    Report& report_;
    Place stop_;
};

}  // namespace ringx::conf
