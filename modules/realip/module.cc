// modules/realip/module.cc - the client's address as a trusted proxy tells it: `set_real_ip_from`, `real_ip_header`.
//
// Asked twice, as in nginx: by the server's settings before anything else, and by the location's if those did not find
// an address. Everything that asks for the client's address from then on gets the new one, for this request.
#include <algorithm>

#include "base/format.h"
#include "http/module.h"
#include "http/number_text.h"
#include "http/site.h"
#include "net/cidr.h"

namespace ringx::http {
namespace {

struct Source {
    enum class Kind : uint8_t { header, proxy_protocol };
    Kind kind = Kind::header;
    bool is_list = false;  // X-Forwarded-For: addresses in the order of the way, the nearest last
    std::string_view name = "X-Real-IP";
};

struct Settings {
    Setting<std::vector<Cidr>> trusted;
    Setting<Source> source;
    Setting<bool> recursive{false};
};

constinit conf::Slot<Settings> settings;

// The addresses of a host name. What the resolver said is kept in the bundle, so that workers trust the same as the
// master, and ask nobody.
std::vector<Address> resolve(conf::Binding& binding, std::string_view name) {
    std::string key = text::format("host:{}", name);
    std::vector<Address> addresses;
    if (auto known = binding.bundle().read(key)) {
        std::string_view rest = *known;
        while (!rest.empty()) {
            size_t end = std::min(rest.find('\n'), rest.size());
            if (auto address = Address::parse(rest.substr(0, end), 80)) addresses.push_back(*address);
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
        return addresses;
    }
    bool is_name = name.find_first_of("[]/:*") == name.npos;
    if (is_name) addresses = Address::resolve(name, 80);
    std::string texts;
    for (const Address& address : addresses) texts += address.text() + "\n";
    if (!addresses.empty()) binding.bundle().add(key, texts);
    return addresses;
}

void add_trusted(Settings& settings, conf::Binding& binding) {
    const conf::Word& word = binding.words()[0];
    bool had_host_bits = false;
    settings.trusted.given = true;
    if (auto block = Cidr::parse(word.text, had_host_bits)) {
        if (had_host_bits) binding.warn(word, text::format("low address bits of {} are meaningless", word.text));
        settings.trusted.value.push_back(*block);
        return;
    }
    std::vector<Address> addresses = resolve(binding, word.text);
    if (addresses.empty()) {
        return binding.mistake(word, text::format("host not found in set_real_ip_from \"{}\"", word.text));
    }
    for (const Address& address : addresses) settings.trusted.value.push_back(Cidr::of(address));
}

void set_source(Settings& settings, conf::Binding& binding) {
    if (settings.source.given) return binding.duplicate();
    std::string_view name = binding.words()[0].text;
    Source source;
    source.kind = name == "proxy_protocol" ? Source::Kind::proxy_protocol : Source::Kind::header;
    source.is_list = conf::same_keyword(name, "X-Forwarded-For");
    source.name = name;
    settings.source.give(source);
}

constexpr auto everywhere = conf::http | conf::server | conf::location;

constexpr conf::Directive directives[] = {
    conf::custom<&add_trusted, &Settings::trusted>("set_real_ip_from", everywhere, {1, 1},
                                                   "Believe what these proxies say about the client.")
        .shown_as("address | CIDR | host | unix:"),
    conf::custom<&set_source, &Settings::source>("real_ip_header", everywhere, {1, 1}, "Where they say it.")
        .shown_as("field | X-Real-IP | X-Forwarded-For | proxy_protocol"),
    conf::value<&Settings::recursive>("real_ip_recursive", everywhere,
                                      "Pass over trusted addresses in a list, up to the first that is not."),
};

bool is_trusted(const Settings& ours, const Address& address) {
    return std::ranges::any_of(*ours.trusted, [&](const Cidr& block) { return block.contains(address); });
}

// "1.2.3.4", "1.2.3.4:80", "::1", "[::1]:80", and nothing else; without a port it has none.
std::optional<Address> read_address(std::string_view text) {
    bool bare_v6 = std::ranges::count(text, ':') > 1 && !text.starts_with('[');
    if (text.starts_with('[') && text.find("]:") == text.npos) return std::nullopt;
    bool has_port = !bare_v6 && text.find(':') != text.npos;
    bool is_ip = !text.empty() && text.find_first_not_of("0123456789abcdefABCDEF.:[]") == text.npos &&
                 text.find_first_of(".:") != text.npos;
    if (!is_ip) return std::nullopt;
    auto address = Address::parse(bare_v6 ? "[" + std::string(text) + "]" : std::string(text), 80);
    if (!address) return std::nullopt;
    return has_port ? *address : address->with_port(0);
}

// Walks a list of addresses from its end, as long as the one at hand is trusted. True when `address` has changed.
// `trusts_on` becomes false where the walk ended for good.
bool walk_list(const Settings& ours, std::string_view list, Address& address, bool& trusts_on) {
    bool changed = false;
    for (;;) {
        if (!is_trusted(ours, address)) {
            trusts_on = false;
            return changed;
        }
        list = list.substr(0, list.find_last_not_of(" ,") + 1);
        size_t before = list.find_last_of(" ,");
        auto next = read_address(before == list.npos ? list : list.substr(before + 1));
        if (!next) {
            trusts_on = false;
            return changed;
        }
        address = *next;
        changed = true;
        if (!*ours.recursive || before == list.npos) return changed;
        list = list.substr(0, before);
    }
}

// The client's address by a header; nothing when it is not told, or not by somebody trusted.
std::optional<Address> by_header(Request& request, const Settings& ours) {
    Address address = request.peer->remote();
    bool trusts_on = true;
    bool changed = false;
    const auto& fields = request.head.fields;
    for (size_t i = fields.size(); i-- > 0 && trusts_on;) {
        if (!conf::same_keyword(fields[i].name, ours.source->name)) continue;
        if (!ours.source->is_list) {
            // Of several fields that are no list the first counts.
            const Field* first = request.head.find(ours.source->name);
            changed = walk_list(ours, first != nullptr ? first->value : fields[i].value, address, trusts_on);
            break;
        }
        changed = walk_list(ours, fields[i].value, address, trusts_on) || changed;
        if (!*ours.recursive) break;
    }
    return changed ? std::optional(address) : std::nullopt;
}

std::optional<Address> by_proxy_protocol(Request& request, const Settings& ours) {
    const ProxyHeader* header = request.peer->proxy.get();
    if (header == nullptr || !is_trusted(ours, request.peer->remote())) return std::nullopt;
    bool is_v6 = header->address.find(':') != header->address.npos;
    return read_address(is_v6 ? text::format("[{}]:{}", header->address, header->port)
                              : text::format("{}:{}", header->address, header->port));
}

Answer find_client(Request& request) {
    if (request.real_remote != nullptr) return Answer::pass();
    const Settings& ours = settings.in(*request.block);
    auto address = ours.source->kind == Source::Kind::proxy_protocol ? by_proxy_protocol(request, ours)
                                                                     : by_header(request, ours);
    if (address) request.real_remote = request.arena.make<Address>(*address);
    return Answer::pass();
}

VariableValue peer_addr(Request& request, const VariableUse&) { return request.peer->remote_text(request.arena); }

VariableValue peer_port(Request& request, const VariableUse&) {
    uint16_t port = request.peer->remote().port();
    return port == 0 ? VariableValue("") : number_text(request.arena, port);
}

constexpr Variable variables[] = {
    {"realip_remote_addr", peer_addr},
    {"realip_remote_port", peer_port},
};

}  // namespace

extern constinit const Module realip_module = {
    .name = "realip",
    .directives = directives,
    .settings = &settings,
    .variables = variables,
    .applies = [](const conf::Block& block) { return !settings.in(block).trusted->empty(); },
    .server_rewrite = find_client,
    .preaccess = find_client,
};

}  // namespace ringx::http
