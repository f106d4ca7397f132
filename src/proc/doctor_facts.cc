#include "proc/doctor_facts.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>

#include "base/fd.h"
#include "base/format.h"
#include "proc/doctor_sysctls.h"

namespace ringx::proc {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view blanks = " \t\n";

std::string_view trimmed(std::string_view text) {
    size_t begin = text.find_first_not_of(blanks);
    return begin == text.npos ? std::string_view() : text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

// Cuts the first word off.
std::string_view take_word(std::string_view& text, std::string_view separators = blanks) {
    text.remove_prefix(std::min(text.find_first_not_of(separators), text.size()));
    std::string_view word = text.substr(0, text.find_first_of(separators));
    text.remove_prefix(word.size());
    return word;
}

std::optional<uint64_t> parse_number(std::string_view text, int base = 10) {
    uint64_t number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

// Files of the kernel, which do not say how long they are.
std::optional<std::string> read_text(const std::string& path) {
    Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return std::nullopt;
    std::string text;
    std::array<char, 4096> bytes;
    for (;;) {
        ssize_t got = read(file.get(), bytes.data(), bytes.size());
        if (got < 0) return std::nullopt;
        if (got == 0) return text;
        text.append(bytes.data(), static_cast<size_t>(got));
    }
}

template <typename Take>
void for_each_line(std::string_view text, Take take) {
    while (!text.empty()) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        take(line);
    }
}

// The names in a directory, sorted; none if it cannot be read.
std::vector<std::string> names_in(const std::string& directory) {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
        names.push_back(entry->path().filename().string());
    }
    std::ranges::sort(names);
    return names;
}

// "Max open files            1024                 524288               files"
Limit read_limit(std::string_view limits, std::string_view name) {
    Limit limit;
    for_each_line(limits, [&](std::string_view line) {
        if (!line.starts_with(name)) return;
        line.remove_prefix(name.size());
        limit.soft = parse_number(take_word(line)).value_or(Limit::none);  // or "unlimited"
        limit.hard = parse_number(take_word(line)).value_or(Limit::none);
    });
    return limit;
}

void read_limits(const std::string& root, std::optional<pid_t> master, SystemFacts& facts) {
    auto limits = master ? read_text(text::format("{}/proc/{}/limits", root, *master)) : std::nullopt;
    facts.limits_are_servers = limits.has_value();
    if (!limits) limits = read_text(root + "/proc/self/limits");
    facts.descriptors = read_limit(limits.value_or(""), "Max open files");
    facts.locked_memory = read_limit(limits.value_or(""), "Max locked memory");
}

Cpus read_allowed_cpus(const std::string& root) {
    Cpus cpus;
    constexpr std::string_view name = "Cpus_allowed_list:";
    for_each_line(read_text(root + "/proc/self/status").value_or(""), [&](std::string_view line) {
        if (line.starts_with(name)) cpus = parse_cpu_list(line.substr(name.size()));
    });
    return cpus;
}

std::vector<Cpus> read_nodes(const std::string& root) {
    std::string directory = root + "/sys/devices/system/node";
    std::vector<Cpus> nodes;
    for (const std::string& name : names_in(directory)) {
        if (!name.starts_with("node") || !parse_number(std::string_view(name).substr(4))) continue;
        Cpus cpus = parse_cpu_list(read_text(directory + "/" + name + "/cpulist").value_or(""));
        if (!cpus.empty()) nodes.push_back(std::move(cpus));
    }
    std::ranges::sort(nodes);
    return nodes;
}

// Each group around ours may have a quota: the smallest holds. "MICROSECONDS PERIOD", or "max PERIOD".
std::optional<double> read_cpu_quota(const std::string& root) {
    std::string group;
    for_each_line(read_text(root + "/proc/self/cgroup").value_or(""), [&](std::string_view line) {
        if (line.starts_with("0::/")) group = line.substr(3);
    });
    std::optional<double> smallest;
    for (; !group.empty(); group.erase(group.find_last_of('/'))) {
        std::string text = read_text(root + "/sys/fs/cgroup" + group + "/cpu.max").value_or("");
        std::string_view rest = text;
        auto quota = parse_number(take_word(rest)), period = parse_number(take_word(rest));
        if (!quota || !period || *period == 0) continue;
        double cpus = static_cast<double>(*quota) / static_cast<double>(*period);
        smallest = std::min(cpus, smallest.value_or(cpus));
    }
    return smallest;
}

std::vector<NetworkCard> read_cards(const std::string& root) {
    std::vector<NetworkCard> cards;
    std::string directory = root + "/sys/class/net/";
    for (const std::string& name : names_in(directory)) {
        std::string card_directory = directory + name;
        std::error_code error;
        if (!fs::exists(card_directory + "/device", error)) continue;
        if (trimmed(read_text(card_directory + "/operstate").value_or("")) == "down") continue;
        NetworkCard card{.name = name};
        for (const std::string& queue : names_in(card_directory + "/queues")) {
            if (!queue.starts_with("rx-")) continue;
            ++card.receive_queues;
            auto mask = read_text(card_directory + "/queues/" + queue + "/rps_cpus");
            card.is_spread |= mask && mask->find_first_of("123456789abcdef") != mask->npos;
        }
        if (card.receive_queues > 0) cards.push_back(std::move(card));
    }
    return cards;
}

// A line for each CPU, in hexadecimal: the second number counts what was dropped.
uint64_t read_packets_dropped(const std::string& root) {
    uint64_t dropped = 0;
    for_each_line(read_text(root + "/proc/net/softnet_stat").value_or(""), [&](std::string_view line) {
        take_word(line);
        dropped += parse_number(take_word(line), 16).value_or(0);
    });
    return dropped;
}

void read_sysctls(const std::string& root, SystemFacts& facts) {
    for (std::string_view name : examined_sysctls()) {
        std::string path = root + "/proc/sys/" + std::string(name);
        std::replace(path.end() - static_cast<ptrdiff_t>(name.size()), path.end(), '.', '/');
        if (auto value = read_text(path)) facts.sysctls.emplace(name, trimmed(*value));
    }
}

}  // namespace

Cpus parse_cpu_list(std::string_view text) {
    Cpus cpus;
    constexpr uint64_t cpu_max = 8191;  // Linux has no more
    text = trimmed(text);
    while (!text.empty()) {
        std::string_view range = take_word(text, ",");
        auto first = parse_number(range.substr(0, range.find('-')));
        auto last = parse_number(range.substr(range.find('-') + 1));  // the same where there is no dash
        if (!first || !last || *first > *last || *last > cpu_max) return {};
        for (uint64_t cpu = *first; cpu <= *last; ++cpu) cpus.push_back(static_cast<unsigned>(cpu));
    }
    return cpus;
}

std::optional<uint64_t> SystemFacts::number(std::string_view sysctl) const {
    auto found = sysctls.find(sysctl);
    return found == sysctls.end() ? std::nullopt : parse_number(found->second);
}

SystemFacts read_system(const std::string& root, std::optional<pid_t> master) {
    SystemFacts facts;
    facts.release = trimmed(read_text(root + "/proc/sys/kernel/osrelease").value_or(""));
    read_sysctls(root, facts);
    read_limits(root, master, facts);
    facts.cpus = read_allowed_cpus(root);
    facts.nodes = read_nodes(root);
    facts.cpu_quota = read_cpu_quota(root);
    facts.cards = read_cards(root);
    facts.packets_dropped = read_packets_dropped(root);
    facts.is_root = geteuid() == 0;
    return facts;
}

ServerFacts read_server(const Generation& generation) {
    const CoreSettings& core = generation.core();
    const SystemNeeds& needs = system_needs.in(generation.tree().root());
    ServerFacts facts;
    facts.workers = core.master_process ? core.worker_processes->number : 1;
    facts.connections = *generation.events().worker_connections;
    if (core.worker_rlimit_nofile.given) facts.rlimit_nofile = *core.worker_rlimit_nofile;
    facts.placement = *core.worker_cpu_affinity;
    facts.engine = engine_settings(generation.tree()).choice;
    facts.listens = generation.listens();
    facts.connects = needs.connects;
    for (const SecretFile& file : needs.secrets) {
        struct stat status;
        SecretFileFacts& secret = facts.secrets.emplace_back(file);
        if (stat(file.path.c_str(), &status) == 0) secret.mode = status.st_mode & 07777;
    }
    return facts;
}

}  // namespace ringx::proc
