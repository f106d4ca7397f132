#include "proc/doctor.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <optional>
#include <string>

#include "base/format.h"
#include "proc/doctor_checks.h"
#include "proc/journal.h"
#include "proc/pid_file.h"

namespace ringx::proc {

namespace {

std::optional<std::string> executable_of(const std::string& process) {
    std::array<char, PATH_MAX> path;
    ssize_t bytes = readlink(("/proc/" + process + "/exe").c_str(), path.data(), path.size());
    return bytes > 0 ? std::optional(std::string(path.data(), static_cast<size_t>(bytes))) : std::nullopt;
}

// A number that was left in the file may be another's by now: who runs something else is not asked.
std::optional<pid_t> running_master(const Generation& generation) {
    auto master = read_pid_file(std::string(*generation.core().pid));
    if (!master) return std::nullopt;
    auto theirs = executable_of(std::to_string(*master));
    return theirs && theirs == executable_of("self") ? std::optional(*master) : std::nullopt;
}

std::string first_mistake(const conf::Tree& tree) {
    auto& mistakes = tree.mistakes();
    auto first = std::ranges::find(mistakes, Level::emerg, &conf::Mistake::level);
    return first == mistakes.end() ? std::string("it has mistakes") : first->line();
}

Facts read_facts(const Program& program, const Generation& generation) {
    Facts facts;
    facts.conf_path = program.origin.conf_path;
    EngineSettings engine;
    std::optional<pid_t> master;
    if (generation.failed()) {
        facts.why_no_server = first_mistake(generation.tree());
    } else {
        facts.server = read_server(generation);
        engine = engine_settings(generation.tree());
        master = running_master(generation);
    }
    facts.system = read_system("", master);
    facts.engine.unavailable = io_uring_unavailable();
    if (!facts.engine.unavailable) facts.engine.features = uring_features(engine);
    return facts;
}

}  // namespace

int doctor(const Program& program) {
    auto generation = Generation::build(program, program.origin.open_bundle());
    auto findings = examine(read_facts(program, *generation));
    size_t widest = 0;
    for (const Finding& finding : findings) widest = std::max(widest, finding.topic.size());
    for (const Finding& finding : findings) {
        std::string line = text::format("{:4}  {:{}}  {}", finding.is_well() ? "ok" : "warn", finding.topic, widest,
                                        finding.what);
        if (!finding.is_well()) line += "; " + finding.remedy;
        print(STDOUT_FILENO, line + "\n");
    }
    return 0;
}

}  // namespace ringx::proc
