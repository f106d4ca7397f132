// modules/rewrite/module.cc - `return`: an answer from the configuration, before anything else is asked.
//
// It runs in the rewrite phases, so it comes before access control and needs no file. In a server it applies to every
// request; in a location to those that are routed there.
#include "base/format.h"
#include "http/file_lookup.h"
#include "http/module.h"
#include "http/site.h"

namespace ringx::http {
namespace {

struct Settings {
    bool given = false;
    uint16_t status = 0;
    bool has_text = false;
    Template text;  // the body, or where a redirect leads
};

constexpr bool is_redirect(uint16_t status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

void set_return(Settings& settings, conf::Binding& binding) {
    if (settings.given) return;  // the first one answers; nginx too never comes to the second
    auto words = binding.words();
    const conf::Word* text = words.size() == 2 ? &words[1] : nullptr;
    auto code = conf::parse_unsigned(words[0].text, 999);
    if (code) {
        settings.status = static_cast<uint16_t>(*code);
    } else {
        bool is_url = words[0].text.starts_with("http://") || words[0].text.starts_with("https://") ||
                      words[0].text.starts_with("$scheme");
        if (text != nullptr || !is_url) {
            return binding.mistake(words[0], text::format("invalid return code \"{}\"", words[0].text),
                                   "expected a code, or a URL with http://, https:// or $scheme");
        }
        settings.status = 302;
        text = &words[0];
    }
    settings.given = true;
    if (text == nullptr) return;
    auto compiled = Template::compile(binding, *text);
    if (!compiled) return;
    settings.text = std::move(*compiled);
    settings.has_text = true;
}

constexpr conf::Directive directives[] = {
    conf::custom<&set_return>("return", conf::server | conf::location, {1, 2},
                              "Answer at once with a status, and a text or a URL to go to.")
        .shown_as("code [text] | code URL | URL"),
};

constinit conf::Slot<Settings> settings;

bool applies(const conf::Block& block) { return settings.in(block).given; }

Answer answer_with(Request& request, const Settings& ours) {
    if (is_redirect(ours.status)) {
        Answer answer = Answer::of_status(ours.status);
        if (ours.has_text) answer.response.location = ours.text.evaluate(request);
        return answer;
    }
    if (!ours.has_text && (ours.status >= 400 || ours.status == 0)) return Answer::of_status(ours.status);

    Response response;
    response.status = ours.status;
    response.content_type = content_type_of(request, request.uri);
    response.set_body(ours.has_text ? ours.text.evaluate(request) : std::string_view());
    return Answer::of(std::move(response));
}

Answer at_server(Request& request) {
    const Settings& ours = settings.in(*request.server->outside.block);
    return ours.given ? answer_with(request, ours) : Answer::pass();
}

// A server's own `return` has been seen to in its phase.
Answer at_location(Request& request) {
    if (request.block->context() != conf::location) return Answer::pass();
    return answer_with(request, settings.in(*request.block));
}

}  // namespace

extern constinit const Module rewrite_module = {
    .name = "rewrite",
    .directives = directives,
    .settings = &settings,
    .applies = applies,
    .server_rewrite = at_server,
    .rewrite = at_location,
};

}  // namespace ringx::http
