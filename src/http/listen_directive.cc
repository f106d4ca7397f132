#include "http/listen_directive.h"

#include <netdb.h>

#include "base/format.h"
#include "http/server_settings.h"

namespace ringx::http {
namespace {

// The address of a host name and port. What the resolver said is kept in the bundle, so that the workers use the same
// address as the master, and ask nobody.
std::optional<Address> resolve(conf::Binding& binding, const conf::Word& word) {
    std::string key = text::format("host:{}", word.text);
    if (auto known = binding.bundle().read(key)) return Address::parse(*known, 80);

    std::string host(word.text.substr(0, word.text.rfind(':')));
    size_t colon = word.text.rfind(':');
    std::string port(colon == std::string_view::npos ? "80" : word.text.substr(colon + 1));
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* found = nullptr;
    if (getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) {
        binding.mistake(word, text::format("host not found in \"{}\" of the \"listen\" directive", word.text));
        return std::nullopt;
    }
    Address address(found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    binding.bundle().add(key, address.text());
    return address;
}

// What is wrong with a text that is no address.
std::string_view fault_of(std::string_view text) {
    if (text == "unix:") return "no path in the unix domain socket";
    bool is_port = text.find_first_not_of("0123456789") == std::string_view::npos;
    size_t colon = text.rfind(':');
    bool has_host = colon != std::string_view::npos && Address::parse(text.substr(0, colon), 80);
    return is_port || has_host ? "invalid port" : "invalid address";
}

std::optional<Address> read_address(conf::Binding& binding, const conf::Word& word) {
    if (auto address = Address::parse(word.text, 80)) return address;
    bool is_name = !word.text.empty() && word.text.find_first_of("[]/*") == std::string_view::npos &&
                   word.text.find_first_not_of("0123456789.:") != std::string_view::npos;
    if (is_name && !word.text.starts_with("unix:")) return resolve(binding, word);
    binding.mistake(word, text::format("{} in \"{}\" of the \"listen\" directive", fault_of(word.text), word.text));
    return std::nullopt;
}

bool set_number(conf::Binding& binding, const conf::Word& word, std::string_view value, int least, int& out) {
    auto number = conf::parse_unsigned(value, 1 << 30);
    if (!number || static_cast<int>(*number) < least) {
        binding.mistake(word, text::format("invalid parameter \"{}\"", word.text), "expected a number");
        return false;
    }
    out = static_cast<int>(*number);
    return true;
}

bool set_size(conf::Binding& binding, const conf::Word& word, std::string_view value, int& out) {
    auto size = conf::parse<conf::Size>(value);
    if (!size || size->bytes > (1u << 30)) {
        binding.mistake(word, text::format("invalid parameter \"{}\"", word.text), "expected a size");
        return false;
    }
    out = static_cast<int>(size->bytes);
    return true;
}

// so_keepalive=on|off|[idle]:[interval]:[count]
bool set_keepalive(conf::Binding& binding, const conf::Word& word, std::string_view value, ListenOptions& options) {
    if (value == "on" || value == "off") {
        options.keepalive = value == "on" ? ListenOptions::Keepalive::on : ListenOptions::Keepalive::off;
        return true;
    }
    size_t first = value.find(':');
    size_t second = first == std::string_view::npos ? first : value.find(':', first + 1);
    if (second == std::string_view::npos || value.size() == 2) {
        binding.mistake(word, text::format("invalid so_keepalive value: \"{}\"", value),
                        "expected on, off or idle:interval:count");
        return false;
    }
    auto seconds = [](std::string_view text, int& out) {
        if (text.empty()) return true;
        auto time = conf::parse<std::chrono::seconds>(text);
        if (time) out = static_cast<int>(time->count());
        return time.has_value();
    };
    options.keepalive = ListenOptions::Keepalive::on;
    bool good = seconds(value.substr(0, first), options.keepidle) &&
                seconds(value.substr(first + 1, second - first - 1), options.keepintvl);
    std::string_view count = value.substr(second + 1);
    if (!good) {
        binding.mistake(word, text::format("invalid so_keepalive value: \"{}\"", value), "expected times in seconds");
        return false;
    }
    return count.empty() || set_number(binding, word, count, 1, options.keepcnt);
}

// Parameters that concern the socket, and therefore the address rather than the server. `known` says whether it is one.
bool set_socket_option(conf::Binding& binding, const conf::Word& word, ListenOptions& options, bool& known) {
    std::string_view text = word.text;
    auto value_of = [&](std::string_view name) { return text.substr(name.size()); };
    known = true;
    if (text.starts_with("backlog=")) return set_number(binding, word, value_of("backlog="), 1, options.backlog);
    if (text.starts_with("fastopen=")) return set_number(binding, word, value_of("fastopen="), 0, options.fastopen);
    if (text.starts_with("rcvbuf=")) return set_size(binding, word, value_of("rcvbuf="), options.rcvbuf);
    if (text.starts_with("sndbuf=")) return set_size(binding, word, value_of("sndbuf="), options.sndbuf);
    if (text.starts_with("so_keepalive=")) {
        return set_keepalive(binding, word, value_of("so_keepalive="), options);
    }
    if (text == "ipv6only=on" || text == "ipv6only=off") {
        options.ipv6only = text.ends_with("=on");
        return true;
    }
    if (text == "deferred") {
        options.deferred = true;
        return true;
    }
    if (text == "bind" || text == "reuseport") return true;  // every address has sockets of its own, one a worker
    if (text.starts_with("accept_filter=")) {
        binding.warn(word, text::format("accept filters \"{}\" are not supported on this platform, ignored", text));
        return true;
    }
    known = false;
    return true;
}

bool refuse_unsupported(conf::Binding& binding, const conf::Word& word) {
    for (std::string_view name : {"ssl", "http2", "quic", "spdy", "proxy_protocol", "multipath"}) {
        if (word.text != name) continue;
        binding.mistake(word, text::format("the \"{}\" parameter of \"listen\" is known but not supported", name));
        return true;
    }
    if (word.text.starts_with("setfib=")) {
        binding.mistake(word, "the \"setfib\" parameter of \"listen\" is not supported on this platform");
        return true;
    }
    return false;
}

}  // namespace

void set_listen(ServerSettings& settings, conf::Binding& binding) {
    auto words = binding.words();
    auto address = read_address(binding, words[0]);
    if (!address) return;

    bool is_default = false;
    bool has_options = false;
    ListenOptions options;
    for (const conf::Word& word : words.subspan(1)) {
        if (word.text == "default_server" || word.text == "default") {
            is_default = true;
            continue;
        }
        bool known = false;
        if (!set_socket_option(binding, word, options, known)) return;
        if (known) {
            has_options = true;
        } else if (!refuse_unsupported(binding, word)) {
            binding.mistake(word, text::format("invalid parameter \"{}\"", word.text));
        }
    }

    std::string key = address->text();
    for (const ListenHere& other : settings.listens) {
        if (other.key == key) {
            return binding.mistake(words[0], text::format("a duplicate listen {}", words[0].text));
        }
    }
    settings.listens.push_back({key, words[0]});

    conf::Block* root = &binding.block();
    while (root->outer() != nullptr) root = root->outer();
    ListenAddress& shared = http_settings.in(*root).addresses[key];
    if (shared.listen.key.empty()) shared.listen = Listen{*address, options, key};
    if (has_options) {
        if (shared.options_given && !(shared.listen.options == options)) {
            return binding.mistake(words[0], text::format("duplicate listen options for {}", key));
        }
        shared.options_given = true;
        shared.listen.options = options;
    }
    if (is_default) {
        if (shared.default_server != nullptr) {
            return binding.mistake(words[0], text::format("a duplicate default server for {}", key));
        }
        shared.default_server = &binding.block();
    }
}

}  // namespace ringx::http
