// net/temp_paths.h - directories for temporary files, which the master makes for the workers' user.
//
// Directives that name such a directory collect it in the tree's main block; before a generation is in force the master
// sees to it that all of them exist. Subdirectories are made by the workers when they are first needed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "conf/language.h"

namespace ringx {

// A directory, and how many digits of a file's number name the directories below it.
struct TempPath {
    std::string_view directory;
    std::array<uint8_t, 3> levels{};
};

class TempPaths {
 public:
    struct Entry {
        std::string_view directory;
        bool required = false;  // somebody wrote it down: the generation is not put in force without it
    };

    void add(std::string_view directory, bool required);
    const std::vector<Entry>& all() const { return entries_; }

 private:
    std::vector<Entry> entries_;
};

extern constinit conf::Slot<TempPaths> temp_paths;
extern const conf::Section temp_paths_section;

// Reads `NAME path [level1 [level2 [level3]]]`; complains and gives nothing when a level is none.
std::optional<TempPath> parse_temp_path(conf::Binding& binding);

// The same for a directory that is needed.
void set_temp_path(Setting<TempPath>& setting, conf::Binding& binding);

}  // namespace ringx
