// proc/resources.h - what a generation needs of the system before it can serve.
//
// The master opens it at the start and at every reload, and says in the journal what cannot be had.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "net/steering.h"
#include "proc/generation.h"
#include "proc/journal.h"

namespace ringx::proc {

// Opens the logs, except those that `before`, which may be null, has open. False after saying which one failed.
bool open_logs(Generation& generation, Generation* before, Journal& journal);

// Makes the directories for temporary files, for the user the workers become. False after saying which one cannot be
// had; one that nobody asked for is then missed by whoever needs it.
bool make_temp_paths(Generation& generation, Journal& journal);

// Gives the shared zones their memory, or that of `before`, which may be null, where they are the same. False after
// saying which one could not be had, or has changed its meaning.
bool open_zones(Generation& generation, const Generation* before, Journal& journal);

// What a reload would say of `next`, as far as that can be told without opening or changing anything.
SteeringAnswer judge(const Generation& next, const Generation& in_force);

// The zones in a worker, whose master sent the memory of each zone; goes on with what `before` has mapped already.
Result<> adopt_zones(Generation& generation, const Generation& before, std::span<Fd> memory);

// Opens all logs anew.
void reopen_logs(Generation& generation, Journal& journal);

struct ChosenEngine {
    EngineSettings settings;
    std::string reason;

    std::string_view name() const;  // "io_uring" or "epoll"
};

// The engine for the workers: the one that was asked for, or the best this system allows. Nothing, after saying why,
// when the wanted one cannot be had. One line of the log says which it is.
std::optional<ChosenEngine> choose_engine(const Generation& generation, Journal& journal);

// Whether workers of the one cannot become workers of the other, but must be replaced.
bool needs_new_processes(const Generation& before, const Generation& after);

}  // namespace ringx::proc
