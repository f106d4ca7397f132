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
enum class Stop : uint8_t { semicolon, open_brace, close_brace, end_of_text };

class Lexer {
 public:
    // nginx's limit, given by its buffer. It finds a forgotten closing quote.
    static constexpr size_t word_bytes_max = 4095;

    // `order` counts the words of all sources of a load. The words' texts are kept in the arena.
    Lexer(const Sources::Source& source, uint32_t file, uint32_t& order, Arena& arena, Report& report)
        : bytes_(source.bytes), command_line_(source.command_line), file_(file), order_(order), arena_(arena),
          report_(report) {}

    // Reads words up to what ends them. There are none before `}` and the end; before `{` only after a mistake.
    Stop next(std::vector<Word>& words);

    // Where the last stop stood.
    const Place& stop() const { return stop_; }

    // The text ended before the block that was opened there; says so unless it was said what is unfinished.
    void report_unclosed(const Place& opened);

 private:
    void skip_blanks();
    Word read_word();
    size_t find_end(size_t from, char quote) const;
    void check_length(const Word& word, std::string_view raw, char quote);
    void check_after_quote();
    void report_broken_off(const Place& directive);
    void report_end(Place unfinished, std::string sentence, std::string hint);
    std::string_view unescape(std::string_view raw);

    bool at_end() const { return at_ == bytes_.size(); }
    void move_to(size_t to);
    Place here();

    std::string_view bytes_;
    bool command_line_;
    size_t at_ = 0;
    uint32_t line_ = 1;
    size_t line_start_ = 0;
    uint32_t file_;
    uint32_t& order_;
    Arena& arena_;
    Report& report_;
    Place stop_;
    uint32_t open_quote_line_ = 0;  // of the quote that was still open at the end of the text
    bool broke_off_ = false;        // the text is unfinished, which has been reported
};

}  // namespace ringx::conf
