// modules/proxy/module.cc - requests are passed on to other servers over HTTP/1.x: the proxy_ directives.
//
// Here is what the configuration may say. pass finds out where a request goes, message writes it, http/exchange
// carries it there, and answer makes a response of what comes back.
#include "base/format.h"
#include "http/forwarded_for.h"
#include "http/module.h"
#include "http/pace.h"
#include "http/text.h"
#include "modules/proxy/answer.h"
#include "modules/proxy/pass.h"
#include "modules/proxy/settings.h"

namespace ringx::http {

namespace proxy {

constinit conf::Slot<Settings> settings;

namespace {

void set_field(Settings& settings, conf::Binding& binding) {
    auto words = binding.words();
    auto value = Template::compile(binding, words[1]);
    if (!value) return;
    std::string_view name = words[0].text;
    if (name.empty() || !std::ranges::all_of(name, [](char c) { return token_bytes[c]; })) {
        return binding.mistake(words[0], text::format("invalid header name \"{}\"", name));
    }
    settings.set_headers.value.push_back({name, std::move(*value)});
    settings.set_headers.given = true;
}

template <Setting<Template> Settings::* member>
void set_template(Settings& settings, conf::Binding& binding) {
    if ((settings.*member).given) return binding.duplicate();
    auto value = Template::compile(binding, binding.words()[0]);
    if (value) (settings.*member).give(std::move(*value));
}

void set_limit_rate(Settings& settings, conf::Binding& binding) { set_size_template(settings.limit_rate, binding); }
void set_store(Settings& settings, conf::Binding& binding) { read_store_place(settings.store, binding); }
void set_store_access(Settings& settings, conf::Binding& binding) {
    read_store_access(settings.store_access, binding);
}
void set_bind(Settings& settings, conf::Binding& binding) { LocalAddress::read(settings.bind, binding); }
void set_temp(Settings& settings, conf::Binding& binding) { set_temp_path(settings.temp_path, binding); }

void set_retry_budget(Settings& settings, conf::Binding& binding) {
    auto words = binding.words();
    if (settings.retry_budget.given) return binding.duplicate();
    std::optional<RetryBudget::Rules> budget;
    if (words[0].text != "off") {
        budget.emplace();
        bool is_share = words[0].text.ends_with('%');
        auto percent = conf::parse_unsigned(words[0].text.substr(0, words[0].text.size() - is_share), 100);
        if (!is_share || !percent) {
            return binding.invalid(words[0], {conf::Invalid::Kind::choice, "expected off, or a percentage: 20%"});
        }
        budget->percent = static_cast<uint32_t>(*percent);
    }
    if (words.size() > 1) {
        constexpr std::string_view least = "min=";
        bool is_least = budget && words[1].text.starts_with(least);
        auto count = conf::parse<uint32_t>(is_least ? words[1].text.substr(least.size()) : "");
        if (!count) return binding.mistake(words[1], text::format("invalid parameter \"{}\"", words[1].text));
        budget->always_min = *count;
    }
    settings.retry_budget.give(budget);
}

constexpr auto anywhere = conf::http | conf::server | conf::location;

constexpr std::array own_directives = {
    conf::custom<&set_pass>("proxy_pass", conf::location | conf::if_in_location | conf::limit_except, {1, 1},
                            "The server that requests are passed on to.")
        .shown_as("url"),
    conf::custom<&set_field, &Settings::set_headers>("proxy_set_header", anywhere, {2, 2},
                                                     "A field of the request as it is passed on; empty: without it.")
        .shown_as("field value"),
    conf::value<&Settings::version>("proxy_http_version", anywhere, "The version that is spoken with servers."),
    conf::custom<&set_template<&Settings::method>, &Settings::method>("proxy_method", anywhere, {1, 1},
                                                                      "The method to use in place of the client's.")
        .shown_as("method"),
    conf::custom<&set_template<&Settings::body>, &Settings::body>("proxy_set_body", anywhere, {1, 1},
                                                                  "The body to send in place of the client's.")
        .shown_as("value"),
    conf::value<&Settings::pass_request_headers>("proxy_pass_request_headers", anywhere,
                                                 "Whether fields of the client's request are passed on."),
    conf::value<&Settings::pass_request_body>("proxy_pass_request_body", anywhere,
                                              "Whether the body of the client's request is passed on."),
    conf::list<&Settings::hide_headers>("proxy_hide_header", anywhere, "A field of answers that clients do not get.")
        .taking({1, 1}),
    conf::list<&Settings::pass_headers>("proxy_pass_header", anywhere,
                                        "A field of answers that clients get although it is usually hidden.")
        .taking({1, 1}),
    conf::value<&Settings::ignore_headers>("proxy_ignore_headers", anywhere,
                                           "Fields of answers that are not acted upon."),
    conf::value<&Settings::intercept_errors>("proxy_intercept_errors", anywhere,
                                             "Whether error_page is for answers of servers, too."),
    conf::custom<&add_redirect, &Settings::redirects>("proxy_redirect", anywhere, {1, 2},
                                                      "What becomes of URLs in Location and Refresh.")
        .shown_as("default | off | from to"),
    conf::custom<&add_cookie_domain, &Settings::cookie_domains>("proxy_cookie_domain", anywhere, {1, 2},
                                                                "What becomes of the domains of cookies.")
        .shown_as("off | domain replacement"),
    conf::custom<&add_cookie_path, &Settings::cookie_paths>("proxy_cookie_path", anywhere, {1, 2},
                                                            "What becomes of the paths of cookies.")
        .shown_as("off | path replacement"),
    conf::custom<&add_cookie_flags, &Settings::cookie_flags>("proxy_cookie_flags", anywhere, {1, 4},
                                                             "Flags that cookies get or lose.")
        .shown_as("off | cookie flag ..."),
    conf::value<&Settings::pass_trailers>("proxy_pass_trailers", anywhere,
                                          "Whether fields behind the body of an answer are passed on."),
    conf::value<&Settings::force_ranges>("proxy_force_ranges", anywhere,
                                         "Whether ranges are cut out of answers, whatever the server says of them."),
    conf::value<&Settings::connect_timeout>("proxy_connect_timeout", anywhere, "How long connecting may take."),
    conf::value<&Settings::send_timeout>("proxy_send_timeout", anywhere,
                                         "How long a server may take nothing of the request."),
    conf::value<&Settings::read_timeout>("proxy_read_timeout", anywhere,
                                         "How long a server may send nothing of its answer."),
    conf::value<&Settings::next_upstream>("proxy_next_upstream", anywhere,
                                          "In which cases the next server is tried."),
    conf::value<&Settings::next_upstream_tries>("proxy_next_upstream_tries", anywhere,
                                                "How many servers are tried at most; 0: all."),
    conf::custom<&set_retry_budget, &Settings::retry_budget>("proxy_retry_budget", anywhere, {1, 2},
                                                             "How many retries there may be, for all requests, and "
                                                             "how many in each second anyway.")
        .shown_as("off | percent% [min=number]"),
    conf::value<&Settings::next_upstream_timeout>("proxy_next_upstream_timeout", anywhere,
                                                  "For how long the next server is tried; 0: without a limit."),
    conf::value<&Settings::buffering>("proxy_buffering", anywhere,
                                      "Whether answers are read ahead of what the client takes."),
    conf::value<&Settings::request_buffering>("proxy_request_buffering", anywhere,
                                              "Whether a body is read whole before it is passed on."),
    conf::value<&Settings::buffer_size>("proxy_buffer_size", anywhere, "The largest head of an answer."),
    conf::value<&Settings::buffers>("proxy_buffers", anywhere,
                                    "How much of an answer is kept in memory: a number of pieces and their size."),
    conf::accepted<conf::Size>("proxy_busy_buffers_size", anywhere,
                               "Memory is sent from as soon as there is something in it."),
    conf::value<&Settings::max_temp_file_size>("proxy_max_temp_file_size", anywhere,
                                               "How much of an answer is kept in a file; 0: nothing."),
    conf::accepted<conf::Size>("proxy_temp_file_write_size", anywhere, "Files are written in steps of their own."),
    conf::custom<&set_temp, &Settings::temp_path>("proxy_temp_path", anywhere, {1, 4},
                                                  "The directory for answers that are kept in files.")
        .shown_as("path [level1 [level2 [level3]]]"),
    conf::value<&Settings::ignore_client_abort>("proxy_ignore_client_abort", anywhere,
                                                "Whether requests go on whose client has left."),
    conf::custom<&set_store, &Settings::store>("proxy_store", anywhere, {1, 1},
                                               "The file an answer is kept in; on: where the request's would be.")
        .shown_as("on | off | path"),
    conf::custom<&set_store_access, &Settings::store_access>("proxy_store_access", anywhere, {1, 3},
                                                             "Who may read and write such files.")
        .shown_as("users:permissions ..."),
    conf::custom<&set_limit_rate, &Settings::limit_rate>("proxy_limit_rate", anywhere, {1, 1},
                                                         "How many bytes a second are read ahead; 0: no limit.")
        .shown_as("rate"),
    conf::custom<&set_bind, &Settings::bind>("proxy_bind", anywhere, {1, 2},
                                             "The address of ours that connections to servers are made from.")
        .shown_as("address [transparent] | off"),
    conf::value<&Settings::socket_keepalive>("proxy_socket_keepalive", anywhere,
                                             "Whether the system probes idle connections to servers."),
    conf::value<&Settings::socket_rcvbuf>("proxy_socket_rcvbuf", anywhere,
                                          "The system's buffer for what servers send."),
    conf::value<&Settings::socket_sndbuf>("proxy_socket_sndbuf", anywhere,
                                          "The system's buffer for what is sent to servers."),
    conf::accepted<conf::Size>("proxy_send_lowat", anywhere, "Only of use on FreeBSD."),
    conf::accepted<uint32_t>("proxy_headers_hash_max_size", anywhere, "Fields are found without such tables."),
    conf::accepted<uint32_t>("proxy_headers_hash_bucket_size", anywhere, "Fields are found without such tables."),
};

constexpr auto directives = conf::joined(own_directives, upstream_tls::rows<&Settings::tls, "proxy_ssl_">());

VariableValue proxy_host(Request& request, const VariableUse&) {
    const Destination* destination = destination_of(request);
    if (destination == nullptr) return std::nullopt;
    return destination->host;
}

VariableValue proxy_port(Request& request, const VariableUse&) {
    const Destination* destination = destination_of(request);
    if (destination == nullptr) return std::nullopt;
    return destination->port;
}

VariableValue add_forwarded_for(Request& request, const VariableUse&) {
    std::string_view client = request.arena.copy(request.remote().host_text());
    std::string all;
    for (const Field& field : request.head.fields) {
        if (field.id == Header::x_forwarded_for) all.append(field.value).append(", ");
    }
    return all.empty() ? client : request.arena.copy(all.append(client));
}

constexpr Variable variables[] = {
    {"proxy_add_x_forwarded_for", add_forwarded_for},
    {"proxy_host", proxy_host},
    {"proxy_port", proxy_port},
};

}  // namespace
}  // namespace proxy

extern constinit const Module proxy_module = {
    .name = "proxy",
    .directives = proxy::directives,
    .settings = &proxy::settings,
    .variables = proxy::variables,
};

}  // namespace ringx::http
