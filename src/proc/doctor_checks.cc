#include "proc/doctor_checks.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/format.h"
#include "proc/doctor_sysctls.h"
#include "proc/worker_process.h"

namespace ringx::proc {

namespace {

using Findings = std::vector<Finding>;

void well(Findings& findings, std::string_view topic, std::string what) {
    findings.push_back({topic, std::move(what), {}});
}

void warn(Findings& findings, std::string_view topic, std::string what, std::string remedy) {
    findings.push_back({topic, std::move(what), std::move(remedy)});
}

std::string counted(size_t count, std::string_view noun) {
    return text::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

// "0-3,8"
std::string cpu_list(const Cpus& cpus) {
    std::string text;
    for (size_t i = 0; i < cpus.size();) {
        size_t last = i;
        while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1) ++last;
        text += text::format("{}{}", text.empty() ? "" : ",", cpus[i]);
        if (last > i) text += text::format("-{}", cpus[last]);
        i = last + 1;
    }
    return text;
}

// --- configuration, engine, kernel

void check_configuration(const Facts& facts, Findings& findings) {
    constexpr std::string_view topic = "configuration";
    if (facts.server) return well(findings, topic, facts.conf_path);
    warn(findings, topic, text::format("{} cannot be used, so that only the system was looked at: {}", facts.conf_path,
                                       facts.why_no_server),
         "run \"server -t\" for all mistakes, as the user who starts the server");
}

// Whether it is at least 6.0, the first whose io_uring serves.
bool is_new_enough(std::string_view release) {
    unsigned major = 0;
    std::from_chars(release.data(), release.data() + release.size(), major);
    return major >= 6;
}

std::string remedy_for_io_uring(const SystemFacts& system) {
    if (!is_new_enough(system.release)) return "run Linux 6.0 or newer";
    bool is_disabled = system.number("kernel.io_uring_disabled").value_or(0) != 0;
    if (is_disabled) return "run \"sysctl -w kernel.io_uring_disabled=0\"";
    return "allow io_uring_setup, io_uring_enter and io_uring_register where system calls are filtered (in containers, "
           "a seccomp profile)";
}

void check_engine(const Facts& facts, Findings& findings) {
    using Choice = EngineSettings::Choice;
    constexpr std::string_view topic = "engine";
    Choice choice = facts.server ? facts.server->engine : Choice::automatic;
    if (choice == Choice::epoll) return well(findings, topic, "epoll: the configuration says so");
    if (!facts.engine.unavailable) {
        std::string_view why = choice == Choice::io_uring ? "the configuration says so" : "this system allows it";
        return well(findings, topic, text::format("io_uring: {}", why));
    }
    std::string_view what = choice == Choice::io_uring ? "io_uring is asked for and cannot be had" : "epoll";
    warn(findings, topic, text::format("{}: {}", what, *facts.engine.unavailable), remedy_for_io_uring(facts.system));
}

void check_kernel(const Facts& facts, Findings& findings) {
    well(findings, "kernel", text::format("Linux {}", facts.system.release));
    if (facts.server && facts.server->engine == EngineSettings::Choice::epoll) return;
    std::string there;
    for (const UringFeature& feature : facts.engine.features) {
        if (feature.is_there) there += text::format("{}{}", there.empty() ? "" : ", ", feature.name);
    }
    if (!there.empty()) well(findings, "io_uring", text::format("used: {}", there));
    for (const UringFeature& feature : facts.engine.features) {
        if (feature.is_there) continue;
        warn(findings, "io_uring", text::format("missing: {} ({})", feature.name, feature.effect),
             text::format("run Linux {} or newer", feature.since));
    }
}

// --- limits

std::string_view whose_limits(const SystemFacts& system) {
    return system.limits_are_servers ? "the running server" : "this shell (a service may have others)";
}

void check_descriptors(const Facts& facts, Findings& findings) {
    constexpr std::string_view topic = "descriptors";
    const SystemFacts& system = facts.system;
    uint64_t hard = system.descriptors.hard;
    if (!facts.server) return well(findings, topic, text::format("a limit of {}, for {}", hard, whose_limits(system)));

    const ServerFacts& server = *facts.server;
    uint64_t wanted = descriptors_wanted(server.connections);
    std::string want = text::format("{} worker_connections may need {}", server.connections, wanted);
    if (server.rlimit_nofile) {
        uint64_t given = *server.rlimit_nofile;
        if (given > hard && !system.is_root && !system.limits_are_servers) {
            std::string what = text::format("worker_rlimit_nofile {} is above {}, for {}", given, hard,
                                            whose_limits(system));
            return warn(findings, topic, std::move(what),
                        "start the server as root, who may raise it, or with a higher limit");
        }
        auto most = system.number("fs.nr_open");
        if (most && given > *most) {
            return warn(findings, topic, text::format("worker_rlimit_nofile {} is above fs.nr_open {}, and not granted",
                                                      given, *most),
                        text::format("run \"sysctl -w fs.nr_open={}\"", given));
        }
        if (given >= wanted) return well(findings, topic, text::format("worker_rlimit_nofile {}: {}", given, want));
        return warn(findings, topic, text::format("worker_rlimit_nofile {} is too low: {}", given, want),
                    text::format("set \"worker_rlimit_nofile {};\"", wanted));
    }
    if (hard >= wanted) return well(findings, topic, text::format("{}, and have it", want));
    warn(findings, topic, text::format("{}, but the limit is {} for {}", want, hard, whose_limits(system)),
         text::format("set \"worker_rlimit_nofile {0};\" if root starts the server, else LimitNOFILE={0} in its unit, "
                      "or \"ulimit -Hn {0}\" before it starts", wanted));
}

void check_files_of_all(const Facts& facts, Findings& findings) {
    auto most = facts.system.number("fs.file-max");
    if (!facts.server || !most) return;
    uint64_t wanted = facts.server->workers * descriptors_wanted(facts.server->connections);
    if (wanted <= *most) return;
    warn(findings, "descriptors", text::format("{} may need {} in all, above fs.file-max {}",
                                               counted(facts.server->workers, "worker"), wanted, *most),
         text::format("run \"sysctl -w fs.file-max={}\"", 2 * wanted));
}

void check_locked_memory(const Facts& facts, Findings& findings) {
    uint64_t soft = facts.system.locked_memory.soft;
    std::string limit = soft == Limit::none ? "no limit" : text::format("a limit of {} KB", soft / 1024);
    well(findings, "memlock", text::format("{}; rings are not counted, from Linux 5.12 on", limit));
}

struct SocketBuffer {
    std::string_view parameter;
    int bytes;
    std::string_view sysctl;
};

void check_buffers(const Listen& listen, const SystemFacts& system, Findings& findings) {
    const SocketBuffer buffers[] = {{"rcvbuf", listen.options.rcvbuf, "net.core.rmem_max"},
                                    {"sndbuf", listen.options.sndbuf, "net.core.wmem_max"}};
    for (const SocketBuffer& buffer : buffers) {
        auto most = system.number(buffer.sysctl);
        if (!most || buffer.bytes <= 0 || static_cast<uint64_t>(buffer.bytes) <= *most) continue;
        warn(findings, "listen", text::format("{}={} of {} is cut to {} {}", buffer.parameter, buffer.bytes,
                                              listen.address.text(), buffer.sysctl, *most),
             text::format("run \"sysctl -w {}={}\"", buffer.sysctl, buffer.bytes));
    }
}

void check_listens(const Facts& facts, Findings& findings) {
    if (!facts.server) return;
    constexpr std::string_view topic = "listen";
    auto most = facts.system.number("net.core.somaxconn");
    size_t before = findings.size();
    for (const Listen& listen : facts.server->listens) {
        check_buffers(listen, facts.system, findings);
        int backlog = listen.options.backlog;
        if (!most || backlog <= 0 || static_cast<uint64_t>(backlog) <= *most) continue;
        warn(findings, topic, text::format("backlog={} of {} is cut to net.core.somaxconn {}", backlog,
                                           listen.address.text(), *most),
             text::format("run \"sysctl -w net.core.somaxconn={}\"", backlog));
    }
    if (findings.size() > before) return;
    well(findings, topic, counted(facts.server->listens.size(), "listening socket") + " for each worker");
}

// Ports for connections to one address; none if the system does not say.
std::optional<uint64_t> local_ports(const SystemFacts& system) {
    auto range = system.sysctls.find("net.ipv4.ip_local_port_range");
    if (range == system.sysctls.end()) return std::nullopt;
    const std::string& text = range->second;
    uint64_t first = 0, last = 0;
    const char* end = text.data() + text.size();
    const char* at = std::from_chars(text.data(), end, first).ptr;
    while (at != end && (*at == ' ' || *at == '\t')) ++at;
    std::from_chars(at, end, last);
    return last >= first && first > 0 ? std::optional(last - first + 1) : std::nullopt;
}

// So many connections may be open to upstream servers that one address of theirs can use up the ports.
bool may_use_up_ports(const Facts& facts) {
    auto ports = local_ports(facts.system);
    return facts.server && facts.server->connects && ports &&
           uint64_t{facts.server->workers} * facts.server->connections > *ports;
}

void check_ports(const Facts& facts, Findings& findings) {
    auto ports = local_ports(facts.system);
    if (!facts.server || !ports) return;
    constexpr std::string_view topic = "ports";
    std::string there = text::format("{} for connections to one address of an upstream server", *ports);
    if (!facts.server->connects) return well(findings, topic, there + ", which are not used");
    uint64_t connections = uint64_t{facts.server->workers} * facts.server->connections;
    std::string wanted = text::format("{}; there may be {} clients", there, connections);
    if (!may_use_up_ports(facts)) return well(findings, topic, wanted);
    constexpr uint64_t ports_max = 65535;
    std::string_view widen = "widen net.ipv4.ip_local_port_range (contrib/tune_sysctl.sh), and keep connections "
                             "(\"keepalive\")";
    std::string_view spread = "give the upstream several addresses, and keep connections (\"keepalive\")";
    warn(findings, topic, std::move(wanted), std::string(connections > ports_max ? spread : widen));
}

// --- CPUs and network

void check_cpus(const Facts& facts, Findings& findings) {
    const SystemFacts& system = facts.system;
    constexpr std::string_view topic = "cpus";
    std::string there = text::format("{} ({})", system.cpus.size(), cpu_list(system.cpus));
    if (!facts.server || system.cpus.empty()) return well(findings, topic, std::move(there));
    unsigned workers = facts.server->workers;
    std::string what = text::format("{}, {}", there, counted(workers, "worker"));
    if (workers > system.cpus.size()) {
        return warn(findings, topic, what + ", which take turns", "set \"worker_processes auto;\"");
    }
    if (system.cpu_quota && workers > *system.cpu_quota) {
        auto whole = std::max(1u, static_cast<unsigned>(*system.cpu_quota));
        return warn(findings, topic, text::format("{}, but a quota of {:.1f} CPUs, and all are stopped when it is used "
                                                  "up", what, *system.cpu_quota),
                    text::format("set \"worker_processes {};\", or raise the quota of the control group", whole));
    }
    if (workers < system.cpus.size()) what += "; worker_processes auto has one for each CPU";
    well(findings, topic, std::move(what));
}

void check_placement(const Facts& facts, Findings& findings) {
    if (!facts.server || facts.system.cpus.empty()) return;
    const ServerFacts& server = *facts.server;
    std::string places;
    bool are_pinned = false;
    constexpr unsigned shown_max = 8;
    for (unsigned worker = 0; worker < server.workers; ++worker) {
        Cpus cpus = server.placement.of_worker(worker, server.workers, facts.system.cpus);
        are_pinned |= !cpus.empty();
        if (worker < shown_max) places += text::format("{}{}", worker == 0 ? "" : " ", cpu_list(cpus));
    }
    if (server.workers > shown_max) places += " ...";
    size_t nodes = facts.system.nodes.size();
    if (are_pinned) {
        std::string_view noun = server.workers == 1 ? "the worker is" : "workers are";
        std::string what = text::format("{} pinned to CPU {}", noun, places);
        if (nodes > 1) what += text::format(", of {} NUMA nodes", nodes);
        return well(findings, "placement", std::move(what));
    }
    if (nodes <= 1) return well(findings, "placement", "workers run where the kernel likes; one NUMA node");
    warn(findings, "placement", text::format("workers wander between {} NUMA nodes, away from their memory", nodes),
         "set \"worker_cpu_affinity auto;\"");
}

void check_cards(const Facts& facts, Findings& findings) {
    for (const NetworkCard& card : facts.system.cards) {
        std::string what = text::format("{}: {}", card.name, counted(card.receive_queues, "receive queue"));
        size_t wanted = facts.system.cpus.size();
        if (facts.server) wanted = std::min<size_t>(wanted, facts.server->workers);
        if (card.receive_queues >= wanted || card.is_spread) {
            if (card.is_spread) what += ", spread over CPUs by the kernel (RPS)";
            well(findings, "network", std::move(what));
            continue;
        }
        warn(findings, "network", text::format("{}, so that {} receives for {}", what,
                                               card.receive_queues == 1 ? "one CPU" : "few CPUs",
                                               counted(wanted, facts.server ? "worker" : "CPU")),
             text::format("run \"ethtool -L {0} combined {1}\", or where it has no more queues let the kernel spread "
                          "packets: a mask of CPUs in /sys/class/net/{0}/queues/rx-0/rps_cpus", card.name, wanted));
    }
}

// --- settings of the kernel

bool matters(const SysctlAdvice& advice, const Facts& facts) {
    using When = SysctlAdvice::When;
    switch (advice.when) {
        case When::always: return true;
        case When::upstreams: return may_use_up_ports(facts);
        case When::packets_dropped: return facts.system.packets_dropped > 0;
        case When::no_syn_cookies: return facts.system.number("net.ipv4.tcp_syncookies") == 0;
    }
    return false;
}

void check_sysctls(const Facts& facts, Findings& findings) {
    for (const SysctlAdvice& advice : sysctl_advice()) {
        auto current = facts.system.sysctls.find(advice.name);
        if (current == facts.system.sysctls.end()) continue;  // not in this kernel, or not of this container
        std::string value = current->second;
        std::ranges::replace(value, '\t', ' ');
        std::string what = text::format("{} {}", advice.name, value);
        auto better = better_value(advice, value);
        if (!better || !matters(advice, facts)) {
            well(findings, "sysctl", std::move(what));
            continue;
        }
        warn(findings, "sysctl", text::format("{}: {}", what, advice.reason),
             text::format("run \"sysctl -w {}='{}'\", or contrib/tune_sysctl.sh for all of these", advice.name,
                          *better));
    }
}

// --- secrets

void check_secret(const SecretFileFacts& secret, Findings& findings) {
    constexpr std::string_view topic = "secrets";
    const std::string& path = secret.file.path;
    if (!secret.mode) {
        return warn(findings, topic, text::format("{} is not there, or not for this user to see", path),
                    "run \"server doctor\" as the user who starts the server");
    }
    // The workers' group may read what workers open.
    mode_t others = secret.file.for_workers ? 0007 : 0077;
    std::string what = text::format("{} has mode {:04o}", path, static_cast<unsigned>(*secret.mode));
    if ((*secret.mode & others) == 0) return well(findings, topic, std::move(what));
    what += (*secret.mode & 0007) == 0 ? ": its group may use it" : ": everybody may use it";
    warn(findings, topic, std::move(what),
         text::format("run \"chmod {} {}\"", secret.file.for_workers ? "o-rwx" : "go-rwx", path));
}

void check_secrets(const Facts& facts, Findings& findings) {
    if (!facts.server) return;
    for (const SecretFileFacts& secret : facts.server->secrets) check_secret(secret, findings);
}

}  // namespace

std::vector<Finding> examine(const Facts& facts) {
    Findings findings;
    for (auto check : {check_configuration, check_engine, check_kernel, check_descriptors, check_files_of_all,
                       check_locked_memory, check_listens, check_ports, check_cpus, check_placement, check_cards,
                       check_sysctls, check_secrets}) {
        check(facts, findings);
    }
    return findings;
}

}  // namespace ringx::proc
