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
    if (text.starts_with(':')) return "no host";
    if (text.starts_with('[') && text.find(']') == text.npos) return "invalid host";
    bool is_port = text.find_first_not_of("0123456789") == std::string_view::npos;
    size_t colon = text.rfind(':');
    bool has_host = colon != std::string_view::npos && Address::parse(text.substr(0, colon), 80);
    return is_port || has_host ? "invalid port" : "invalid address";
}

// One address, or those of a range of ports; none after complaining.
std::vector<Address> read_addresses(conf::Binding& binding, const conf::Word& word) {
    auto refuse = [&](std::string_view fault, std::string_view text) {
        binding.mistake(word, text::format("{} in \"{}\" of the \"listen\" directive", fault, text));
        return std::vector<Address>();
    };
    conf::Word first = word;
    std::string_view last_port;
    size_t port_at = word.text.starts_with("unix:") ? word.text.npos : word.text.rfind(':') + 1;  // 0: all of it
    bool is_port = port_at != word.text.npos && word.text.find_first_not_of("0123456789-", port_at) == word.text.npos;
    size_t dash = is_port ? word.text.find('-', port_at) : word.text.npos;
    if (dash == port_at) dash = word.text.npos;  // a name, if anything
    if (dash != word.text.npos) {
        first.text = word.text.substr(0, dash);
        last_port = word.text.substr(dash + 1);
    }

    std::optional<Address> address = Address::parse(first.text, 80);
    bool is_name = !first.text.empty() && first.text.find_first_of("[]/*") == std::string_view::npos &&
                   first.text.find_first_not_of("0123456789.:") != std::string_view::npos &&
                   !first.text.starts_with("unix:") && fault_of(first.text) != "invalid port";
    if (!address && is_name) {
        address = resolve(binding, first);
        if (!address) return {};
    }
    if (!address) return refuse(fault_of(first.text), word.text);
    if (dash == word.text.npos) return {*address};

    auto last = conf::parse_unsigned(last_port, 65535);
    if (!last) return refuse("invalid port", word.text);
    if (*last < address->port()) return refuse("invalid port range", word.text);
    std::vector<Address> addresses;
    for (unsigned port = address->port(); port <= *last; ++port) {
        addresses.push_back(address->with_port(static_cast<uint16_t>(port)));
    }
    return addresses;
}

// "backlog=x": what stands before the equals sign names the fault, as in nginx.
bool refuse_value(conf::Binding& binding, const conf::Word& word, std::string_view hint) {
    binding.mistake(word, text::format("invalid {} \"{}\"", word.text.substr(0, word.text.find('=')), word.text),
                    std::string(hint));
    return false;
}

bool set_number(conf::Binding& binding, const conf::Word& word, std::string_view value, int least, int& out) {
    auto number = conf::parse_unsigned(value, 1 << 30);
    if (!number || static_cast<int>(*number) < least) return refuse_value(binding, word, "expected a number");
    out = static_cast<int>(*number);
    return true;
}

bool set_size(conf::Binding& binding, const conf::Word& word, std::string_view value, int& out) {
    auto size = conf::parse<conf::Size>(value);
    if (!size || size->bytes > (1u << 30)) return refuse_value(binding, word, "expected a size");
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
    auto count = [](std::string_view text, int& out) {
        if (text.empty()) return true;
        auto number = conf::parse_unsigned(text, 127);  // the kernel's limit
        if (number) out = static_cast<int>(*number);
        return number && *number > 0;
    };
    bool good = seconds(value.substr(0, first), options.keepidle) &&
                seconds(value.substr(first + 1, second - first - 1), options.keepintvl) &&
                count(value.substr(second + 1), options.keepcnt);
    if (!good) {
        binding.mistake(word, text::format("invalid so_keepalive value: \"{}\"", value),
                        "expected times and a number of probes");
    }
    return good;
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
    if (text == "multipath") {
        options.multipath = true;
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
    for (std::string_view name : {"http2", "quic", "spdy"}) {
        if (word.text != name) continue;
        binding.mistake(word, text::format("the \"{}\" parameter of \"listen\" is known but not supported", name));
        return true;
    }
    return false;
}

// What a `listen` says beside the address.
struct Said {
    bool is_default = false;
    bool has_options = false;
    bool proxy_protocol = false;
    ListenTls tls = ListenTls::off;
    ListenOptions options;
};

// ssl, or ssl=optional. False after complaining.
bool set_tls(conf::Binding& binding, const conf::Word& word, ListenTls& tls) {
    bool is_optional = word.text == "ssl=optional";
    if (!is_optional && word.text != "ssl") return refuse_value(binding, word, "expected ssl or ssl=optional");
    ListenTls said = is_optional ? ListenTls::optional : ListenTls::on;
    if (tls != ListenTls::off && tls != said) {
        binding.mistake(word, text::format("conflicting parameter \"{}\"", word.text));
        return false;
    }
    tls = said;
    return true;
}

// False after complaining.
bool listen_on(ServerSettings& settings, conf::Binding& binding, const Address& address, const Said& said) {
    const conf::Word& word = binding.words()[0];
    auto refuse = [&](std::string sentence) {
        binding.mistake(word, std::move(sentence));
        return false;
    };
    std::string key = address.text();
    for (const ListenHere& other : settings.listens) {
        if (other.key == key) return refuse(text::format("a duplicate listen {}", key));
    }
    settings.listens.push_back({key, word});

    conf::Block* root = &binding.block();
    while (root->outer() != nullptr) root = root->outer();
    ListenAddress& shared = http_settings.in(*root).addresses[key];
    shared.proxy_protocol = shared.proxy_protocol || said.proxy_protocol;
    if (said.tls != ListenTls::off) {
        if (shared.tls != ListenTls::off && shared.tls != said.tls) {
            return refuse(text::format("conflicting \"ssl\" parameters for {}", key));
        }
        shared.tls = said.tls;
    }
    if (shared.listen.key.empty()) shared.listen = Listen{address, said.options, key};
    if (said.has_options) {
        if (shared.options_given) return refuse(text::format("duplicate listen options for {}", key));
        shared.options_given = true;
        shared.listen.options = said.options;
    }
    if (!said.is_default) return true;
    if (shared.default_server != nullptr) return refuse(text::format("a duplicate default server for {}", key));
    shared.default_server = &binding.block();
    return true;
}

}  // namespace

void set_listen(ServerSettings& settings, conf::Binding& binding) {
    auto words = binding.words();
    std::vector<Address> addresses = read_addresses(binding, words[0]);
    if (addresses.empty()) return;

    Said said;
    for (const conf::Word& word : words.subspan(1)) {
        if (word.text == "default_server" || word.text == "default") {
            said.is_default = true;
            continue;
        }
        if (word.text == "proxy_protocol") {
            said.proxy_protocol = true;
            continue;
        }
        if (word.text == "ssl" || word.text.starts_with("ssl=")) {
            if (!set_tls(binding, word, said.tls)) return;
            continue;
        }
        bool known = false;
        if (!set_socket_option(binding, word, said.options, known)) return;
        if (known) {
            said.has_options = true;
        } else if (!refuse_unsupported(binding, word)) {
            binding.mistake(word, text::format("invalid parameter \"{}\"", word.text));
        }
    }
    for (const Address& address : addresses) {
        if (!listen_on(settings, binding, address, said)) return;
    }
}

}  // namespace ringx::http
