#include "proc/resources.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/format.h"
#include "net/temp_paths.h"

namespace ringx::proc {

bool open_logs(Generation& generation, Generation* before, Journal& journal) {
    LogFiles& logs = generation.logs();
    if (before != nullptr) logs.take_over(before->logs());
    for (auto& file : logs.all()) {
        if (file->fd() >= 0) continue;
        if (auto opened = file->open(); !opened) {
            journal.write(Level::emerg, opened.error(), "{}() \"{}\" failed", opened.error().call, file->name());
            return false;
        }
    }
    return true;
}

bool make_temp_paths(Generation& generation, Journal& journal) {
    const Identity& user = *generation.core().user;
    for (const TempPaths::Entry& entry : temp_paths.in(generation.tree().root()).all()) {
        std::string path(entry.directory);
        constexpr mode_t only_owner = 0700;
        bool made = mkdir(path.c_str(), only_owner) == 0;
        const char* failed = made || errno == EEXIST ? nullptr : "mkdir";
        // A directory that others use too, such as /tmp, is not taken from them.
        struct stat status;
        bool is_ours = stat(path.c_str(), &status) == 0 && (status.st_mode & 07777) == only_owner;
        bool gives = is_ours && geteuid() == 0 && status.st_uid != user.uid;
        if (gives && chown(path.c_str(), user.uid, gid_t(-1)) < 0) failed = "chown";
        if (failed == nullptr || !entry.required) continue;
        journal.write(Level::emerg, Error{failed, errno}, "{}() \"{}\" failed", failed, path);
        return false;
    }
    return true;
}

namespace {

// What has changed its meaning; empty when nothing has.
std::string zone_conflict(const Generation& generation, const Generation& before) {
    for (const auto& zone : generation.zones()) {
        for (const auto& old : before.zones()) {
            if (std::string conflict = zone->conflict_with(*old); !conflict.empty()) return conflict;
        }
    }
    return {};
}

}  // namespace

SteeringAnswer judge(const Generation& next, const Generation& in_force) {
    SteeringAnswer answer{.good = !next.failed(), .mistakes = next.tree().mistakes()};
    if (!answer.good) return answer;
    auto& notes = next.tree().notes();
    answer.mistakes.insert(answer.mistakes.end(), notes.begin(), notes.end());
    if (std::string conflict = zone_conflict(next, in_force); !conflict.empty()) {
        answer.good = false;
        answer.mistakes.push_back({.level = Level::emerg, .sentence = std::move(conflict)});
    }
    return answer;
}

bool open_zones(Generation& generation, const Generation* before, Journal& journal) {
    if (std::string conflict = before != nullptr ? zone_conflict(generation, *before) : ""; !conflict.empty()) {
        journal.write(Level::emerg, "{}", conflict);
        return false;
    }
    for (const auto& zone : generation.zones()) {
        for (const auto& old : before != nullptr ? before->zones() : generation.zones().first(0)) {
            if (zone->continues(*old)) zone->memory = old->memory;
        }
        if (zone->memory != nullptr) continue;
        auto created = SharedZone::create(text::format("ringx:{}", zone->name), zone->bytes);
        if (!created) {
            journal.write(Level::emerg, created.error(), "{}() failed for shared memory zone \"{}\"",
                          created.error().call, zone->name);
            return false;
        }
        zone->memory = std::move(*created);
    }
    return true;
}

Result<> adopt_zones(Generation& generation, const Generation& before, std::span<Fd> memory) {
    CHECK(memory.size() == generation.zones().size());
    for (size_t i = 0; i < memory.size(); ++i) {
        NamedZone& zone = *generation.zones()[i];
        for (const auto& old : before.zones()) {
            if (old->memory->is(memory[i].get())) zone.memory = old->memory;
        }
        if (zone.memory != nullptr) continue;
        auto attached = SharedZone::attach(std::move(memory[i]));
        if (!attached) return std::unexpected(attached.error());
        zone.memory = std::move(*attached);
    }
    return {};
}

void reopen_logs(Generation& generation, Journal& journal) {
    for (auto& file : generation.logs().all()) {
        if (auto opened = file->open(); !opened) {
            journal.write(Level::emerg, opened.error(), "{}() \"{}\" failed", opened.error().call, file->name());
        }
    }
}

std::string_view ChosenEngine::name() const {
    return settings.choice == EngineSettings::Choice::io_uring ? "io_uring" : "epoll";
}

std::optional<ChosenEngine> choose_engine(const Generation& generation, Journal& journal) {
    EngineSettings settings = engine_settings(generation.tree());
    using Choice = EngineSettings::Choice;
    if (settings.choice == Choice::epoll) {
        journal.write(Level::notice, "using the \"epoll\" event method: the configuration says so");
        return ChosenEngine{settings, "the configuration says so"};
    }
    bool wanted = settings.choice == Choice::io_uring;
    auto reason = io_uring_unavailable();
    if (!reason) {
        settings.choice = Choice::io_uring;
        journal.write(Level::notice, "using the \"io_uring\" event method");
        return ChosenEngine{settings, wanted ? "the configuration says so" : "the system allows it"};
    }
    if (wanted) {
        journal.write(Level::emerg, "the \"io_uring\" event method cannot be used: {}", *reason);
        return std::nullopt;
    }
    settings.choice = Choice::epoll;
    journal.write(Level::notice, "using the \"epoll\" event method: {}", *reason);
    return ChosenEngine{settings, *reason};
}

bool needs_new_processes(const Generation& before, const Generation& after) {
    const CoreSettings& a = before.core();
    const CoreSettings& b = after.core();
    for (size_t i = 0; i < before.sites().size(); ++i) {
        if (before.sites()[i] && !after.sites()[i]) return true;  // a server cannot be left without a site
    }
    // Pinning without being told to depends on how many workers there are.
    bool moves = a.worker_processes->number != b.worker_processes->number &&
                 b.worker_cpu_affinity->kind == CpuPlacement::Kind::spread;
    return moves || *a.user != *b.user || *a.worker_cpu_affinity != *b.worker_cpu_affinity ||
           *a.worker_priority != *b.worker_priority || *a.worker_rlimit_core != *b.worker_rlimit_core ||
           *a.worker_rlimit_nofile != *b.worker_rlimit_nofile || *a.working_directory != *b.working_directory ||
           a.env != b.env || before.rights() != after.rights() ||
           engine_settings(before.tree()) != engine_settings(after.tree());
}

}  // namespace ringx::proc
