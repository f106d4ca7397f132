// proc/doctor_facts.h - what `server doctor` looks at: the machine, and what the configuration asks of it.
//
// Facts are plain values, so that what is made of them (proc/doctor_checks.h) needs no machine to be tested. What lies
// below /proc and /sys is read by way of a root directory, which is `/` but in tests. What a system does not have, or
// does not show to this user, is missing, never guessed.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "event/uring_features.h"
#include "net/listener.h"
#include "net/system_needs.h"
#include "proc/core_settings.h"
#include "proc/generation.h"

namespace ringx::proc {

struct Limit {
    static constexpr uint64_t none = UINT64_MAX;
    uint64_t soft = none;
    uint64_t hard = none;
};

// A network card: a device, neither loopback nor virtual.
struct NetworkCard {
    std::string name;
    unsigned receive_queues = 0;
    bool is_spread = false;  // the kernel hands what one queue receives to several CPUs (RPS)
};

struct SystemFacts {
    std::string release;  // of Linux
    std::map<std::string, std::string, std::less<>> sysctls;  // values as the kernel writes them, without blanks around
    Limit descriptors;
    Limit locked_memory;
    bool limits_are_servers = false;  // of the running server; else of whoever asks
    Cpus cpus;                        // this process may use
    std::vector<Cpus> nodes;          // of NUMA
    std::optional<double> cpu_quota;  // of the control group, in CPUs
    std::vector<NetworkCard> cards;
    uint64_t packets_dropped = 0;     // because no CPU took them in time, since the system started
    bool is_root = false;

    // The value of a setting that is one number.
    std::optional<uint64_t> number(std::string_view sysctl) const;
};

// Whose limits count: of `master`, or, where it is none, of this process.
SystemFacts read_system(const std::string& root, std::optional<pid_t> master);

struct EngineFacts {
    std::optional<std::string> unavailable;  // why io_uring cannot be had
    std::vector<UringFeature> features;      // if it can
};

struct SecretFileFacts {
    SecretFile file;
    std::optional<mode_t> mode;  // none: it is not there, or not for us to see
};

// Of a configuration without mistakes.
struct ServerFacts {
    unsigned workers = 1;
    uint32_t connections = 512;  // of each worker
    std::optional<uint64_t> rlimit_nofile;
    CpuPlacement placement;
    EngineSettings::Choice engine = EngineSettings::Choice::automatic;
    std::vector<Listen> listens;
    bool connects = false;  // to other servers
    std::vector<SecretFileFacts> secrets;
};

ServerFacts read_server(const Generation& generation);

struct Facts {
    SystemFacts system;
    EngineFacts engine;
    std::string conf_path;
    std::optional<ServerFacts> server;
    std::string why_no_server;
};

// "0-3,8"; what is no such list is none.
Cpus parse_cpu_list(std::string_view text);

}  // namespace ringx::proc
