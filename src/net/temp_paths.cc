#include "net/temp_paths.h"

#include <algorithm>

namespace ringx {

constinit conf::Slot<TempPaths> temp_paths{conf::main};
const conf::Section temp_paths_section{"temp_paths", {}, &temp_paths};

void TempPaths::add(std::string_view directory, bool required) {
    auto known = std::ranges::find(entries_, directory, &Entry::directory);
    if (known == entries_.end()) known = entries_.insert(known, {directory, false});
    known->required |= required;
}

std::optional<TempPath> parse_temp_path(conf::Binding& binding) {
    auto words = binding.words();
    TempPath path;
    path.directory = binding.full_path(words[0].text);
    if (path.directory.size() > 1 && path.directory.ends_with('/')) path.directory.remove_suffix(1);
    constexpr uint64_t digits_max = 10;
    for (size_t i = 1; i < words.size(); ++i) {
        auto digits = conf::parse_unsigned(words[i].text, digits_max);
        if (!digits || *digits == 0) {
            binding.refuse("invalid value", "expected the number of digits");
            return std::nullopt;
        }
        path.levels[i - 1] = static_cast<uint8_t>(*digits);
    }
    return path;
}

void set_temp_path(Setting<TempPath>& setting, conf::Binding& binding) {
    if (setting.given) return binding.duplicate();
    auto path = parse_temp_path(binding);
    if (!path) return;
    setting.give(*path);
    temp_paths.in(binding.block()).add(path->directory, true);
}

}  // namespace ringx
