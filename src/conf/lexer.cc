#include "conf/lexer.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/format.h"

namespace ringx::conf {
namespace {

constexpr char no_quote = '\0';

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::string unexpected(char c) { return text::format("unexpected \"{}\"", c); }

// The byte that `\c` stands for, or `\` when the pair stays as it is.
char unescaped(char c) {
    switch (c) {
        case '"':
        case '\'': return c;
        case 't': return '\t';
        case 'r': return '\r';
        case 'n': return '\n';
        default: return '\\';
    }
}

}  // namespace

Stop Lexer::next(std::vector<Word>& words) {
    words.clear();
    for (;;) {
        skip_blanks();
        stop_ = here();
        if (at_end()) {
            if (!words.empty()) report_broken_off(words.front().place);
            words.clear();
            return Stop::end_of_text;
        }
        char c = bytes_[at_];
        if (c == '}') {
            if (!words.empty()) {
                // The directive ends here all the same; the brace is read again, as the end of its block.
                report_.add(Level::emerg, stop_, unexpected(c), "the directive before it is not ended by \";\"");
                return Stop::semicolon;
            }
            move_to(at_ + 1);
            return Stop::close_brace;
        }
        if (c == ';' || c == '{') {
            move_to(at_ + 1);
            if (words.empty()) report_.add(Level::emerg, stop_, unexpected(c));
            if (c == '{') return Stop::open_brace;
            if (!words.empty()) return Stop::semicolon;
            continue;
        }
        words.push_back(read_word());
    }
}

void Lexer::skip_blanks() {
    size_t to = at_;
    while (to < bytes_.size()) {
        if (bytes_[to] == '#') {
            to = std::min(bytes_.find('\n', to), bytes_.size());
        } else if (is_blank(bytes_[to])) {
            ++to;
        } else {
            break;
        }
    }
    move_to(to);
}

Word Lexer::read_word() {
    char quote = bytes_[at_] == '"' || bytes_[at_] == '\'' ? bytes_[at_] : no_quote;
    Word word{.text = {}, .place = here(), .quoted = quote != no_quote};
    size_t from = at_ + (word.quoted ? 1 : 0);
    size_t to = find_end(from, quote);
    std::string_view raw = bytes_.substr(from, to - from);
    bool closed = to < bytes_.size();

    word.text = unescape(raw);
    move_to(to);
    if (word.quoted) {
        if (closed) {
            move_to(to + 1);
            check_after_quote();
        } else {
            open_quote_line_ = word.place.line;
        }
    }
    check_length(word, raw, quote);
    return word;
}

// The index of the byte that ends the word: its closing quote, or what may follow an unquoted word.
size_t Lexer::find_end(size_t from, char quote) const {
    bool after_dollar = false;
    for (size_t i = from; i < bytes_.size(); ++i) {
        char c = bytes_[i];
        if (c == '{' && after_dollar) continue;
        after_dollar = c == '$';
        if (c == '\\') {
            ++i;
        } else if (quote != no_quote ? c == quote : is_blank(c) || c == ';' || c == '{') {
            return i;
        }
    }
    return bytes_.size();
}

void Lexer::check_length(const Word& word, std::string_view raw, char quote) {
    if (raw.size() <= word_bytes_max) return;
    if (quote == no_quote) {
        report_.add(Level::emerg, word.place, text::format("too long parameter \"{}...\" started", raw.substr(0, 10)));
        return;
    }
    report_.add(Level::emerg, word.place,
                text::format("too long parameter, probably missing terminating \"{}\" character", quote));
    // With a quote missing, text and quoted text have changed places: nothing sensible can follow.
    broke_off_ = true;
    move_to(bytes_.size());
}

// A quoted word must be followed by a blank, `;`, `{` or `)`. (A `}` is refused by next(), in the same words.)
void Lexer::check_after_quote() {
    constexpr std::string_view may_follow = " \t\r\n;{)}";
    if (at_end() || may_follow.find(bytes_[at_]) != may_follow.npos) return;
    report_.add(Level::emerg, here(), unexpected(bytes_[at_]), "a blank is missing after the quote");
}

void Lexer::report_broken_off(const Place& directive) {
    std::string hint;
    if (open_quote_line_ != 0) hint = text::format("the quote opened in line {} is not closed", open_quote_line_);
    report_end(directive,
               command_line_ ? "unexpected end of parameter, expecting \";\""
                             : "unexpected end of file, expecting \";\" or \"}\"",
               std::move(hint));
}

void Lexer::report_unclosed(const Place& opened) {
    report_end(opened, "unexpected end of file, expecting \"}\"", "this block is not closed");
}

// The position is that of the end, the caret shows what is unfinished. Only the innermost thing is reported.
void Lexer::report_end(Place unfinished, std::string sentence, std::string hint) {
    if (broke_off_) return;
    broke_off_ = true;
    unfinished.end_line = line_;
    report_.add(Level::emerg, unfinished, std::move(sentence), std::move(hint));
}

std::string_view Lexer::unescape(std::string_view raw) {
    if (raw.find('\\') == raw.npos) return arena_.copy(raw);
    std::string text;
    for (size_t i = 0; i < raw.size(); ++i) {
        char c = raw[i];
        if (c == '\\' && i + 1 < raw.size()) {
            char next = raw[i + 1];
            c = unescaped(next);
            if (c != '\\' || next == '\\') ++i;
        }
        text += c;
    }
    return arena_.copy(text);
}

void Lexer::move_to(size_t to) {
    for (; at_ < to; ++at_) {
        if (bytes_[at_] != '\n') continue;
        ++line_;
        line_start_ = at_ + 1;
    }
}

Place Lexer::here() {
    return {.file = file_,
            .line = line_,
            .column = static_cast<uint32_t>(at_ - line_start_ + 1),
            .end_line = line_,
            .order = order_++};
}

}  // namespace ringx::conf
