#include "modules/proxy/pass.h"

#include "base/format.h"
#include "http/core_settings.h"
#include "http/escape.h"
#include "http/known_addresses.h"
#include "http/server_settings.h"
#include "http/text.h"
#include "modules/proxy/answer.h"
#include "net/system_needs.h"

namespace ringx::http::proxy {
namespace {

// A URL cut into its parts: scheme, HOST[:PORT] or unix:PATH, and what follows.
struct Url {
    bool secure;
    std::string_view authority;
    std::string_view uri;  // empty, or begins with / or ?
};

std::optional<Url> cut_url(std::string_view text) {
    constexpr std::string_view http = "http://", https = "https://";
    auto begins = [text](std::string_view scheme) { return equals_ignore_case(text.substr(0, scheme.size()), scheme); };
    bool secure = begins(https);
    std::string_view scheme = secure ? https : http;
    if (!begins(scheme)) return std::nullopt;
    std::string_view rest = text.substr(scheme.size());
    constexpr std::string_view unix = "unix:";
    // A path ends at a colon; a host at a slash, a question mark or nothing.
    size_t end = rest.starts_with(unix) ? rest.find(':', unix.size()) : rest.find_first_of("/?");
    if (end == rest.npos) return Url{secure, rest, {}};
    std::string_view uri = rest.substr(rest.starts_with(unix) ? end + 1 : end);
    return Url{secure, rest.substr(0, end), uri};
}

uint16_t usual_port(bool secure) { return secure ? 443 : 80; }

// $proxy_host and $proxy_port of what was written.
void name_host(const Url& url, const HostText& host, Arena& arena, std::string_view& name, std::string_view& port) {
    bool is_path = host.host.empty();
    name = is_path ? std::string_view("localhost") : url.authority;
    uint16_t usual = usual_port(url.secure);
    if (!is_path && host.port == usual && host.has_port) name = name.substr(0, name.rfind(':'));
    port = is_path ? std::string_view() : arena.copy(text::format("{}", host.port));
}

bool refuses_uri(const conf::Block& block) {
    LocationName::Kind kind = location_settings.in(block).name.kind;
    return block.context() != conf::location || kind == LocationName::Kind::regex || kind == LocationName::Kind::named;
}

// As a request line can carry it: what may come of variables is not to end the line, or the request.
std::string_view safe(Arena& arena, std::string_view uri) {
    auto is_unsafe = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; };
    if (std::ranges::none_of(uri, is_unsafe)) return uri;
    std::string out;
    for (char c : uri) {
        if (is_unsafe(c)) out += text::format("%{:02X}", static_cast<unsigned char>(c));
        else out += c;
    }
    return arena.copy(out);
}

std::string_view with_args(Request& request, std::string_view uri) {
    return request.has_args && !request.args.empty() ? request.arena.join({uri, "?", request.args}) : uri;
}

// What the client did not escape needs none, as in nginx.
std::string_view escaped(Request& request, std::string_view before, std::string_view path) {
    if (!request.internal && !request.head.path.contains('%')) return request.arena.join({before, path});
    std::string out(before);
    escape_uri(path, UriPart::path, out);
    return request.arena.copy(out);
}

// The URI a request goes on with.
std::string_view make_uri(Request& request, const Pass& pass) {
    bool swaps = !pass.uri.empty() && request.uri_is_locations && request.uri.size() >= pass.location_bytes;
    if (swaps) return with_args(request, escaped(request, pass.uri, request.uri.substr(pass.location_bytes)));
    if (pass.uri.empty() && request.uri_is_clients) {
        const RequestHead& head = request.head;
        bool is_whole = !head.uri.contains('#');  // a fragment is none of a server's business
        return is_whole ? head.uri : head.has_query ? request.arena.join({head.path, "?", head.query}) : head.path;
    }
    return with_args(request, escaped(request, {}, request.uri));
}

}  // namespace

void set_pass(Settings& settings, conf::Binding& binding) {
    if (settings.pass.is_given) return binding.duplicate();
    const conf::Word& word = binding.words()[0];
    Pass& pass = settings.pass;
    pass.is_given = true;
    core_settings.in(binding.block()).handler = respond;
    core_settings.in(binding.block()).wants_slash = true;
    HealthSettings::speak_as(binding.block(), nullptr, begin_health_talk);
    system_needs.in(binding.block()).connects = true;
    auto compiled = Template::compile(binding, word);
    if (!compiled) return;
    if (!compiled->is_constant()) {
        pass.url = std::move(*compiled);
        return;
    }
    auto url = cut_url(compiled->constant_text());
    if (!url) return binding.mistake(word, "invalid URL prefix");
    pass.secure = url->secure;
    pass.target = upstreams.in(binding.block()).use(binding, word, url->authority, usual_port(url->secure));
    if (pass.target == nullptr) return;
    HealthSettings::speak_as(binding.block(), pass.target, begin_health_talk);
    name_host(*url, read_host(url->authority, usual_port(url->secure)), binding.arena(), pass.host, pass.port);
    pass.uri = url->uri;
    if (!pass.uri.empty() && refuses_uri(binding.block())) {
        return binding.mistake(word, "\"proxy_pass\" cannot have URI part in location given by regular expression, or "
                                     "inside named location, or inside \"if\" statement, or inside \"limit_except\" "
                                     "block");
    }
    std::string_view location = location_settings.in(binding.block()).name.text;
    pass.location_bytes = location.size();
    bool has_uri = !pass.uri.empty();
    pass.server_prefix = has_uri ? word.text : binding.arena().join({word.text, "/"});
    pass.own_prefix = has_uri ? location : "/";
}

std::optional<Goal> find_goal(Request& request, const Settings& settings) {
    const Pass& pass = settings.pass;
    Goal goal;
    if (pass.target != nullptr) {
        goal.upstream = pass.target->upstream;
        goal.destination = {pass.secure, pass.host, pass.port, safe(request.arena, make_uri(request, pass))};
        return goal;
    }
    std::string_view text = pass.url.evaluate(request);
    auto url = cut_url(text);
    if (url && url->authority.empty() && url->uri.empty()) url = std::nullopt;  // as nginx, which wants more than that
    HostText host;
    if (url) host = read_host(url->authority, usual_port(url->secure));
    if (!url || !host.fault.empty()) {
        std::string_view fault = url ? std::string_view(host.fault) : "invalid URL prefix";
        std::string_view in = url ? "in upstream" : "in";
        request.log().write(Level::error, request.log_context(), "{} {} \"{}\"", fault, in, text);
        return std::nullopt;
    }
    goal.destination.secure = url->secure;
    name_host(*url, host, request.arena, goal.destination.host, goal.destination.port);
    std::string_view uri = url->uri;
    if (uri.starts_with('?')) uri = request.arena.join({"/", uri});
    if (uri.empty()) uri = make_uri(request, pass);
    goal.destination.uri = safe(request.arena, uri);
    bool is_path = host.host.empty();
    goal.name = is_path ? url->authority : std::string_view(host.host);
    goal.port = is_path ? 0 : host.port;
    const auto& all = upstreams.in(*request.block);
    goal.upstream = all.find(goal.name, goal.port, host.has_port);
    return goal;
}

}  // namespace ringx::http::proxy
