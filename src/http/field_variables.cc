#include "http/field_variables.h"

#include <algorithm>

#include "http/core_settings.h"
#include "http/http_date.h"
#include "http/number_text.h"
#include "http/request.h"
#include "http/response_head.h"
#include "http/text.h"

namespace ringx::http {

bool is_named(std::string_view field, std::string_view variable) {
    if (field.size() != variable.size()) return false;
    for (size_t i = 0; i < field.size(); ++i) {
        char c = field[i] == '-' ? '_' : to_lower(field[i]);
        if (c != variable[i]) return false;
    }
    return true;
}

namespace {

// Puts values together one by one; a single one, the usual case, is not copied.
class Joined {
 public:
    Joined(Arena& arena, std::string_view separator) : arena_(arena), separator_(separator) {}

    void add(std::string_view value) { value_ = value_ ? arena_.join({*value_, separator_, value}) : value; }
    VariableValue value() const { return value_; }

 private:
    Arena& arena_;
    std::string_view separator_;
    VariableValue value_;
};

VariableValue unless_empty(std::string_view text) { return text.empty() ? VariableValue() : text; }

VariableValue sent_last_modified(Request& request) {
    const Response& response = request.latest_response();
    if (response.last_modified < 0 || !response.last_modified_text.empty()) {
        return unless_empty(response.last_modified_text);
    }
    char* text = request.arena.text(http_date_bytes);
    write_http_date(response.last_modified, text);
    return std::string_view(text, http_date_bytes);
}

VariableValue sent_connection(Request& request) {
    if (request.sent_status == 0) return std::nullopt;
    if (request.sent_status == 101) return "upgrade";
    return request.response.keep_alive ? "keep-alive" : "close";
}

VariableValue sent_keep_alive(Request& request) {
    auto seconds = request.core->keepalive_header->count();
    if (request.sent_status == 0 || !request.response.keep_alive || seconds <= 0) return std::nullopt;
    return request.arena.join({"timeout=", number_text(request.arena, static_cast<uint64_t>(seconds))});
}

VariableValue sent_content_length(Request& request) {
    if (!request.latest_response().content_length || request.sent_status == 204) return std::nullopt;
    return number_text(request.arena, *request.latest_response().content_length);
}

VariableValue sent_content_type(Request& request) {
    if (request.sent_status == 204) return std::nullopt;  // of no content
    return unless_empty(request.latest_response().content_type);
}

VariableValue sent_transfer_encoding(Request& request) {
    bool chunked = request.sent_status != 0 && body_end(request, request.response) == BodyEnd::chunked;
    return chunked ? VariableValue("chunked") : VariableValue();
}

VariableValue sent_accept_ranges(Request& request) {
    bool sent = request.latest_response().ranges_allowed && request.latest_response().status == 200;
    return sent ? VariableValue("bytes") : VariableValue();
}

// Fields of the response that have a member of their own.
struct KnownField {
    std::string_view name;
    VariableValue (*get)(Request&);
};
constexpr KnownField known_fields[] = {
    {"accept_ranges", sent_accept_ranges},
    {"connection", sent_connection},
    {"content_length", sent_content_length},
    {"content_type", sent_content_type},
    {"etag", [](Request& r) { return unless_empty(r.latest_response().etag); }},
    {"keep_alive", sent_keep_alive},
    {"last_modified", sent_last_modified},
    {"location", [](Request& r) { return unless_empty(r.latest_response().location); }},
    {"transfer_encoding", sent_transfer_encoding},
};

bool starts_with_name(std::string_view text, std::string_view name) {
    return text.size() >= name.size() && equals_ignore_case(text.substr(0, name.size()), name);
}

std::string_view skip_blanks(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    return text;
}

VariableValue joined_fields(Request& request, const ResponseFields& fields, std::string_view name) {
    Joined joined(request.arena, ", ");
    for (const ResponseField* field = fields.first(); field != nullptr; field = field->next) {
        if (is_named(field->name, name)) joined.add(field->value);
    }
    return joined.value();
}

}  // namespace

VariableValue request_field(Request& request, const VariableUse& use) {
    Joined joined(request.arena, use.suffix == "cookie" ? "; " : ", ");
    for (const Field& field : request.head.fields) {
        if (is_named(field.name, use.suffix)) joined.add(field.value);
    }
    return joined.value();
}

VariableValue response_field(Request& request, const VariableUse& use) {
    auto known = std::ranges::find(known_fields, use.suffix, &KnownField::name);
    if (known != std::end(known_fields)) return known->get(request);
    return joined_fields(request, request.latest_response().fields, use.suffix);
}

VariableValue response_trailer(Request& request, const VariableUse& use) {
    return joined_fields(request, request.response.trailers, use.suffix);
}

std::optional<std::string_view> find_argument(std::string_view query, std::string_view name) {
    if (name.empty()) return std::nullopt;
    while (query.size() > name.size()) {
        std::string_view argument = query.substr(0, query.find('&'));
        if (starts_with_name(argument, name) && argument.substr(name.size()).starts_with('=')) {
            return argument.substr(name.size() + 1);
        }
        query.remove_prefix(std::min(argument.size() + 1, query.size()));
    }
    return std::nullopt;
}

VariableValue argument(Request& request, const VariableUse& use) { return find_argument(request.args, use.suffix); }

std::optional<std::string_view> find_cookie(std::string_view field, std::string_view name) {
    while (!field.empty()) {
        if (starts_with_name(field, name)) {
            std::string_view rest = skip_blanks(field.substr(name.size()));
            if (rest.starts_with('=')) {
                rest = skip_blanks(rest.substr(1));
                return rest.substr(0, rest.find(';'));
            }
        }
        size_t end = field.find_first_of(";,");  // a comma: several fields that somebody joined
        if (end == field.npos) break;
        field = skip_blanks(field.substr(end + 1));
    }
    return std::nullopt;
}

VariableValue cookie(Request& request, const VariableUse& use) {
    for (const Field& field : request.head.fields) {
        if (field.id != Header::cookie) continue;
        if (auto value = find_cookie(field.value, use.suffix)) return value;
    }
    return std::nullopt;
}

}  // namespace ringx::http
