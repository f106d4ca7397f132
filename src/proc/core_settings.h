// proc/core_settings.h - the directives of the main context and of `events`, and their values.
//
// They are about processes, so they stand in one block each and nothing inherits them. What decides how a process is
// made (its user, its engine, its limits) cannot change while it runs: proc/reload.h compares two of these to learn
// who has to be replaced.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "conf/directive.h"
#include "conf/language.h"
#include "conf/load.h"
#include "event/engine.h"
#include "proc/cpu.h"
#include "proc/privileges.h"

namespace ringx::proc {

// `worker_processes`; `auto` is one for each CPU this process may use.
struct WorkerCount {
    unsigned number = 1;
};

struct CoreSettings {
    Setting<bool> daemon{true};
    Setting<bool> master_process{true};
    Setting<std::string_view> pid;  // absolute; empty: no file
    Setting<Identity> user;
    Setting<WorkerCount> worker_processes{WorkerCount{}};
    Setting<CpuPlacement> worker_cpu_affinity;
    Setting<int> worker_priority{0};
    Setting<conf::Offset> worker_rlimit_core{conf::Offset{0}};
    Setting<uint64_t> worker_rlimit_nofile{0};
    Setting<std::chrono::milliseconds> worker_shutdown_timeout{std::chrono::milliseconds(0)};  // 0: as long as it takes
    Setting<std::string_view> working_directory;
    std::vector<std::string_view> env;  // NAME or NAME=VALUE
    uint32_t file_threads = 0;          // of thread_pool default; 0: the engine's choice
    std::set<std::string_view> thread_pools;

    void complete(conf::Completion& completion);
};

struct EventSettings {
    Setting<uint32_t> worker_connections{512};
    Setting<EngineSettings::Choice> use{EngineSettings::Choice::automatic};
    EngineSettings engine;  // what the uring_ directives say
    bool entries_given = false;
    bool buffers_given = false;
    bool sqpoll_given = false;
    bool napi_given = false;
};

extern constinit conf::Slot<CoreSettings> core_settings;
extern constinit conf::Slot<EventSettings> event_settings;

extern const conf::Section core_section;
extern const conf::Section events_section;

// Of a tree that was loaded without mistakes.
const CoreSettings& core_of(const conf::Tree& tree);
const EventSettings& events_of(const conf::Tree& tree);

// What the engine is to be made with; the choice may still be automatic.
EngineSettings engine_settings(const conf::Tree& tree);

}  // namespace ringx::proc

template <>
struct ringx::conf::Value<ringx::proc::WorkerCount> {
    static Parsed<ringx::proc::WorkerCount> parse(std::string_view text);
    static std::string syntax() { return "number | auto"; }
};
