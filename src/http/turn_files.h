// http/turn_files.h - files that were opened in this turn of the loop, for whoever wants them before it ends.
//
// Without open_file_cache a request opens its file anew. But all that happens in one turn happens at one time
// (base/clock.h), so a pipeline, many connections under load, or an index file and the answer made of it, share what
// one of them opened. Few places, found by hash; a second path in a place takes it over. Nothing outlives the turn.
// Whoever changes files calls forget().
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "event/loop.h"
#include "http/open_file.h"

namespace ringx::http {

class TurnFiles : private Deferred {
 public:
    explicit TurnFiles(Loop& loop) : loop_(loop) {}

    // The file of this path, or null. `direct_from` is part of how it was opened.
    FileRef find(std::string_view path, uint64_t direct_from) const;
    void keep(std::string_view path, uint64_t direct_from, const FileRef& file);
    void forget();

 private:
    static constexpr unsigned places_max = 32;

    struct Place {
        std::string path;  // keeps its memory from turn to turn
        uint64_t direct_from = 0;
        FileRef file;
    };

    static unsigned place_of(std::string_view path);
    void run() override { forget(); }

    Loop& loop_;
    std::array<Place, places_max> places_;
    uint32_t taken_ = 0;  // a bit for each place that holds a file
};

}  // namespace ringx::http
