#include "modules/log/log_format.h"

#include "base/check.h"
#include "base/format.h"
#include "http/escape.h"
#include "http/json_string.h"
#include "modules/log/json_value.h"

namespace ringx::http {
namespace {

using Form = LogFormat::Form;

constexpr std::string_view combined_text =
    "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" "
    "\"$http_user_agent\"";

// The members of `json`, in order. Whoever reads the logs of others relies on them: none is renamed or changes its
// type.
constexpr struct {
    std::string_view name;  // with what stands between it and the member before
    std::string_view variable;
    Form form = Form::string;
} json_members[] = {
    {"{\"time\":", "time_iso8601_ms"},
    {",\"remote_addr\":", "remote_addr"},
    {",\"remote_user\":", "remote_user"},
    {",\"method\":", "request_method"},
    {",\"scheme\":", "scheme"},
    {",\"host\":", "host"},
    {",\"uri\":", "request_uri"},
    {",\"protocol\":", "server_protocol"},
    {",\"request\":", "request"},
    {",\"status\":", "status", Form::number},
    {",\"bytes_received\":", "request_length", Form::number},
    {",\"bytes_sent\":", "bytes_sent", Form::number},
    {",\"body_bytes_sent\":", "body_bytes_sent", Form::number},
    {",\"request_time\":", "request_time", Form::number},
    {",\"referer\":", "http_referer"},
    {",\"user_agent\":", "http_user_agent"},
    {",\"forwarded_for\":", "http_x_forwarded_for"},
    {",\"request_id\":", "request_id"},
    {",\"connection\":", "connection", Form::number},
    {",\"connection_requests\":", "connection_requests", Form::number},
    {",\"server_name\":", "server_name"},
    {",\"tls_protocol\":", "ssl_protocol"},
    {",\"tls_cipher\":", "ssl_cipher"},
    {",\"upstream_addr\":", "upstream_last_addr"},
    {",\"upstream_tries\":", "upstream_status", Form::tries},
    {",\"upstream_status\":", "upstream_status", Form::last_number},
    {",\"upstream_connect_time\":", "upstream_connect_time", Form::last_number},
    {",\"upstream_header_time\":", "upstream_header_time", Form::last_number},
    {",\"upstream_response_time\":", "upstream_response_time", Form::last_number},
};

void append_nothing(std::string& line, Form form) {
    switch (form) {
        case Form::log: line += '-'; return;
        case Form::json:
        case Form::none: return;
        default: line += "null"; return;
    }
}

void append(std::string& line, Form form, const VariableValue& value) {
    if (!value) return append_nothing(line, form);
    switch (form) {
        case Form::log: return escape_log(*value, line);
        case Form::json: return escape_json(*value, line);
        case Form::none: line += *value; return;
        case Form::string: return append_json_string(*value, line);
        case Form::number: return append_json_number(*value, line);
        case Form::last_number: return append_json_number(last_of_tries(*value), line);
        case Form::tries: line += text::format("{}", count_tries(*value)); return;
    }
}

}  // namespace

std::expected<LogFormat, LogFormat::Mistake> LogFormat::compile(Arena& arena, VariableNames& names, Form form,
                                                                std::span<const conf::Word> words) {
    LogFormat format;
    for (const conf::Word& word : words) {
        TemplateReader reader(word.text, false);
        std::string_view piece;
        for (auto next = reader.read(piece); next != TemplateReader::Next::end; next = reader.read(piece)) {
            switch (next) {
                case TemplateReader::Next::literal:
                    format.parts_.push_back({piece});
                    break;
                case TemplateReader::Next::variable:
                    format.parts_.push_back({{}, &names.use(arena, word, piece), form});
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
    auto format = compile(arena, names, Form::log, {&word, 1});
    CHECK(format.has_value());
    return std::move(*format);
}

LogFormat LogFormat::json(Arena& arena, VariableNames& names) {
    LogFormat format;
    const conf::Word nowhere{.text = "json", .place = {}};
    for (const auto& member : json_members) {
        format.parts_.push_back({member.name});
        // Of a module that is not compiled in.
        if (find_variable(member.variable) == nullptr) format.parts_.push_back({"null"});
        else format.parts_.push_back({{}, &names.use(arena, nowhere, member.variable), member.form});
    }
    format.parts_.push_back({"}"});
    return format;
}

void LogFormat::append_to(std::string& line, Request& request) const {
    for (const Part& part : parts_) {
        if (part.variable == nullptr) line += part.text;
        else append(line, part.form, part.variable->value(request));
    }
}

LogFormat::Begun LogFormat::begin(Request& request) const {
    Begun begun;
    for (const Part& part : parts_) {
        if (part.variable == nullptr) begun.text_ += part.text;
        else if (part.variable->at_end) begun.gaps_.push_back({begun.text_.size(), part.variable->get, part.form});
        else append(begun.text_, part.form, part.variable->value(request));
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
        append(line, gap.form, gap.get(end, VariableUse()));
    }
    line += text.substr(written);
}

}  // namespace ringx::http
