#include "conf/mistake.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/format.h"

namespace ringx::conf {
namespace {

// As much of a long line as is shown before and after the caret.
constexpr size_t shown_bytes_max = 72;
constexpr std::string_view cut_off = "...";

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }  // UTF-8

// The line of that number; empty when there is none.
std::string_view line_of(std::string_view bytes, uint32_t number) {
    for (; number > 1; --number) {
        size_t newline = bytes.find('\n');
        if (newline == bytes.npos) return {};
        bytes.remove_prefix(newline + 1);
    }
    return bytes.substr(0, bytes.find('\n'));
}

// A file may hold anything, a terminal obeys control bytes: they are shown as `?`.
std::string printable(std::string_view text) {
    std::string shown(text);
    for (char& c : shown) {
        if ((c >= 0 && c < ' ' && c != '\t') || c == '\x7f') c = '?';
    }
    return shown;
}

// Cuts the line so that the byte at `column` stays in sight; moves `column` along.
std::string excerpt(std::string_view line, size_t& column) {
    size_t from = column > shown_bytes_max ? column - shown_bytes_max : 0;
    while (from < column && from > 0 && continues_character(line[from])) ++from;
    size_t to = std::min(line.size(), column + shown_bytes_max);
    while (to < line.size() && continues_character(line[to])) ++to;

    std::string shown = printable(line.substr(from, to - from));
    column -= from;
    if (from > 0) {
        shown.insert(0, cut_off);
        column += cut_off.size();
    }
    if (to < line.size()) shown += cut_off;
    return shown;
}

// Blanks as wide as the text before the caret: tabs stay tabs, a character of several bytes takes one column.
std::string caret_under(std::string_view shown, size_t column) {
    std::string caret;
    for (char c : shown.substr(0, column)) {
        if (c == '\t') {
            caret += '\t';
        } else if (!continues_character(c)) {
            caret += ' ';
        }
    }
    return caret + '^';
}

void show_source(Mistake& mistake, const Sources::Source& source, const Place& place) {
    std::string_view line = line_of(source.bytes, place.line);
    size_t column = place.column - 1;
    while (!line.empty() && is_blank(line.back())) line.remove_suffix(1);
    while (!line.empty() && column > 0 && is_blank(line.front())) {
        line.remove_prefix(1);
        --column;
    }
    column = std::min(column, line.size());
    if (line.empty()) return;
    mistake.source_line = excerpt(line, column);
    mistake.caret_line = caret_under(mistake.source_line, column);
}

}  // namespace

std::string render(const Mistake& mistake) {
    std::string text = text::format("server: [{}] {}\n", level_name(mistake.level), mistake.line());
    std::string_view space = mistake.hint.empty() ? "" : " ";
    if (!mistake.source_line.empty()) {
        text += text::format("    {}\n    {}{}{}\n", mistake.source_line, mistake.caret_line, space, mistake.hint);
    } else if (!mistake.hint.empty()) {
        text += text::format("    {}\n", mistake.hint);
    }
    return text;
}

uint32_t Sources::add(const Source& source) {
    auto index = static_cast<uint32_t>(sources_.size());
    if (!source.command_line) {
        auto [known, is_new] = files_.try_emplace(source.name, index);
        if (!is_new) return known->second;
    }
    sources_.push_back(source);
    return index;
}

void Report::add(Level level, const Place& place, std::string sentence, std::string hint) {
    failed_ = failed_ || level == Level::emerg;
    if (mistakes_.size() == mistakes_max) {  // before the work of showing it, which looks for its line
        ++left_out_;
        return;
    }
    Mistake mistake{.level = level, .sentence = printable(sentence), .hint = std::move(hint)};
    if (place.known()) {
        const Sources::Source& source = sources_[place.file];
        mistake.position = source.command_line ? std::string(" in command line")
                                               : text::format(" in {}:{}", source.name, place.end_line);
        if (!source.command_line) {
            mistake.file = source.name;
            mistake.line_number = place.line;
            mistake.column = place.column;
        }
        show_source(mistake, source, place);
    }
    if (seen_.insert(render(mistake)).second) {
        mistakes_.emplace(place.order, std::move(mistake));
    }
}

std::vector<Mistake> Report::take() {
    std::vector<Mistake> mistakes;
    for (auto& [order, mistake] : mistakes_) mistakes.push_back(std::move(mistake));
    if (left_out_ > 0) mistakes.push_back({.sentence = text::format("{} more mistakes are not shown", left_out_)});
    mistakes_.clear();
    seen_.clear();
    left_out_ = 0;
    return mistakes;
}

}  // namespace ringx::conf
