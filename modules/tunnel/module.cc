// modules/tunnel/module.cc - CONNECT: the client is joined with a server, and nobody looks at what they say.
//
// Whom is what `tunnel_pass` says, by itself whoever the client names: a proxy open to everybody unless `allow`,
// `auth_basic` or a map of hosts says otherwise. The connection to the server is all of the answer, which is 200; then
// http/tunnel has both. What a client can name is a host and a port, never a path of this machine.
#include <array>
#include <chrono>
#include <optional>

#include "base/format.h"
#include "http/core_settings.h"
#include "http/exchange.h"
#include "http/known_addresses.h"
#include "http/local_address.h"
#include "http/module.h"
#include "http/server_settings.h"
#include "http/upstream.h"
#include "http/upstream_host.h"
#include "net/system_needs.h"

namespace ringx::http {

namespace tunnel {

using namespace std::chrono_literals;

// Whom clients are joined with.
struct Pass {
    bool is_given = false;
    const UpstreamTarget* target = nullptr;  // null: `address` tells, for each request
    Template address;                        // empty: whom the client names
};

// What is tried again with another server.
enum class Again : uint8_t { error, timeout, denied, off };
constexpr std::array<conf::Choice<Again>, 4> choices(Again) {
    return {{{"error", Again::error},
             {"timeout", Again::timeout},
             {"denied", Again::denied},  // to `tunnel_allow_upstream`, which there is not
             {"off", Again::off}}};
}

struct Settings {
    Pass pass;
    Setting<std::chrono::milliseconds> connect_timeout{60s};
    Setting<std::chrono::milliseconds> send_timeout{60s};
    Setting<std::chrono::milliseconds> read_timeout{60s};
    Setting<conf::Flags<Again>> next_upstream{conf::Flags<Again>{Again::error, Again::timeout}};
    Setting<uint32_t> next_upstream_tries{0};
    Setting<std::chrono::milliseconds> next_upstream_timeout{0ms};
    Setting<LocalAddress> bind;
    Setting<bool> socket_keepalive{false};
    Setting<conf::Size> socket_rcvbuf{conf::Size{0}};
    Setting<conf::Size> socket_sndbuf{conf::Size{0}};

    ExchangeRules rules;  // made of the above

    void complete(conf::Completion& completion);
};

constinit conf::Slot<Settings> settings;

namespace {

// Where a request goes. The group is null when the host has to be looked up first.
struct Goal {
    const Upstream* upstream = nullptr;
    std::string_view name;  // to be looked up, with `port`
    uint16_t port = 0;
};

// What a text names that variables gave; nothing, and a line in the log, when that is nobody. A path is absolute: who
// asks for the host `unix` and port 443 names none.
std::optional<Goal> read_goal(Request& request, std::string_view text) {
    HostText host = read_host(text, 0);
    if (text.starts_with("unix:") && !text.starts_with("unix:/")) host.fault = "invalid host";
    bool is_path = host.fault.empty() && host.host.empty();
    Goal goal{nullptr, is_path ? text : std::string_view(host.host), is_path ? uint16_t{0} : host.port};
    if (host.fault.empty()) goal.upstream = upstreams.in(*request.block).find(goal.name, goal.port, host.has_port);
    bool lacks_port = goal.upstream == nullptr && !is_path && goal.port == 0;
    if (host.fault.empty() && !lacks_port) return goal;
    std::string_view fault = lacks_port ? "no port" : std::string_view(host.fault);
    request.log().write(Level::error, request.log_context(), "{} in upstream \"{}\"", fault, text);
    return std::nullopt;
}

// Whom the client names: the parser has seen to it that it is a host and a number.
std::optional<Goal> goal_of_client(Request& request) {
    const Host& host = request.head.host;
    auto port = conf::parse_unsigned(host.port, UINT16_MAX);
    if (!port || *port == 0) return std::nullopt;
    std::string storage;
    return Goal{nullptr, request.arena.copy(lower_host(host, storage)), static_cast<uint16_t>(*port)};
}

Task<Answer> open_tunnel(Request& request, const Settings& ours, Goal goal) {
    auto& rules = *request.arena.make<ExchangeRules>(ours.rules);
    ours.bind->apply(request, rules.socket);
    Exchange::Where where;
    if (goal.upstream != nullptr) {
        where.peers = goal.upstream->roster(request);
        where.wish = goal.upstream->wish(request);
        where.sticky = goal.upstream->sticky.get();
        where.queue = *goal.upstream->queue;
        where.queue_timeout = goal.upstream->queue_timeout;
    } else {
        FoundHost found = co_await find_upstream_host(request, goal.name, goal.port, rules.minds_client);
        if (!found) co_return Answer::of_status(found.error());
        where.peers = std::move(*found);
    }
    Exchange& exchange = *request.arena.make<Exchange>(request, rules, nullptr, where);
    uint16_t status = co_await exchange.run();
    if (status != 0) co_return Answer::of_status(status);
    Answer answer = Answer::in_place();
    answer.response.is_foreign = true;
    exchange.give_body(answer.response);
    co_return answer;
}

Answer respond(Request& request) {
    if (request.method() != Method::connect) return Answer::of_status(405);
    const Settings& ours = settings.in(*request.block);
    const Pass& pass = ours.pass;
    std::optional<Goal> goal;
    if (pass.target != nullptr) {
        goal = Goal{pass.target->upstream, {}, 0};
    } else if (pass.address.empty()) {
        goal = goal_of_client(request);
        if (!goal) return Answer::of_status(400);
    } else {
        goal = read_goal(request, pass.address.evaluate(request));
        if (!goal) return Answer::of_status(500);
    }
    return Answer::later(open_tunnel(request, ours, *goal));
}

void set_pass(Settings& settings, conf::Binding& binding) {
    Pass& pass = settings.pass;
    if (pass.is_given) return binding.duplicate();
    pass.is_given = true;
    core_settings.in(binding.block()).handler = respond;
    conf::Block* server = &binding.block();
    while (server->context() != conf::server) server = server->outer();
    server_settings.in(*server).takes_connect = true;
    system_needs.in(binding.block()).connects = true;
    if (binding.words().empty()) return;
    const conf::Word& word = binding.words()[0];
    auto compiled = Template::compile(binding, word);
    if (!compiled) return;
    if (!compiled->is_constant()) {
        pass.address = std::move(*compiled);
        return;
    }
    pass.target = upstreams.in(binding.block()).use(binding, word, compiled->constant_text(), 0);
}

void set_bind(Settings& settings, conf::Binding& binding) { LocalAddress::read(settings.bind, binding); }

constexpr auto anywhere = conf::http | conf::server | conf::location;

constexpr conf::Directive directives[] = {
    conf::custom<&set_pass>("tunnel_pass", conf::server | conf::location | conf::if_in_location, {0, 1},
                            "CONNECT joins the client with this server; without one, with whom it names.")
        .shown_as("[address]"),
    conf::custom<&set_bind, &Settings::bind>("tunnel_bind", anywhere, {1, 2},
                                             "The address of ours that connections to servers are made from.")
        .shown_as("address [transparent] | off"),
    conf::accepted<conf::Size>("tunnel_buffer_size", anywhere, "Bytes are passed on in the buffers they came in."),
    conf::value<&Settings::connect_timeout>("tunnel_connect_timeout", anywhere, "How long connecting may take."),
    conf::value<&Settings::send_timeout>("tunnel_send_timeout", anywhere,
                                         "How long a server may take nothing of what is there for it."),
    conf::value<&Settings::read_timeout>("tunnel_read_timeout", anywhere, "How long both sides may be silent."),
    conf::value<&Settings::next_upstream>("tunnel_next_upstream", anywhere,
                                          "In which cases the next server is tried."),
    conf::value<&Settings::next_upstream_tries>("tunnel_next_upstream_tries", anywhere,
                                                "How many servers are tried at most; 0: all."),
    conf::value<&Settings::next_upstream_timeout>("tunnel_next_upstream_timeout", anywhere,
                                                  "For how long the next server is tried; 0: without a limit."),
    conf::accepted<conf::Size>("tunnel_send_lowat", anywhere, "Only of use on FreeBSD."),
    conf::value<&Settings::socket_keepalive>("tunnel_socket_keepalive", anywhere,
                                             "Whether the system probes idle connections to servers."),
    conf::value<&Settings::socket_rcvbuf>("tunnel_socket_rcvbuf", anywhere,
                                          "The system's buffer for what servers send."),
    conf::value<&Settings::socket_sndbuf>("tunnel_socket_sndbuf", anywhere,
                                          "The system's buffer for what is sent to servers."),
};

}  // namespace

void Settings::complete(conf::Completion& completion) {
    conf::Block& block = completion.block();
    bool takes_over = block.context() == conf::if_in_location || block.context() == conf::limit_except;
    if (takes_over && !pass.is_given) {
        pass = settings.in(*std::as_const(block).outer()).pass;
        if (pass.is_given && block.context() == conf::limit_except) core_settings.in(block).handler = respond;
    }
    rules.connect_timeout = *connect_timeout;
    rules.send_timeout = *send_timeout;
    rules.read_timeout = *read_timeout;
    rules.next_upstream = {};
    if (!next_upstream->has(Again::off)) {
        if (next_upstream->has(Again::error)) rules.next_upstream.add(NextUpstream::error);
        if (next_upstream->has(Again::timeout)) rules.next_upstream.add(NextUpstream::timeout);
    }
    rules.next_upstream_timeout = *next_upstream_timeout;
    rules.next_upstream_tries = *next_upstream_tries;
    rules.socket.keepalive = *socket_keepalive;
    rules.socket.receive_bytes = static_cast<uint32_t>(socket_rcvbuf->bytes);
    rules.socket.send_bytes = static_cast<uint32_t>(socket_sndbuf->bytes);
}

}  // namespace tunnel

extern constinit const Module tunnel_module = {
    .name = "tunnel",
    .directives = tunnel::directives,
    .settings = &tunnel::settings,
};

}  // namespace ringx::http
