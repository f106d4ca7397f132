#include "http/core_variables.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdlib>

#include "base/base64.h"
#include "base/check.h"
#include "http/core_settings.h"
#include "http/field_variables.h"
#include "http/file_lookup.h"
#include "http/number_text.h"
#include "http/pace.h"
#include "http/peer_variables.h"
#include "http/request.h"
#include "http/request_body.h"
#include "http/server_settings.h"
#include "http/site.h"
#include "http/status.h"
#include "http/text.h"

namespace ringx::http {
namespace {

using Value = VariableValue;

Value unless_empty(std::string_view text) { return text.empty() ? Value() : text; }

// --- the request as it came

Value request_line(Request& r, const VariableUse&) { return unless_empty(r.head.request_line); }
Value request_method(Request& r, const VariableUse&) {
    return unless_empty(r.is_subrequest() ? r.asked_method : r.head.method_text);
}
Value content_length(Request& r, const VariableUse&) { return unless_empty(r.head.value(Header::content_length)); }
Value content_type(Request& r, const VariableUse&) { return unless_empty(r.head.value(Header::content_type)); }
Value request_length(Request& r, const VariableUse&) { return number_text(r.arena, r.received_bytes); }
Value request_port(Request& r, const VariableUse&) { return r.head.host.port; }
Value is_request_port(Request& r, const VariableUse&) { return r.head.host.port.empty() ? "" : ":"; }

// The target without what precedes the path in its absolute form.
Value request_uri(Request& r, const VariableUse&) {
    if (r.head.form != Target::absolute) return unless_empty(r.head.target);
    return r.head.has_query ? r.arena.join({r.head.path, "?", r.head.query}) : r.head.path;
}

Value server_protocol(Request& r, const VariableUse&) {
    if (r.head.method_text.empty()) return std::nullopt;
    return r.head.minor_version == 0 ? "HTTP/1.0" : "HTTP/1.1";
}

Value host(Request& r, const VariableUse&) {
    const Host& host = r.head.host;
    if (host.name.empty()) return r.server == nullptr ? "" : r.server->settings->first_name;
    if (host.is_lower) return host.name;
    char* lower = r.arena.text(host.name.size());
    std::ranges::transform(host.name, lower, to_lower);
    return std::string_view(lower, host.name.size());
}

// The user of Basic credentials (RFC 7617), whether or not somebody checked them.
Value remote_user(Request& r, const VariableUse&) {
    if (!r.remote_user.empty()) return r.remote_user;
    constexpr std::string_view scheme = "Basic ";
    std::string_view credentials = r.head.value(Header::authorization);
    if (credentials.size() <= scheme.size()) return std::nullopt;
    if (!equals_ignore_case(credentials.substr(0, scheme.size()), scheme)) return std::nullopt;

    credentials.remove_prefix(std::min(credentials.find_first_not_of(' ', scheme.size()), credentials.size()));
    auto decoded = decode_base64(credentials, r.arena.text(base64_decoded_max(credentials.size())));
    if (!decoded) return std::nullopt;
    size_t colon = decoded->find(':');
    return colon == decoded->npos ? Value() : decoded->substr(0, colon);
}

Value request_id(Request& r, const VariableUse&) { return http::request_id(r); }

// Only of a body that somebody has read.
Value request_body(Request& r, const VariableUse&) {
    auto memory = r.body == nullptr ? std::nullopt : r.body->memory();
    return memory ? unless_empty(*memory) : Value();
}

Value request_body_file(Request& r, const VariableUse&) {
    return r.body == nullptr || r.body->file() == nullptr ? Value() : std::string_view(r.body->file()->path());
}

// --- where it was routed

Value uri(Request& r, const VariableUse&) { return unless_empty(r.uri); }
Value args(Request& r, const VariableUse&) { return unless_empty(r.args); }
void set_args(Request& r, const VariableUse&, std::string_view value) {
    r.args = value;
    r.has_args = !value.empty();
    r.uri_is_clients = false;
}
Value is_args(Request& r, const VariableUse&) { return r.args.empty() ? "" : "?"; }
Value server_name(Request& r, const VariableUse&) { return r.server == nullptr ? "" : r.server->settings->first_name; }

Value document_root(Request& r, const VariableUse&) {
    return r.core == nullptr ? Value() : http::document_root(r);
}

// Asks the file system, and so may wait for a disk.
Value realpath_root(Request& r, const VariableUse&) {
    if (r.core == nullptr) return std::nullopt;
    std::string_view root = r.arena.join({http::document_root(r), std::string_view("", 1)});
    std::array<char, PATH_MAX> real;
    if (realpath(root.data(), real.data()) == nullptr) {
        r.log().write(Level::crit, r.log_context(), Error{"realpath", errno}, "realpath() \"{}\" failed", root.data());
        return std::nullopt;
    }
    return r.arena.copy(real.data());
}

Value request_filename(Request& r, const VariableUse&) {
    return r.core == nullptr ? Value() : file_path(r, r.uri);
}

// --- the answer

Value status(Request& r, const VariableUse&) {
    char* text = r.arena.text(3);
    uint16_t known = r.sent_status != 0 ? r.sent_status : r.error_status;
    if (known == 0 && r.making != nullptr) known = r.making->status;
    write_three_digits(text, sent_status(known));
    return std::string_view(text, 3);
}

Value bytes_sent(Request& r, const VariableUse&) { return number_text(r.arena, r.sent_bytes); }
Value body_bytes_sent(Request& r, const VariableUse&) { return number_text(r.arena, r.sent_body_bytes); }
Value request_completion(Request& r, const VariableUse&) { return r.completed ? "OK" : ""; }
Value limit_rate(Request& r, const VariableUse&) { return number_text(r.arena, assigned_rate(r)); }

void set_limit_rate(Request& r, const VariableUse&, std::string_view text) {
    auto rate = conf::parse<conf::Size>(text);
    if (rate) return assign_rate(r, *rate);
    r.log().write(Level::error, r.log_context(), "invalid $limit_rate \"{}\"", text);
}

// --- the connection

Value connection(Request& r, const VariableUse&) { return number_text(r.arena, r.peer->number); }
Value connection_requests(Request& r, const VariableUse&) { return number_text(r.arena, r.number); }
Value pipe(Request& r, const VariableUse&) { return r.pipelined ? "p" : "."; }
Value scheme(Request& r, const VariableUse&) { return r.scheme(); }
Value https(Request& r, const VariableUse&) { return r.peer->tls != nullptr ? "on" : ""; }

Value connection_time(Request& r, const VariableUse&) {
    return duration_text(r.arena, (r.worker->clock.now_us() - r.peer->since_us) / 1000);
}

Value port_text(Request& r, const Address& address) {
    return address.port() == 0 ? "" : number_text(r.arena, address.port());
}

Value remote_port(Request& r, const VariableUse&) { return port_text(r, r.remote()); }
Value server_addr(Request& r, const VariableUse&) { return r.arena.copy(r.peer->local().host_text()); }
Value server_port(Request& r, const VariableUse&) { return port_text(r, r.peer->local()); }

Value binary_remote_addr(Request& r, const VariableUse&) {
    Address address = r.remote();
    const void* from = address.get();
    if (address.family() == AF_INET) {
        return r.arena.copy({reinterpret_cast<const char*>(&static_cast<const sockaddr_in*>(from)->sin_addr), 4});
    }
    if (address.family() == AF_INET6) {
        return r.arena.copy({reinterpret_cast<const char*>(&static_cast<const sockaddr_in6*>(from)->sin6_addr), 16});
    }
    return r.arena.copy(address.host_text());
}

// What the kernel knows about the connection; nothing for a path.
template <auto member>
Value tcp_info_of(Request& r, const VariableUse&) {
    struct tcp_info info {};
    socklen_t length = sizeof info;
    if (getsockopt(r.peer->fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0) return std::nullopt;
    return number_text(r.arena, info.*member);
}

// --- the time, the machine

Value msec(Request& r, const VariableUse&) {
    const Clock& clock = r.worker->clock;
    return seconds_text(r.arena, static_cast<uint64_t>(clock.seconds()), clock.microseconds() / 1000);
}

Value request_time(Request& r, const VariableUse&) {
    return duration_text(r.arena, (r.worker->clock.now_us() - r.started_us) / 1000);
}

// The clock's texts change with the second: what lives as long as the request is a copy.
Value time_local(Request& r, const VariableUse&) { return r.arena.copy(r.worker->clock.log_time()); }
Value time_iso8601(Request& r, const VariableUse&) { return r.arena.copy(r.worker->clock.iso8601()); }

Value time_iso8601_ms(Request& r, const VariableUse&) {
    std::string_view time = r.worker->clock.iso8601();
    constexpr size_t seconds_end = 19;
    char fraction[4] = {'.'};
    write_three_digits(fraction + 1, r.worker->clock.microseconds() / 1000);
    return r.arena.join({time.substr(0, seconds_end), {fraction, sizeof fraction}, time.substr(seconds_end)});
}

Value hostname(Request& r, const VariableUse&) {
    std::array<char, HOST_NAME_MAX + 1> name{};
    if (gethostname(name.data(), name.size() - 1) < 0) return std::nullopt;
    std::ranges::transform(name, name.begin(), to_lower);
    return r.arena.copy(name.data());
}

Value pid(Request& r, const VariableUse&) { return number_text(r.arena, static_cast<uint64_t>(getpid())); }
Value version(Request&, const VariableUse&) { return RINGX_VERSION; }

constexpr Variable variables[] = {
    {"arg_", argument, true},
    {"args", args, false, true, set_args},
    {"binary_remote_addr", binary_remote_addr},
    Variable::known_at_end("body_bytes_sent", body_bytes_sent),
    Variable::known_at_end("bytes_sent", bytes_sent),
    {"connection", connection},
    {"connection_requests", connection_requests},
    Variable::known_at_end("connection_time", connection_time),
    {"content_length", content_length},
    {"content_type", content_type},
    {"cookie_", cookie, true},
    {"document_root", document_root},
    {"document_uri", uri},
    {"host", host},
    {"hostname", hostname},
    {"http_", request_field, true},
    {"https", https},
    {"is_args", is_args},
    {"is_request_port", is_request_port},
    {"limit_rate", limit_rate, false, true, set_limit_rate},
    Variable::known_at_end("msec", msec),
    {"nginx_version", version},
    {"pid", pid},
    {"pipe", pipe},
    {"proxy_protocol_addr", proxy_protocol_addr},
    {"proxy_protocol_port", proxy_protocol_port},
    {"proxy_protocol_server_addr", proxy_protocol_server_addr},
    {"proxy_protocol_server_port", proxy_protocol_server_port},
    {"proxy_protocol_tlv_", proxy_protocol_tlv, true},
    {"query_string", args},
    {"realpath_root", realpath_root},
    {"remote_addr", remote_addr},
    {"remote_port", remote_port},
    {"remote_user", remote_user},
    {"request", request_line},
    {"request_body", request_body},
    {"request_body_file", request_body_file},
    {"request_completion", request_completion},
    {"request_filename", request_filename},
    {"request_id", request_id},
    {"request_length", request_length},
    {"request_method", request_method},
    {"request_port", request_port},
    Variable::known_at_end("request_time", request_time),
    {"request_uri", request_uri},
    {"scheme", scheme},
    {"sent_http_", response_field, true},
    {"sent_trailer_", response_trailer, true},
    {"server_addr", server_addr},
    {"server_name", server_name},
    {"server_port", server_port},
    {"server_protocol", server_protocol},
    {"status", status},
    Variable::known_at_end("tcpinfo_rcv_space", tcp_info_of<&tcp_info::tcpi_rcv_space>),
    Variable::known_at_end("tcpinfo_rtt", tcp_info_of<&tcp_info::tcpi_rtt>),
    Variable::known_at_end("tcpinfo_rttvar", tcp_info_of<&tcp_info::tcpi_rttvar>),
    Variable::known_at_end("tcpinfo_snd_cwnd", tcp_info_of<&tcp_info::tcpi_snd_cwnd>),
    Variable::known_at_end("time_iso8601", time_iso8601),
    Variable::known_at_end("time_iso8601_ms", time_iso8601_ms),
    Variable::known_at_end("time_local", time_local),
    {"uri", uri},
};

}  // namespace

std::string_view request_id(Request& r) {
    if (!r.id.empty()) return r.id;
    std::array<unsigned char, 16> random;
    CHECK(getrandom(random.data(), random.size(), 0) == static_cast<ssize_t>(random.size()));
    constexpr char digits[] = "0123456789abcdef";
    char* text = r.arena.text(2 * random.size());
    for (size_t i = 0; i < random.size(); ++i) {
        text[2 * i] = digits[random[i] >> 4];
        text[2 * i + 1] = digits[random[i] & 15];
    }
    r.id = {text, 2 * random.size()};
    return r.id;
}

constinit const Module core_variables_module = {
    .name = "core_variables",
    .variables = variables,
};

}  // namespace ringx::http
