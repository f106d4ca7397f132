#include "http/core_settings.h"

#include <algorithm>

#include "base/format.h"
#include "build.h"
#include "http/error_page_directive.h"
#include "http/pace.h"
#include "http/resolver_directive.h"
#include "http/server_settings.h"

namespace ringx::http {
namespace {

using S = CoreSettings;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto everywhere = conf::http | conf::server | conf::location;
constexpr auto everywhere_and_if = everywhere | conf::if_in_location;
constexpr auto hosts = conf::http | conf::server;

void set_path(S& settings, conf::Binding& binding, bool alias) {
    if (settings.root_given) {
        bool same = settings.is_alias == alias;
        if (same) return binding.duplicate();
        return binding.mistake(binding.name_word(), text::format("\"{}\" directive is duplicate, \"{}\" directive was "
                                                                 "specified earlier", binding.name(),
                                                                 alias ? "root" : "alias"));
    }
    conf::Word word = binding.words()[0];
    for (std::string_view forbidden : {"$document_root", "$realpath_root"}) {
        if (word.text.find(forbidden) == std::string_view::npos) continue;
        return binding.mistake(word, text::format("the {} variable cannot be used in the \"{}\" directive", forbidden,
                                                  binding.name()));
    }
    if (!word.text.starts_with('$')) word.text = binding.full_path(word.text);
    if (!alias && word.text.size() > 1 && word.text.ends_with('/')) word.text.remove_suffix(1);
    auto root = Template::compile(binding, word);
    if (!root) return;
    settings.root = std::move(*root);
    settings.root_prefix = binding.prefix();
    settings.root_given = true;
    settings.is_alias = alias;
    settings.alias_bytes = 0;
    if (!alias) return;
    const LocationName& name = location_settings.in(binding.block()).name;
    settings.alias_bytes = name.kind == LocationName::Kind::regex ? std::string_view::npos : name.text.size();
}

void set_root(S& settings, conf::Binding& binding) { set_path(settings, binding, false); }

void set_alias(S& settings, conf::Binding& binding) {
    if (location_settings.in(binding.block()).name.kind == LocationName::Kind::named) {
        return binding.refuse("cannot be used inside the named location");
    }
    set_path(settings, binding, true);
}

void set_types(S& settings, conf::Binding& binding) {
    if (!settings.types.given) settings.types.value = {};
    settings.types.given = true;
    Arena& arena = binding.arena();
    for (const conf::Statement& line : binding.children()) {
        std::string_view type = line.words[0].text;
        for (const conf::Word& extension : std::span(line.words).subspan(1)) {
            char* lower = arena.text(extension.text.size());
            std::ranges::transform(extension.text, lower, [](char c) { return c >= 'A' && c <= 'Z' ? c | 0x20 : c; });
            std::string_view name(lower, extension.text.size());
            if (std::string_view known = settings.types->find(name); !known.empty()) {
                binding.warn(extension, text::format("duplicate extension \"{}\", content type: \"{}\", previous "
                                                     "content type: \"{}\"", name, type, known));
            }
            settings.types.value.add(name, arena.copy(type));
        }
    }
}

void set_internal(S& settings, conf::Binding& binding) {
    if (settings.internal.given) return binding.duplicate();
    settings.internal.give(true);
}

void set_keepalive_timeout(S& settings, conf::Binding& binding) {
    if (settings.keepalive_timeout.given) return binding.duplicate();
    auto words = binding.words();
    auto timeout = binding.parse<milliseconds>(words[0]);
    if (timeout) settings.keepalive_timeout.give(*timeout);
    if (words.size() < 2) return;
    auto header = binding.parse<seconds>(words[1]);
    if (header) settings.keepalive_header.give(*header);
}

void set_server_tokens(S& settings, conf::Binding& binding) {
    if (settings.server_tokens.given) return binding.duplicate();
    std::string_view text = binding.words()[0].text;
    if (text == "on") {
        text = RINGX_SERVER_FIELD;
    } else if (text == "off") {
        text = "ringx";
    } else if (text == "build") {
        text = RINGX_SERVER_FIELD;
    }
    settings.server_tokens.give(binding.arena().copy(text));
}

void set_open_file_cache(S& settings, conf::Binding& binding) {
    if (settings.open_file_cache.given) return binding.duplicate();
    S::FileCacheSize cache;
    bool off = false;
    for (const conf::Word& word : binding.words()) {
        bool good = word.text == "off";
        off |= good;
        if (word.text.starts_with("max=")) {
            auto max = conf::parse_unsigned(word.text.substr(4), 1'000'000);
            good = max && *max > 0;
            if (good) cache.max = static_cast<uint32_t>(*max);
        } else if (word.text.starts_with("inactive=")) {
            auto time = conf::parse<seconds>(word.text.substr(9));
            good = time.has_value();
            if (good) cache.inactive = *time;
        }
        if (!good) {
            return binding.mistake(word, text::format("invalid \"open_file_cache\" parameter \"{}\"", word.text),
                                   "expected off, or max=number [inactive=time]");
        }
    }
    if (off) return settings.open_file_cache.give({});
    if (cache.max == 0) {
        return binding.mistake(binding.name_word(), "\"open_file_cache\" must have the \"max\" parameter");
    }
    cache.on = true;
    settings.open_file_cache.give(cache);
}

void set_disable_symlinks(S& settings, conf::Binding& binding) {
    if (settings.disable_symlinks.given) return binding.duplicate();
    S::SymlinkRule rule;
    bool off = false;
    for (const conf::Word& word : binding.words()) {
        if (word.text == "off") {
            off = true;
        } else if (word.text == "on") {
            rule.symlinks = OpenRules::Symlinks::refuse;
        } else if (word.text == "if_not_owner") {
            rule.symlinks = OpenRules::Symlinks::owner;
        } else if (word.text.starts_with("from=")) {
            conf::Word from = word;
            from.text.remove_prefix(5);
            auto path = Template::compile(binding, from);
            if (!path) return;
            rule.from = std::move(*path);
        } else {
            return binding.mistake(word, text::format("invalid parameter \"{}\"", word.text));
        }
    }
    bool says_how = rule.symlinks != OpenRules::Symlinks::follow;
    if (off && !rule.from.empty()) {
        return binding.mistake(binding.words()[1], "\"from=\" cannot be used with \"off\" parameter");
    }
    if (off == says_how) {
        return binding.refuse("must be \"off\", \"on\" or \"if_not_owner\"");
    }
    settings.disable_symlinks.give(std::move(rule));
}

void set_directio(S& settings, conf::Binding& binding) {
    if (settings.directio.given) return binding.duplicate();
    if (binding.words()[0].text == "off") return settings.directio.give(conf::Offset{~uint64_t{0}});
    auto size = binding.parse<conf::Offset>(binding.words()[0]);
    if (size) settings.directio.give(*size);
}

void set_body_temp_path(S& settings, conf::Binding& binding) { set_temp_path(settings.client_body_temp_path, binding); }

void set_limit_rate(S& settings, conf::Binding& binding) { set_size_template(settings.limit_rate, binding); }
void set_limit_rate_after(S& settings, conf::Binding& binding) {
    set_size_template(settings.limit_rate_after, binding);
}

// aio on | off | threads[=POOL]
void check_aio(conf::Binding& binding) {
    conf::Word word = binding.words()[0];
    if (word.text == "on" || word.text == "off" || word.text == "threads") return;
    if (!word.text.starts_with("threads=")) {
        return binding.refuse("invalid value", "expected on, off or threads[=pool]");
    }
    word.text.remove_prefix(8);
    (void)Template::compile(binding, word);
}

// early_hints CONDITION ...
void add_early_hints(S& settings, conf::Binding& binding) {
    for (const conf::Word& word : binding.words()) {
        auto condition = Template::compile(binding, word);
        if (condition) settings.early_hints.value.push_back(std::move(*condition));
    }
    settings.early_hints.given = true;
}

// nginx's pools begin with a header and are aligned.
void check_pool_size(conf::Binding& binding) {
    const conf::Word& word = binding.words()[0];
    auto size = binding.parse<conf::Size>(word);
    if (!size) return;
    if (*size < 112) return binding.mistake(word, "the pool size must be no less than 112");
    if (*size % 16 != 0) return binding.mistake(word, "the pool size must be a multiple of 16");
}

void check_temp_path(conf::Binding& binding) { (void)parse_temp_path(binding); }

constexpr conf::Directive temp_path(std::string_view name) {
    return conf::accepted<&check_temp_path>(name, everywhere, {1, 4},
                                            "A directory for temporary files; nothing is written to it yet.")
        .shown_as("path [level1 [level2 [level3]]]");
}

constexpr conf::Directive pool_size(std::string_view name) {
    return conf::accepted<&check_pool_size>(name, hosts, {1, 1}, "Memory is managed differently.").shown_as("size");
}

}  // namespace

constexpr std::array<conf::Choice<S::Satisfy>, 2> choices(S::Satisfy) {
    return {{{"all", S::Satisfy::all}, {"any", S::Satisfy::any}}};
}

constexpr std::array<conf::Choice<S::ModifiedSince>, 3> choices(S::ModifiedSince) {
    return {{{"off", S::ModifiedSince::off}, {"exact", S::ModifiedSince::exact}, {"before", S::ModifiedSince::before}}};
}

constexpr std::array<conf::Choice<S::BodyFile>, 3> choices(S::BodyFile) {
    return {{{"off", S::BodyFile::off}, {"on", S::BodyFile::on}, {"clean", S::BodyFile::clean}}};
}

constexpr std::array<conf::Choice<S::Lingering>, 3> choices(S::Lingering) {
    return {{{"off", S::Lingering::off}, {"on", S::Lingering::on}, {"always", S::Lingering::always}}};
}

namespace {

constexpr conf::Directive directives[] = {
    conf::custom<&set_root>("root", everywhere_and_if, {1, 1}, "The directory files are served from.").shown_as("path"),
    conf::custom<&set_alias>("alias", conf::location, {1, 1}, "What replaces the location's path in file names.")
        .shown_as("path"),
    conf::block<&set_types, &S::types>("types", everywhere, {0, 0}, "MIME types by file name extension."),
    conf::value<&S::default_type>("default_type", everywhere, "The MIME type of files without a known extension."),
    conf::custom<&set_error_page, &S::error_pages>("error_page", everywhere_and_if, {2, conf::Arity::unlimited},
                                                   "What is shown for these status codes.")
        .shown_as("code ... [=[response]] uri"),
    conf::value<&S::recursive_error_pages>("recursive_error_pages", everywhere,
                                           "Whether an error page may lead to another."),
    conf::custom<&set_internal, &S::internal>("internal", conf::location, {0, 0},
                                              "Serve internal requests only; others get 404."),

    conf::value<&S::satisfy>("satisfy", everywhere, "Whether all access rules must be met, or any of them."),
    conf::value<&S::auth_delay>("auth_delay", everywhere, "How long a request without access is kept waiting for 401."),

    conf::value<&S::sendfile>("sendfile", everywhere_and_if,
                              "Let the kernel copy files, and large proxied bodies, to the socket."),
    conf::value<&S::sendfile_max_chunk>("sendfile_max_chunk", everywhere, "The most one call of sendfile may send."),
    conf::value<&S::tcp_nopush>("tcp_nopush", everywhere,
                                "Send the head and the beginning of a file in one packet; on unless said otherwise."),
    conf::value<&S::tcp_nodelay>("tcp_nodelay", everywhere, "Send small packets without delay."),
    conf::value<&S::etag>("etag", everywhere, "Send the ETag of files."),
    conf::custom<&set_limit_rate, &S::limit_rate>("limit_rate", everywhere | conf::if_in_location, {1, 1},
                                                  "How many bytes of an answer are sent in a second; 0: no limit.")
        .shown_as("rate"),
    conf::custom<&set_limit_rate_after, &S::limit_rate_after>("limit_rate_after", everywhere | conf::if_in_location,
                                                              {1, 1}, "How much is sent before limit_rate counts.")
        .shown_as("size"),
    conf::value<&S::chunked_transfer_encoding>("chunked_transfer_encoding", everywhere,
                                               "Send answers of unknown length in chunks; otherwise up to the close."),
    conf::value<&S::if_modified_since>("if_modified_since", everywhere,
                                       "How times in If-Modified-Since are compared with those of files."),
    conf::value<&S::max_ranges>("max_ranges", everywhere, "The most ranges a request may ask for; 0 disables ranges."),
    conf::value<&S::log_not_found>("log_not_found", everywhere, "Log files that were not found as errors."),

    conf::custom<&set_open_file_cache, &S::open_file_cache>("open_file_cache", everywhere, {1, 2},
                                                            "Keep files open, and small ones in memory.")
        .shown_as("off | max=number [inactive=time]"),
    conf::value<&S::open_file_cache_valid>("open_file_cache_valid", everywhere,
                                           "After this time a cached file is checked again."),
    conf::value<&S::open_file_cache_min_uses>("open_file_cache_min_uses", everywhere,
                                              "How often a file must be asked for to stay open.")
        .at_least(1),
    conf::value<&S::open_file_cache_errors>("open_file_cache_errors", everywhere,
                                            "Remember files that could not be opened, too."),
    conf::custom<&set_disable_symlinks, &S::disable_symlinks>("disable_symlinks", everywhere, {1, 2},
                                                              "Refuse paths with symbolic links.")
        .shown_as("off | on | if_not_owner [from=part]"),
    conf::custom<&set_directio, &S::directio>("directio", everywhere, {1, 1},
                                              "Read files of at least this size past the page cache.")
        .shown_as("size | off"),
    conf::value<&S::directio_alignment>("directio_alignment", everywhere, "The alignment of such reads."),

    conf::custom<&set_server_tokens, &S::server_tokens>("server_tokens", everywhere, {1, 1},
                                                        "What the Server field and error pages say.")
        .shown_as("on | off | build | string"),
    conf::value<&S::client_header_timeout>("client_header_timeout", hosts, "How long a client may take for a head."),
    conf::value<&S::client_body_timeout>("client_body_timeout", everywhere,
                                         "How long a client may pause while it sends a body."),
    conf::value<&S::send_timeout>("send_timeout", everywhere, "How long a client may pause while it receives."),
    conf::custom<&set_keepalive_timeout, &S::keepalive_timeout, &S::keepalive_header>(
        "keepalive_timeout", everywhere, {1, 2}, "How long an idle connection stays open; 0 disables keep-alive.")
        .shown_as("timeout [header_timeout]"),
    conf::value<&S::keepalive_requests>("keepalive_requests", everywhere, "The most requests of one connection."),
    conf::value<&S::keepalive_min_timeout>("keepalive_min_timeout", everywhere,
                                           "How long a leaving server still waits for a connection's next request."),
    conf::value<&S::keepalive_disable>("keepalive_disable", everywhere,
                                       "Old browsers that get no keep-alive, where it confuses them.")
        .taking({1, 2}),
    conf::value<&S::keepalive_time>("keepalive_time", everywhere, "The longest life of a connection with keep-alive."),
    conf::value<&S::lingering_close>("lingering_close", everywhere,
                                     "Whether more input is read before a connection is closed."),
    conf::value<&S::lingering_time>("lingering_time", everywhere, "How long such input is read at most."),
    conf::value<&S::lingering_timeout>("lingering_timeout", everywhere, "How long it is waited for."),
    conf::value<&S::reset_timedout_connection>("reset_timedout_connection", everywhere,
                                               "Reset connections that timed out instead of closing them."),

    conf::value<&S::client_header_buffer_size>("client_header_buffer_size", hosts, "The usual size of a head."),
    conf::value<&S::large_client_header_buffers>("large_client_header_buffers", hosts,
                                                 "How large a head may be, and the lines of it."),
    conf::value<&S::max_headers>("max_headers", hosts, "The most fields of a head.").between(1, 65000),
    conf::value<&S::underscores_in_headers>("underscores_in_headers", hosts,
                                            "Accept fields with underscores in their names."),
    conf::value<&S::ignore_invalid_headers>("ignore_invalid_headers", hosts, "Ignore fields with invalid names."),
    conf::value<&S::merge_slashes>("merge_slashes", hosts, "Treat several slashes in a path as one."),
    conf::value<&S::client_max_body_size>("client_max_body_size", everywhere, "The largest body of a request; 0: any."),
    conf::value<&S::client_body_buffer_size>("client_body_buffer_size", everywhere,
                                             "How much of a body is kept in memory."),

    conf::custom<&set_body_temp_path, &S::client_body_temp_path>("client_body_temp_path", everywhere, {1, 4},
                                                                 "Where larger bodies are kept.")
        .shown_as("path [level1 [level2 [level3]]]"),
    conf::value<&S::client_body_in_file_only>("client_body_in_file_only", everywhere,
                                              "Keep every body in a file, which stays or is removed in the end."),
    conf::accepted<bool>("client_body_in_single_buffer", everywhere, "A body in memory is in one piece by itself."),

    conf::value<&S::absolute_redirect>("absolute_redirect", everywhere, "Redirect with absolute URLs."),
    conf::value<&S::port_in_redirect>("port_in_redirect", everywhere, "Name the port in such URLs."),
    conf::value<&S::server_name_in_redirect>("server_name_in_redirect", everywhere,
                                             "Name the server as server_name does in such URLs."),

    temp_path("fastcgi_temp_path"),
    temp_path("uwsgi_temp_path"),
    temp_path("scgi_temp_path"),
    conf::accepted<&check_aio>("aio", everywhere, {1, 1}, "Files never block a worker here.")
        .shown_as("on | off | threads[=pool]"),
    conf::custom<&add_early_hints, &S::early_hints>("early_hints", everywhere, conf::at_least_one,
                                                    "When early hints of servers are passed on: one is true.")
        .shown_as("condition ..."),
    conf::custom<&set_resolver, &S::resolver>("resolver", everywhere, conf::at_least_one,
                                              "The name servers that are asked; otherwise names are looked up as the "
                                              "system does it.")
        .shown_as("address ... [valid=time] [ipv4=on|off] [ipv6=on|off]"),
    conf::value<&S::resolver_timeout>("resolver_timeout", everywhere, "How long looking up a name may take."),
    conf::accepted<bool>("aio_write", everywhere, "Files never block a worker here."),
    conf::accepted<conf::Buffers>("output_buffers", everywhere, "Buffers are chosen by the engine."),
    conf::accepted<conf::Size>("postpone_output", everywhere,
                               "Answers leave in full buffers, and when their source waits."),
    conf::accepted<conf::Size>("read_ahead", everywhere, "Files are read ahead by themselves."),
    conf::accepted<conf::Size>("send_lowat", everywhere, "Has no effect on Linux."),
    pool_size("connection_pool_size"),
    pool_size("request_pool_size"),
    conf::accepted<conf::Size>("subrequest_output_buffer_size", everywhere, "Memory is managed differently."),
    conf::accepted<uint32_t>("types_hash_max_size", everywhere, "Tables size themselves."),
    conf::accepted<uint32_t>("types_hash_bucket_size", everywhere, "Tables size themselves."),
    conf::accepted<uint32_t>("server_names_hash_max_size", conf::http, "Tables size themselves."),
    conf::accepted<uint32_t>("server_names_hash_bucket_size", conf::http, "Tables size themselves."),
    conf::accepted<uint32_t>("variables_hash_max_size", conf::http, "Tables size themselves."),
    conf::accepted<uint32_t>("variables_hash_bucket_size", conf::http, "Tables size themselves."),
    conf::value<&S::log_subrequest>("log_subrequest", everywhere, "Whether subrequests are logged, too."),
    conf::accepted<bool>("msie_padding", everywhere, "For browsers long gone."),
    conf::accepted<bool>("msie_refresh", everywhere, "For browsers long gone."),
};

}  // namespace

constinit conf::Slot<CoreSettings> core_settings{conf::limit_except};
const conf::Section core_section{"core", directives, &core_settings};

namespace {

constexpr size_t key_bytes = sizeof(MimeType::key);

uint64_t key_of(std::string_view extension) {
    uint64_t key = 0;
    for (char c : extension.substr(0, key_bytes)) key = key << 8 | static_cast<uint8_t>(c);
    return key;
}

}  // namespace

void MimeTypes::add(std::string_view extension, std::string_view type) {
    uint64_t key = key_of(extension);
    types_.insert(std::ranges::upper_bound(types_, key, {}, &MimeType::key), {key, extension, type});
}

std::string_view MimeTypes::find(std::string_view extension) const {
    uint64_t key = key_of(extension);
    auto at = std::ranges::upper_bound(types_, key, {}, &MimeType::key);
    // A later line about the same extension rules.
    while (at != types_.begin() && (--at)->key == key) {
        if (extension.size() < key_bytes || at->extension == extension) return at->type;
    }
    return {};
}

void CoreSettings::inherit(const CoreSettings& outer) {
    if (root_given) return;
    root = outer.root;
    root_prefix = outer.root_prefix;
    is_alias = outer.is_alias;
    alias_bytes = outer.alias_bytes;
}

void CoreSettings::complete(conf::Completion& completion) {
    // An `if`, or what is not excepted, goes on with what answers in the location around it.
    const conf::Block& block = completion.block();
    bool is_inside = block.context() == conf::if_in_location || block.context() == conf::limit_except;
    if (handler == nullptr && is_inside) {
        handler = core_settings.in(*block.outer()).handler;
    }
    if (root.empty()) root = Template::constant(completion.full_path("html"));
    if (types->empty() && !types.written()) {
        for (auto [extension, type] : {std::pair{"html", "text/html"}, {"gif", "image/gif"}, {"jpg", "image/jpeg"}}) {
            types.value.add(extension, type);
        }
    }
    if (client_body_temp_path->directory.empty()) {
        client_body_temp_path.value.directory = completion.full_path("client_body_temp");
        temp_paths.in(completion.block()).add(client_body_temp_path->directory, false);
    }
    open_rules.cached = open_file_cache->on;
    open_rules.cache_max = open_file_cache->max;
    open_rules.inactive_ms = static_cast<uint64_t>(open_file_cache->inactive.count());
    open_rules.valid_ms = static_cast<uint64_t>(milliseconds(*open_file_cache_valid).count());
    open_rules.min_uses = open_file_cache_min_uses;
    open_rules.cache_errors = open_file_cache_errors;
    open_rules.symlinks = disable_symlinks->symlinks;
    open_rules.directio_from = directio.value;
}

}  // namespace ringx::http
