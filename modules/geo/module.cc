// modules/geo/module.cc - `geo`: a variable whose value depends on the client's address.
//
// Networks are looked up in a radix tree, the longest prefix rules; with `ranges` they are ranges of IPv4 addresses.
// The address is the client's, that of a variable, or what a trusted proxy says in X-Forwarded-For. What is no address,
// and a path, counts as 255.255.255.255, as in nginx. nginx's binary form of large files of ranges is neither read nor
// written.
#include <arpa/inet.h>

#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include "base/format.h"
#include "http/forwarded_for.h"
#include "http/module.h"
#include "modules/geo/address_ranges.h"
#include "net/radix_tree.h"

namespace ringx::http {
namespace {

using Value = const std::string_view*;

struct Geo {
    const VariableUse* address = nullptr;  // null: the client's
    std::vector<Cidr> proxies;
    bool proxy_recursive = false;
    bool is_volatile = false;

    bool has_ranges = false;
    geo::AddressRanges ranges;
    Value otherwise = nullptr;  // with ranges; else it is the value of the empty prefix
    bool has_networks = false;
    RadixTree<Value> v4, v6;

    // Values are many times the same: there is one of each text.
    std::map<std::string_view, Value> values;
};

struct Settings {
    std::vector<std::unique_ptr<Geo>> geos;
};

// --- at run time

// The address in a variable has no port.
std::optional<Address> parse_address(std::string_view text) {
    bool unused = false;
    bool is_plain = !text.contains('/') && text != "unix:" && Cidr::parse(text, unused).has_value();
    return is_plain ? parse_client_address(text) : std::nullopt;
}

// Cidr is an address here, with its family and its bytes.
std::optional<Cidr> address_of(Request& request, const Geo& geo) {
    Address address;
    if (geo.address != nullptr) {
        auto parsed = parse_address(geo.address->value(request).value_or(std::string_view()));
        if (!parsed) return std::nullopt;
        address = *parsed;
    } else {
        address = request.remote();
    }
    if (!geo.proxies.empty()) {
        std::vector<std::string_view> fields;
        for (const Field& field : request.head.fields) {
            if (field.id == Header::x_forwarded_for) fields.push_back(field.value);
        }
        address = forwarded_for(address, fields, geo.proxies, geo.proxy_recursive).value_or(address);
    }
    return Cidr::of(unmapped(address));
}

VariableValue look_up(Request& request, const VariableUse& use) {
    constexpr std::array<uint8_t, 4> no_address{255, 255, 255, 255};
    const Geo& geo = *static_cast<const Geo*>(use.data);
    auto address = address_of(request, geo);
    bool is_v6 = address && address->family == AF_INET6;
    bool is_v4 = address && address->family == AF_INET;
    std::span<const uint8_t> bytes = is_v4 ? std::span<const uint8_t>(address->network).first(4) : no_address;
    Value value = nullptr;
    if (geo.has_ranges) {
        uint32_t number;
        memcpy(&number, (is_v6 ? std::span<const uint8_t>(no_address) : bytes).data(), sizeof number);
        value = geo.ranges.find(ntohl(number));
        if (value == nullptr) value = geo.otherwise;
    } else if (is_v6) {
        value = geo.v6.find(address->network);
    } else {
        value = geo.v4.find(bytes);
    }
    return value == nullptr ? "" : *value;
}

// --- the configuration

Value value_of(Geo& geo, conf::Binding& binding, std::string_view text) {
    Value& value = geo.values[text];
    if (value == nullptr) value = binding.arena().make<std::string_view>(text);
    return value;
}

std::optional<Cidr> read_network(conf::Binding& binding, const conf::Word& word) {
    bool had_host_bits = false;
    auto cidr = Cidr::parse(word.text, had_host_bits);
    if (!cidr || cidr->family == AF_UNIX) {
        binding.mistake(word, text::format("invalid network \"{}\"", word.text));
        return std::nullopt;
    }
    if (had_host_bits) binding.warn(word, text::format("low address bits of {} are meaningless", word.text));
    return cidr;
}

RadixTree<Value>& tree_of(Geo& geo, const Cidr& network) { return network.family == AF_INET6 ? geo.v6 : geo.v4; }

RadixTree<Value>::Key key_of(const Cidr& network) {
    return std::span<const uint8_t>(network.network).first(network.family == AF_INET6 ? 16 : 4);
}

void add_network(Geo& geo, conf::Binding& binding, const Cidr& network, const conf::Word& word, std::string_view text) {
    RadixTree<Value>& tree = tree_of(geo, network);
    Value value = value_of(geo, binding, text);
    if (tree.insert(key_of(network), network.bits, value)) return;
    binding.warn(word, text::format("duplicate network \"{}\", value: \"{}\", old value: \"{}\"", word.text, text,
                                    *tree.find(key_of(network))));
    tree.erase(key_of(network), network.bits);
    tree.insert(key_of(network), network.bits, value);
}

void read_cidr_line(Geo& geo, conf::Binding& binding, const conf::Word& name, const conf::Word& value) {
    geo.has_networks = true;
    if (name.text == "default") {
        for (sa_family_t family : {AF_INET, AF_INET6}) add_network(geo, binding, {.family = family}, name, value.text);
        return;
    }
    bool deletes = name.text == "delete";
    const conf::Word& word = deletes ? value : name;
    auto network = read_network(binding, word);
    if (!network) return;
    if (!deletes) return add_network(geo, binding, *network, word, value.text);
    if (tree_of(geo, *network).erase(key_of(*network), network->bits)) return;
    binding.warn(word, text::format("no network \"{}\" to delete", word.text));
}

// 255.255.255.255 is no address to nginx in a range.
std::optional<uint32_t> parse_ipv4(std::string_view text) {
    std::string host(text);
    in_addr address;
    if (inet_pton(AF_INET, host.c_str(), &address) != 1 || address.s_addr == INADDR_NONE) return std::nullopt;
    return ntohl(address.s_addr);
}

std::optional<geo::AddressRange> parse_range(std::string_view text) {
    size_t dash = text.find('-');
    if (dash == text.npos) return std::nullopt;
    auto first = parse_ipv4(text.substr(0, dash));
    auto last = parse_ipv4(text.substr(dash + 1));
    if (!first || !last || *first > *last) return std::nullopt;
    return geo::AddressRange{*first, *last, nullptr};
}

std::string range_text(const geo::AddressRange& range) {
    auto dotted = [](uint32_t address) {
        return text::format("{}.{}.{}.{}", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
    };
    return dotted(range.first) + "-" + dotted(range.last);
}

void add_range(Geo& geo, conf::Binding& binding, geo::AddressRange range, const conf::Word& word) {
    auto outcome = geo.ranges.add(range);
    using Added = geo::AddressRanges::Added;
    if (outcome.added == Added::overlaps) {
        binding.mistake(word, text::format("range \"{}\" overlaps \"{}\"", word.text, range_text(outcome.other)));
    } else if (outcome.added == Added::replaced) {
        binding.warn(word, text::format("duplicate range \"{}\", value: \"{}\", old value: \"{}\"", word.text,
                                        *range.value, *outcome.other.value));
    }
}

void read_range_line(Geo& geo, conf::Binding& binding, const conf::Word& name, const conf::Word& value) {
    if (name.text == "default") {
        if (geo.otherwise != nullptr) {
            binding.warn(name, text::format("duplicate default geo range value: \"{}\", old value: \"{}\"", value.text,
                                            *geo.otherwise));
        }
        geo.otherwise = value_of(geo, binding, value.text);
        return;
    }
    bool deletes = name.text == "delete";
    const conf::Word& word = deletes ? value : name;
    auto range = parse_range(word.text);
    if (!range) return binding.mistake(word, text::format("invalid range \"{}\"", word.text));
    if (!deletes) return add_range(geo, binding, {range->first, range->last, value_of(geo, binding, value.text)}, word);
    if (geo.ranges.erase(range->first, range->last)) return;
    binding.warn(word, text::format("no address range \"{}\" to delete", word.text));
}

// Lines of one word. False when it is none of them.
bool read_option(Geo& geo, conf::Binding& binding, const conf::Word& word) {
    if (word.text == "ranges") {
        if (geo.has_networks) {
            binding.mistake(word, "the \"ranges\" directive must be the first directive inside \"geo\" block");
        }
        geo.has_ranges = true;
    } else if (word.text == "proxy_recursive") {
        geo.proxy_recursive = true;
    } else if (word.text == "volatile") {
        geo.is_volatile = true;
    } else {
        return false;
    }
    return true;
}

void read_line(Geo& geo, conf::Binding& binding, const conf::Statement& line) {
    const conf::Word& first = line.words[0];
    if (line.has_block) return binding.mistake(first, "unexpected \"{\"");
    if (line.words.size() == 1 && read_option(geo, binding, first)) return;
    if (line.words.size() != 2) return binding.mistake(first, "invalid number of the geo parameters");
    if (first.text == "proxy") {
        auto network = read_network(binding, line.words[1]);
        if (network) geo.proxies.push_back(*network);
        return;
    }
    if (geo.has_ranges) return read_range_line(geo, binding, first, line.words[1]);
    read_cidr_line(geo, binding, first, line.words[1]);
}

void add_geo(Settings& settings, conf::Binding& binding) {
    auto words = binding.words();
    VariableNames& names = variable_names.in(binding.block());
    auto name = variable_name(binding, words.back());
    if (!name) return;
    Geo& geo = *settings.geos.emplace_back(std::make_unique<Geo>());
    if (words.size() == 2) {
        auto address = variable_name(binding, words[0]);
        if (!address) return;
        geo.address = &names.use(binding.arena(), words[0], *address);
    }
    for (const conf::Statement& line : binding.children()) read_line(geo, binding, line);
    geo.ranges.finish();
    names.define_cached(binding, words.back(), *name, look_up, &geo, geo.is_volatile);
}

constexpr conf::Directive directives[] = {
    conf::block<&add_geo>("geo", conf::http, {1, 2}, "A variable whose value depends on an address.")
        .shown_as("[$address] $variable"),
};

constinit conf::Slot<Settings> settings;

}  // namespace

extern constinit const Module geo_module = {
    .name = "geo",
    .directives = directives,
    .settings = &settings,
};

}  // namespace ringx::http
