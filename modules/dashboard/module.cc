// modules/dashboard/module.cc - `dashboard`: a page that shows what the server does and steers its upstream servers.
//
// All it shows it asks the location with `api` for, from the browser: who may not ask there sees nothing. Where that
// is, is said relative to the page, so that both may lie behind somebody's prefix.
#include <algorithm>
#include <memory>
#include <string_view>

#include "base/format.h"
#include "http/core_settings.h"
#include "http/module.h"
#include "http/server_settings.h"
#include "http/site.h"
#include "modules/dashboard/document.h"

namespace ringx::http {
namespace {

using dashboard::Document;

struct Settings {
    Setting<std::shared_ptr<const Document>> document;
};

constinit conf::Slot<Settings> settings;

// The page is the location itself and nothing below it: from there it would look for the API elsewhere.
bool is_page(const Request& request) {
    const LocationName& name = *request.location->name;
    bool has_path = name.kind != LocationName::Kind::regex && name.kind != LocationName::Kind::named;
    return !has_path || request.uri == name.text;
}

Answer respond(Request& request) {
    if (!is_page(request)) return Answer::of_status(404);
    if (request.method() != Method::get && !request.is_head()) return Answer::of_status(405);
    const Document& document = **settings.in(*request.block).document;
    Answer answer = Answer::in_place();
    Response& response = answer.response;
    response.content_type = "text/html; charset=utf-8";
    response.etag = document.etag;
    response.set_body(document.html);
    response.fields.add(request.arena, "Cache-Control", "no-cache");
    response.fields.add(request.arena, "Content-Security-Policy", document.policy);
    response.fields.add(request.arena, "X-Content-Type-Options", "nosniff");
    response.fields.add(request.arena, "Referrer-Policy", "no-referrer");
    response.fields.add(request.arena, "Cross-Origin-Opener-Policy", "same-origin");
    return answer;
}

// A path, or a reference relative to the page; the page may ask nobody else.
bool is_reference(std::string_view text) {
    auto is_odd = [](char c) { return c <= ' ' || c >= 0x7f || c == '\\' || c == '?' || c == '#'; };
    bool names_host = text.starts_with("//") || text.substr(0, text.find('/')).contains(':');
    return !text.empty() && !names_host && std::ranges::none_of(text, is_odd);
}

// dashboard [api=PATH]
void set_dashboard(Settings& ours, conf::Binding& binding) {
    if (ours.document.given) return binding.duplicate();
    std::string_view location = location_settings.in(binding.block()).name.text;
    std::string api = location.ends_with('/') ? "../api/" : "api/";
    if (!binding.words().empty()) {
        const conf::Word& word = binding.words()[0];
        constexpr std::string_view parameter = "api=";
        if (!word.text.starts_with(parameter)) {
            return binding.mistake(word, text::format("invalid parameter \"{}\"", word.text), "expected api=path");
        }
        api = word.text.substr(parameter.size());
        if (!is_reference(api)) {
            return binding.mistake(word, text::format("invalid path \"{}\"", api),
                                   "expected a path on this host, such as /api/, or relative to the page, as ../api/");
        }
        if (!api.ends_with('/')) api += '/';
    }
    ours.document.give(std::make_shared<Document>(api));
    core_settings.in(binding.block()).handler = respond;
    core_settings.in(binding.block()).wants_slash = true;
}

constexpr conf::Directive directives[] = {
    conf::custom<&set_dashboard, &Settings::document>("dashboard", conf::location, {0, 1},
                                                      "Answer with a page that shows what the server does.")
        .shown_as("[api=path]"),
};

}  // namespace

extern constinit const Module dashboard_module = {
    .name = "dashboard",
    .directives = directives,
    .settings = &settings,
};

}  // namespace ringx::http
