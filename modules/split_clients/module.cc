// modules/split_clients/module.cc - `split_clients`: a variable that divides what a text may be into shares.
//
// The text is hashed, with the hash function and the arithmetic of nginx, so that a site which changes servers keeps
// its visitors in the groups they were in.
#include <cstring>
#include <memory>
#include <vector>

#include "base/format.h"
#include "http/module.h"

namespace ringx::http {
namespace {

struct Share {
    uint32_t until;  // hashes below this; 0: all that are left
    std::string_view value;
};

struct Split {
    Template subject;
    std::vector<Share> shares;
};

struct Settings {
    std::vector<std::unique_ptr<Split>> splits;
};

// MurmurHash2 by Austin Appleby, with a seed of 0.
uint32_t murmur_hash2(std::string_view text) {
    constexpr uint32_t multiplier = 0x5bd1e995;
    auto hash = static_cast<uint32_t>(text.size());
    for (; text.size() >= 4; text.remove_prefix(4)) {
        uint32_t word;
        memcpy(&word, text.data(), 4);
        word *= multiplier;
        word ^= word >> 24;
        word *= multiplier;
        hash = hash * multiplier ^ word;
    }
    for (size_t i = text.size(); i-- > 0;) {
        hash ^= static_cast<uint32_t>(static_cast<unsigned char>(text[i])) << 8 * i;
        if (i == 0) hash *= multiplier;
    }
    hash ^= hash >> 13;
    hash *= multiplier;
    return hash ^ hash >> 15;
}

VariableValue choose(Request& request, const VariableUse& use) {
    const Split& split = *static_cast<const Split*>(use.data);
    uint32_t hash = murmur_hash2(split.subject.evaluate(request));
    for (const Share& share : split.shares) {
        if (hash < share.until || share.until == 0) return share.value;
    }
    return "";
}

constexpr uint32_t whole = 10'000;  // shares are counted in hundredths of a percent

// "12.5%" in those; nothing when it is no percentage, or none at all.
std::optional<uint32_t> parse_share(std::string_view text) {
    if (!text.ends_with('%')) return std::nullopt;
    text.remove_suffix(1);
    size_t dot = text.find('.');
    std::string_view digits = text.substr(0, dot);
    std::string_view fraction = dot == text.npos ? std::string_view() : text.substr(dot + 1);
    if (digits.size() + fraction.size() == 0 || fraction.size() > 2) return std::nullopt;
    std::string all = std::string(digits) + std::string(fraction) + std::string(2 - fraction.size(), '0');
    auto share = conf::parse_unsigned(all, UINT32_MAX);
    if (!share || *share == 0) return std::nullopt;
    return static_cast<uint32_t>(*share);
}

// The share a line asks for, 0 for all that are left; nothing after a complaint.
std::optional<uint32_t> read_share(conf::Binding& binding, const conf::Statement& line) {
    const conf::Word& first = line.words[0];
    if (line.has_block) {
        binding.mistake(first, "unexpected \"{\"");
        return std::nullopt;
    }
    if (line.words.size() != 2) {
        binding.mistake(first, "invalid number of the split_clients parameters");
        return std::nullopt;
    }
    if (first.text == "*") return 0;
    auto share = parse_share(first.text);
    if (!share) binding.mistake(first, text::format("invalid percent value \"{}\"", first.text));
    return share;
}

void add_split(Settings& settings, conf::Binding& binding) {
    auto words = binding.words();
    auto subject = Template::compile(binding, words[0]);
    auto name = variable_name(binding, words[1]);
    if (!subject || !name) return;
    Split& split = *settings.splits.emplace_back(std::make_unique<Split>());
    split.subject = std::move(*subject);
    uint64_t sum = 0;
    uint32_t until = 0;
    for (const conf::Statement& line : binding.children()) {
        auto share = read_share(binding, line);
        if (!share) continue;
        sum = *share == 0 ? whole : sum + *share;
        if (sum > whole) return binding.mistake(line.words[0], "percent total is greater than 100%");
        // Rounded down share by share, as nginx does.
        if (*share > 0) until += static_cast<uint32_t>(*share * uint64_t{UINT32_MAX} / whole);
        split.shares.push_back({*share == 0 ? 0 : until, binding.arena().copy(line.words[1].text)});
    }
    variable_names.in(binding.block()).define_cached(binding, words[1], *name, choose, &split);
}

constexpr conf::Directive directives[] = {
    conf::block<&add_split>("split_clients", conf::http, {2, 2}, "A variable that divides clients into shares.")
        .shown_as("string $variable"),
};

constinit conf::Slot<Settings> settings;

}  // namespace

extern constinit const Module split_clients_module = {
    .name = "split_clients",
    .directives = directives,
    .settings = &settings,
};

}  // namespace ringx::http
