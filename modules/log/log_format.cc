#include "modules/log/log_format.h"

#include "base/check.h"
#include "base/format.h"
#include "http/escape.h"

namespace ringx::http {
namespace {

constexpr std::string_view combined_text =
    "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" "
    "\"$http_user_agent\"";

}  // namespace

std::expected<LogFormat, LogFormat::Mistake> LogFormat::compile(Arena& arena, VariableNames& names, Escape escape,
                                                                std::span<const conf::Word> words) {
    LogFormat format;
    format.escape_ = escape;
    for (const conf::Word& word : words) {
        TemplateReader reader(word.text, false);
        std::string_view piece;
        for (auto next = reader.read(piece); next != TemplateReader::Next::end; next = reader.read(piece)) {
            switch (next) {
                case TemplateReader::Next::literal:
                    format.parts_.push_back({piece});
                    break;
                case TemplateReader::Next::variable:
                    format.parts_.push_back({{}, &names.use(arena, word, piece)});
                    break;
                case TemplateReader::Next::no_bracket:
                    return std::unexpected(Mistake{
                        &word, text::format("the closing bracket in \"{}\" variable is missing", piece)});
                default:
                    return std::unexpected(Mistake{&word, text::format("invalid parameter \"{}\"", word.text)});
            }
        }
    }
    return format;
}

LogFormat LogFormat::combined(Arena& arena, VariableNames& names) {
    conf::Word word{.text = combined_text, .place = {}};
    auto format = compile(arena, names, Escape::log, {&word, 1});
    CHECK(format.has_value());
    return std::move(*format);
}

void LogFormat::append_to(std::string& line, Request& request) const {
    for (const Part& part : parts_) {
        if (part.variable == nullptr) line += part.text;
        else append(line, escape_, part.variable->value(request));
    }
}

LogFormat::Begun LogFormat::begin(Request& request) const {
    Begun begun;
    begun.escape_ = escape_;
    for (const Part& part : parts_) {
        if (part.variable == nullptr) begun.text_ += part.text;
        else if (part.variable->at_end) begun.gaps_.push_back({begun.text_.size(), part.variable->get});
        else append(begun.text_, escape_, part.variable->value(request));
    }
    begun.text_.shrink_to_fit();
    begun.gaps_.shrink_to_fit();
    return begun;
}

void LogFormat::Begun::append_to(std::string& line, Request& end) const {
    std::string_view text = text_;
    size_t written = 0;
    for (const Gap& gap : gaps_) {
        line += text.substr(written, gap.at - written);
        written = gap.at;
        append(line, escape_, gap.get(end, VariableUse()));
    }
    line += text.substr(written);
}

void LogFormat::append(std::string& line, Escape escape, const VariableValue& value) {
    if (!value) {
        if (escape == Escape::log) line += '-';
        return;
    }
    switch (escape) {
        case Escape::log: return escape_log(*value, line);
        case Escape::json: return escape_json(*value, line);
        case Escape::none: line += *value; return;
    }
}

}  // namespace ringx::http
