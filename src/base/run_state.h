// base/run_state.h - what the master knows of the run: a page that it writes and every process reads.
//
// Which generation is in force since when, how many workers there are, what became of reloads, and which engine was
// chosen. The page holds two copies: the master fills the one that is not in force, and then one number says that it
// counts. Who is overtaken while reading reads again; nobody waits for the master, not even for one that died while it
// wrote.
//
// Beside them lies the level that error logs have for the time being, which whoever steers the server may set.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ringx {

class RunState {
 public:
    enum class Phase : uint32_t { starting, serving, reloading, quitting };
    // Cut off where it has no room.
    template <size_t room>
    struct Text {
        char bytes[room] = {};

        Text& operator=(std::string_view text) {
            size_t size = text.size() < room - 1 ? text.size() : room - 1;
            for (size_t i = 0; i < room; ++i) bytes[i] = i < size ? text[i] : '\0';
            return *this;
        }
        std::string_view view() const { return bytes; }
        bool operator==(const Text&) const = default;
    };

    // Times are milliseconds since 1970.
    struct Facts {
        Phase phase = Phase::starting;
        uint32_t generation = 0;  // in force
        uint32_t workers_wanted = 0;
        uint32_t workers_alive = 0;    // of those that are wanted
        uint32_t workers_serving = 0;  // of those that are alive
        uint32_t workers_leaving = 0;  // beside them: their requests are not over yet
        uint64_t started_ms = 0;
        uint64_t generation_ms = 0;  // when the generation was put in force
        uint64_t reloads_good = 0;
        uint64_t reloads_failed = 0;
        uint64_t last_reload_ms = 0;  // when it ended; before the first one: when the server was started
        uint64_t last_reload_good = 1;
        Text<16> engine;          // "io_uring"
        Text<112> engine_reason;  // why this one

        bool operator==(const Facts&) const = default;
    };

    // Maps the page; who is forked from now on shares it.
    RunState();
    RunState(const RunState&) = delete;
    RunState& operator=(const RunState&) = delete;
    ~RunState();

    // Puts them in the place of those before. REQUIRES: only one process does.
    void publish(const Facts& facts);
    Facts read() const;

    // Number of the level error logs have in the place of the configured ones; 0: as configured. Anybody's to set.
    std::atomic<uint8_t>& log_level() const;

 private:
    struct Page;

    Page& page_;
    Facts latest_;  // of the one who publishes
};

// "serving".
std::string_view phase_name(RunState::Phase phase);

// Milliseconds since 1970.
uint64_t wall_clock_ms();

}  // namespace ringx
