#include "proc/worker_process.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "base/log.h"
#include "event/thread_priority.h"

namespace ringx::proc {

namespace {

// Beside a descriptor for each client and one for what it is served: files, sockets, logs.
constexpr uint64_t descriptors_aside = 256;

void set_limit(__rlimit_resource resource, const char* name, uint64_t value, const Log& log) {
    rlimit limit{value, value};
    if (setrlimit(resource, &limit) != 0) {
        log.write(Level::alert, Error{"setrlimit", errno}, "setrlimit({}, {}) failed", name, value);
    }
}

// Not told how many, a worker takes what its connections may need, as far as it is allowed to.
void raise_descriptors(uint32_t connections_max, const Log& log) {
    rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    rlim_t wanted = std::min<rlim_t>(limit.rlim_max, descriptors_wanted(connections_max));
    if (limit.rlim_cur < wanted) {
        limit.rlim_cur = wanted;
        setrlimit(RLIMIT_NOFILE, &limit);  // within the hard limit this is always granted
    }
    if (limit.rlim_cur < connections_max) {
        log.write(Level::warn, "{} worker_connections exceed open file resource limit: {}", connections_max,
                  limit.rlim_cur);
    }
}

void set_environment(std::span<const std::string_view> wanted) {
    std::vector<std::pair<std::string, std::string>> kept;
    auto keep = [&](std::string name) {
        if (const char* value = getenv(name.c_str())) kept.emplace_back(std::move(name), value);
    };
    keep("TZ");
    for (std::string_view word : wanted) {
        size_t equals = word.find('=');
        if (equals == word.npos) keep(std::string(word));
        else kept.emplace_back(word.substr(0, equals), word.substr(equals + 1));
    }
    clearenv();
    for (auto& [name, value] : kept) setenv(name.c_str(), value.c_str(), 1);
}

}  // namespace

uint64_t descriptors_wanted(uint32_t connections_max) { return uint64_t{connections_max} * 2 + descriptors_aside; }

void set_limits(const CoreSettings& core, Placement place, uint32_t connections_max, const Log& log) {
    if (core.worker_priority.given && setpriority(PRIO_PROCESS, 0, *core.worker_priority) != 0) {
        log.write(Level::alert, Error{"setpriority", errno}, "setpriority({}) failed", *core.worker_priority);
    }
    go_first();
    if (core.worker_rlimit_nofile.given) {
        set_limit(RLIMIT_NOFILE, "RLIMIT_NOFILE", *core.worker_rlimit_nofile, log);
    } else {
        raise_descriptors(connections_max, log);
    }
    if (core.worker_rlimit_core.given) set_limit(RLIMIT_CORE, "RLIMIT_CORE", *core.worker_rlimit_core, log);

    Cpus cpus = core.worker_cpu_affinity->of_worker(place.number, place.workers, available_cpus());
    if (cpus.empty()) return;
    auto pinned = pin_to(cpus);
    if (!pinned) log.write(Level::alert, pinned.error(), "sched_setaffinity() failed");
}

bool become_user(const CoreSettings& core, const WorkerRights& rights, const Log& log) {
    if (geteuid() == 0) {
        auto dropped = drop_privileges(*core.user, rights);
        if (!dropped) {
            log.write(Level::emerg, dropped.error(), "{}() to user {} failed", dropped.error().call, core.user->uid);
            return false;
        }
    }
    if (!core.working_directory->empty()) {
        std::string directory(*core.working_directory);
        if (chdir(directory.c_str()) != 0) {
            log.write(Level::alert, Error{"chdir", errno}, "chdir(\"{}\") failed", directory);
            return false;
        }
    }
    set_environment(core.env);
    return true;
}

}  // namespace ringx::proc
