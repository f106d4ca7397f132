// modules/headers/module.cc - `add_header`, `add_trailer` and `expires`: fields of the configuration's making.
//
// Fields are added to answers that went well and to redirects, with `always` to all; Last-Modified and ETag are
// replaced, or removed by an empty value. A block with an add_header of its own takes none from the block around,
// unless add_header_inherit says otherwise. Trailers are evaluated when the body has been sent, and only sent where
// there is room for them: at the end of a chunked body.
#include <algorithm>
#include <array>
#include <vector>

#include "base/format.h"
#include "http/http_date.h"
#include "http/module.h"
#include "http/text.h"
#include "modules/headers/expires.h"

namespace ringx::http {
namespace {

struct AddedField {
    enum class Kind : uint8_t { any, last_modified, etag };
    std::string_view name;
    Template value;
    Kind kind = Kind::any;
    bool always = false;
};

enum class Inherit : uint8_t { off, on, merge };

constexpr std::array<conf::Choice<Inherit>, 3> choices(Inherit) {
    return {{{"off", Inherit::off}, {"on", Inherit::on}, {"merge", Inherit::merge}}};
}

using AddedFields = std::vector<AddedField>;

void inherit_fields(AddedFields& inner, const AddedFields& outer, Inherit how) {
    bool takes = inner.empty() ? how != Inherit::off : how == Inherit::merge;
    if (takes) inner.insert(inner.end(), outer.begin(), outer.end());
}

struct Settings {
    Setting<Expires> expires;
    AddedFields headers;
    AddedFields trailers;
    Setting<Inherit> header_inherit{Inherit::on};
    Setting<Inherit> trailer_inherit{Inherit::on};

    void inherit(const Settings& outer) {
        header_inherit.inherit(outer.header_inherit);
        trailer_inherit.inherit(outer.trailer_inherit);
        inherit_fields(headers, outer.headers, *header_inherit);
        inherit_fields(trailers, outer.trailers, *trailer_inherit);
    }
};

constinit conf::Slot<Settings> settings;

// --- at run time

// The statuses for which fields are added that do not say `always`.
bool is_usual(uint16_t status) {
    switch (status) {
        case 200: case 201: case 204: case 206: case 301: case 302: case 303: case 304: case 307: case 308: return true;
        default: return false;
    }
}

// A line end in a value would begin a field of the client's own making.
std::string_view in_one_line(Request& request, std::string_view value) {
    if (find_control(value.data(), value.data() + value.size()) == value.data() + value.size()) return value;
    char* clean = request.arena.text(value.size());
    for (size_t i = 0; i < value.size(); ++i) clean[i] = control_bytes[value[i]] ? ' ' : value[i];
    return {clean, value.size()};
}

void add_field(Request& request, Response& response, const AddedField& field) {
    std::string_view value = in_one_line(request, field.value.evaluate(request));
    switch (field.kind) {
        case AddedField::Kind::any:
            if (!value.empty()) response.fields.add(request.arena, field.name, value);
            return;
        case AddedField::Kind::etag: response.etag = value; return;
        case AddedField::Kind::last_modified:
            response.last_modified_text = value;
            response.last_modified = parse_http_date(value).value_or(-1);
            return;
    }
}

// What the response had already when ours were added.
struct TrailersBefore {
    ResponseFields (*make)(Request&) = nullptr;
};

ResponseFields make_trailers(Request& request) {
    const auto* before = request.states.find<TrailersBefore>();
    ResponseFields fields;
    if (before != nullptr && before->make != nullptr) fields = before->make(request);
    bool usual = is_usual(request.response.status);
    for (const AddedField& field : settings.in(*request.block).trailers) {
        if (!usual && !field.always) continue;
        std::string_view value = in_one_line(request, field.value.evaluate(request));
        if (!value.empty()) fields.add(request.arena, field.name, value);
    }
    return fields;
}

void filter(Request& request, Response& response) {
    const Settings& ours = settings.in(*request.block);
    bool usual = is_usual(response.status);
    if (usual && !ours.expires->is_off()) add_expires(request, response, *ours.expires);
    for (const AddedField& field : ours.headers) {
        if (usual || field.always) add_field(request, response, field);
    }
    bool has_trailers = std::ranges::any_of(ours.trailers, [usual](const AddedField& field) {
        return usual || field.always;
    });
    if (!has_trailers) return;
    auto before = response.make_trailers;
    if (before != nullptr || request.states.find<TrailersBefore>() != nullptr) {
        request.states.get<TrailersBefore>(request.arena).make = before;
    }
    response.make_trailers = make_trailers;
}

// --- the configuration

void set_expires(Settings& settings, conf::Binding& binding) {
    if (settings.expires.given) return binding.duplicate();
    auto words = binding.words();
    auto begin = Expires::Kind::access;
    if (words.size() == 2) {
        if (words[0].text != "modified") return binding.refuse("invalid value");
        begin = Expires::Kind::modified;
    }
    auto compiled = Template::compile(binding, words.back());
    if (!compiled) return;
    if (!compiled->is_constant()) {
        settings.expires.give({.kind = begin, .seconds = 0, .variable = std::move(*compiled)});
        return;
    }
    auto expires = parse_expires(words.back().text, begin);
    if (!expires) return binding.refuse(expires.error());
    settings.expires.give(std::move(*expires));
}

// The name, the value, and perhaps `always`.
void add(AddedFields& fields, conf::Binding& binding) {
    auto words = binding.words();
    auto value = Template::compile(binding, words[1]);
    if (!value) return;
    if (words.size() == 3 && words[2].text != "always") {
        return binding.mistake(words[2], text::format("invalid parameter \"{}\"", words[2].text));
    }
    fields.push_back({words[0].text, std::move(*value), AddedField::Kind::any, words.size() == 3});
}

void add_header(Settings& settings, conf::Binding& binding) {
    size_t before = settings.headers.size();
    add(settings.headers, binding);
    if (settings.headers.size() == before) return;
    AddedField& field = settings.headers.back();
    if (equals_ignore_case(field.name, "Last-Modified")) field.kind = AddedField::Kind::last_modified;
    if (equals_ignore_case(field.name, "ETag")) field.kind = AddedField::Kind::etag;
}

void add_trailer(Settings& settings, conf::Binding& binding) { add(settings.trailers, binding); }

constexpr auto anywhere = conf::http | conf::server | conf::location | conf::if_in_location;

constexpr conf::Directive directives[] = {
    conf::custom<&set_expires, &Settings::expires>("expires", anywhere, {1, 2}, "How long clients may reuse answers.")
        .shown_as("[modified] time | epoch | max | off"),
    conf::custom<&add_header>("add_header", anywhere, {2, 3}, "A field that is added to answers.")
        .shown_as("name value [always]"),
    conf::custom<&add_trailer>("add_trailer", anywhere, {2, 3}, "A field that is added after the body.")
        .shown_as("name value [always]"),
    conf::value<&Settings::header_inherit>("add_header_inherit", anywhere,
                                           "Whether fields of the block around are added too.")
        .not_inherited(),
    conf::value<&Settings::trailer_inherit>("add_trailer_inherit", anywhere,
                                            "Whether trailer fields of the block around are added too.")
        .not_inherited(),
};

bool applies(const conf::Block& block) {
    const Settings& ours = settings.in(block);
    return !ours.expires->is_off() || !ours.headers.empty() || !ours.trailers.empty();
}

}  // namespace

extern constinit const Module headers_module = {
    .name = "headers",
    .directives = directives,
    .settings = &settings,
    .applies = applies,
    .filter = filter,
};

}  // namespace ringx::http
