// t/unit/proc/doctor_checks_test.cc - what the doctor says of machines that are made up.
//
// Each case changes one thing of a machine with which all is well, so a warning is that thing's, and no other.
#include "proc/doctor_checks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace ringx::proc {
namespace {

// Four CPUs, four workers, nothing to complain of.
Facts good_facts() {
    Facts facts;
    facts.conf_path = "/etc/server.conf";
    SystemFacts& system = facts.system;
    system.release = "6.18.5";
    system.sysctls = {{"net.core.somaxconn", "4096"},           {"net.ipv4.tcp_max_syn_backlog", "512"},
                      {"net.ipv4.tcp_syncookies", "1"},         {"net.core.netdev_max_backlog", "1000"},
                      {"net.ipv4.ip_local_port_range", "32768\t60999"}, {"net.ipv4.tcp_tw_reuse", "2"},
                      {"net.ipv4.tcp_rmem", "4096 131072 6291456"}, {"net.ipv4.tcp_wmem", "4096 16384 4194304"},
                      {"net.core.rmem_max", "212992"},          {"net.core.wmem_max", "212992"},
                      {"fs.file-max", "9223372036854775807"},   {"fs.nr_open", "1048576"},
                      {"kernel.io_uring_disabled", "0"}};
    system.descriptors = {1024, 524288};
    system.locked_memory = {8 << 20, 8 << 20};
    system.cpus = {0, 1, 2, 3};
    system.nodes = {{0, 1, 2, 3}};
    system.cards = {{"eth0", 4, false}};
    facts.engine.features = {{"DEFER_TASKRUN", "6.1", "fewer interruptions", true}};
    ServerFacts& server = facts.server.emplace();
    server.workers = 4;
    server.connections = 1024;
    Listen listen{.address = *Address::parse("*:80", 80), .options = {}, .key = {}};
    server.listens = {listen};
    server.secrets = {{{"/etc/a.key", false}, 0600}, {{"/etc/users", true}, 0640}};
    return facts;
}

std::vector<Finding> warnings(const Facts& facts) {
    std::vector<Finding> found = examine(facts);
    std::erase_if(found, [](const Finding& finding) { return finding.is_well(); });
    return found;
}

std::string what_is_said(const Facts& facts, std::string_view topic) {
    std::string said;
    for (const Finding& finding : examine(facts)) {
        if (finding.topic == topic) said += (said.empty() ? "" : "\n") + finding.what;
    }
    return said;
}

TEST(Doctor, has_no_warning_where_all_is_well) {
    for (const Finding& finding : warnings(good_facts())) ADD_FAILURE() << finding.what << "; " << finding.remedy;
    EXPECT_GT(examine(good_facts()).size(), 12u);
}

struct Case {
    const char* name;
    std::function<void(Facts&)> change;
    std::string_view topic, what, remedy;  // the last two: parts of what is said
};

using Choice = EngineSettings::Choice;

const Case cases[] = {
    {"io_uring is disabled", [](Facts& f) {
        f.engine = {.unavailable = "io_uring_setup() failed (1: Operation not permitted)", .features = {}};
        f.system.sysctls["kernel.io_uring_disabled"] = "2";
    }, "engine", "epoll: io_uring_setup() failed", "sysctl -w kernel.io_uring_disabled=0"},
    {"io_uring is filtered", [](Facts& f) { f.engine = {.unavailable = "x", .features = {}}; },
     "engine", "epoll: x", "allow io_uring_setup"},
    {"the kernel is old", [](Facts& f) {
        f.engine = {.unavailable = "x", .features = {}};
        f.system.release = "5.10.0-28-amd64";
    }, "engine", "epoll: x", "run Linux 6.0 or newer"},
    {"io_uring is asked for", [](Facts& f) {
        f.engine = {.unavailable = "x", .features = {}};
        f.server->engine = Choice::io_uring;
    }, "engine", "asked for and cannot be had: x", "allow io_uring_setup"},
    {"a feature is missing", [](Facts& f) { f.engine.features[0].is_there = false; },
     "io_uring", "missing: DEFER_TASKRUN (fewer interruptions)", "run Linux 6.1 or newer"},
    {"the limit is too low", [](Facts& f) { f.system.descriptors.hard = 2303; },
     "descriptors", "1024 worker_connections may need 2304, but the limit is 2303 for this shell",
     "\"worker_rlimit_nofile 2304;\""},
    {"the directive is too low", [](Facts& f) { f.server->rlimit_nofile = 2000; },
     "descriptors", "worker_rlimit_nofile 2000 is too low", "set \"worker_rlimit_nofile 2304;\""},
    {"the directive is above the kernel's limit", [](Facts& f) {
        f.server->rlimit_nofile = 2000000;
        f.system.is_root = true;
    }, "descriptors", "above fs.nr_open 1048576", "sysctl -w fs.nr_open=2000000"},
    {"the directive needs root", [](Facts& f) { f.server->rlimit_nofile = 600000; },
     "descriptors", "worker_rlimit_nofile 600000 is above 524288", "as root"},
    {"all together", [](Facts& f) {
        f.system.sysctls["fs.file-max"] = "1048576";
        f.system.descriptors.hard = Limit::none;
        f.server->connections = 300000;
    }, "descriptors", "4 workers may need 2401024 in all", "sysctl -w fs.file-max=4802048"},
    {"a backlog is cut", [](Facts& f) { f.server->listens[0].options.backlog = 8192; },
     "listen", "backlog=8192 of 0.0.0.0:80 is cut to net.core.somaxconn 4096", "sysctl -w net.core.somaxconn=8192"},
    {"a buffer is cut", [](Facts& f) { f.server->listens[0].options.sndbuf = 1 << 20; },
     "listen", "sndbuf=1048576 of 0.0.0.0:80 is cut", "sysctl -w net.core.wmem_max=1048576"},
    {"more workers than CPUs", [](Facts& f) { f.server->workers = 5; },
     "cpus", "4 (0-3), 5 workers, which take turns", "set \"worker_processes auto;\""},
    {"a quota", [](Facts& f) { f.system.cpu_quota = 2.5; },
     "cpus", "a quota of 2.5 CPUs", "set \"worker_processes 2;\""},
    {"workers wander between nodes", [](Facts& f) {
        f.system.nodes = {{0, 1}, {2, 3}};
        f.server->placement.kind = CpuPlacement::Kind::none;
    }, "placement", "2 NUMA nodes", "set \"worker_cpu_affinity auto;\""},
    {"one queue", [](Facts& f) { f.system.cards[0].receive_queues = 1; },
     "network", "eth0: 1 receive queue, so that one CPU receives for 4 workers", "ethtool -L eth0 combined 4"},
    {"no room for connections", [](Facts& f) { f.system.sysctls["net.core.somaxconn"] = "128"; },
     "sysctl", "net.core.somaxconn 128: connections that may wait", "sysctl -w net.core.somaxconn='4096'"},
    {"packets were dropped", [](Facts& f) { f.system.packets_dropped = 1; },
     "sysctl", "net.core.netdev_max_backlog 1000", "sysctl -w net.core.netdev_max_backlog='4096'"},
    {"no SYN cookies", [](Facts& f) { f.system.sysctls["net.ipv4.tcp_syncookies"] = "0"; },
     "sysctl", "net.ipv4.tcp_max_syn_backlog 512", "contrib/tune_sysctl.sh"},
    {"a key everybody may read", [](Facts& f) { f.server->secrets[0].mode = 0644; },
     "secrets", "/etc/a.key has mode 0644: everybody may use it", "chmod go-rwx /etc/a.key"},
    {"a key its group may read", [](Facts& f) { f.server->secrets[0].mode = 0640; },
     "secrets", "/etc/a.key has mode 0640: its group may use it", "chmod go-rwx /etc/a.key"},
    {"users everybody may read", [](Facts& f) { f.server->secrets[1].mode = 0644; },
     "secrets", "/etc/users has mode 0644: everybody may use it", "chmod o-rwx /etc/users"},
    {"a file that is not there", [](Facts& f) { f.server->secrets[1].mode = std::nullopt; },
     "secrets", "/etc/users is not there", "as the user who starts the server"},
};

TEST(Doctor, warns_of_one_thing_and_says_what_to_do) {
    for (const Case& c : cases) {
        Facts facts = good_facts();
        c.change(facts);
        auto found = warnings(facts);
        ASSERT_EQ(found.size(), 1u) << c.name << ": " << (found.size() > 1 ? found[1].what : "");
        EXPECT_EQ(found[0].topic, c.topic) << c.name;
        EXPECT_NE(found[0].what.find(c.what), std::string::npos) << c.name << ": " << found[0].what;
        EXPECT_NE(found[0].remedy.find(c.remedy), std::string::npos) << c.name << ": " << found[0].remedy;
    }
}

TEST(Doctor, counts_ports_where_the_server_connects_to_others) {
    Facts facts = good_facts();
    facts.server->connections = 10000;
    EXPECT_TRUE(warnings(facts).empty());
    facts.server->connects = true;
    auto found = warnings(facts);
    ASSERT_EQ(found.size(), 3u);  // and the two settings of the kernel that help
    EXPECT_NE(found[0].what.find("28232 for connections to one address"), std::string::npos);
    EXPECT_NE(found[0].what.find("40000 clients"), std::string::npos);
    EXPECT_NE(found[0].remedy.find("ip_local_port_range"), std::string::npos);
    facts.server->connections = 5000;
    EXPECT_TRUE(warnings(facts).empty());
    facts.server->connections = 100000;
    EXPECT_NE(warnings(facts)[0].remedy.find("several addresses"), std::string::npos);
}

TEST(Doctor, has_no_complaint_about_what_was_chosen) {
    Facts facts = good_facts();
    facts.engine = {.unavailable = "x", .features = {}};
    facts.server->engine = Choice::epoll;
    EXPECT_TRUE(warnings(facts).empty());
    EXPECT_EQ(what_is_said(facts, "engine"), "epoll: the configuration says so");
    facts = good_facts();
    EXPECT_EQ(what_is_said(facts, "io_uring"), "used: DEFER_TASKRUN");
    facts.engine.features[0].is_there = false;
    facts.server->engine = Choice::epoll;
    EXPECT_TRUE(warnings(facts).empty());
    facts = good_facts();
    facts.system.cards = {{"eth0", 1, true}};
    EXPECT_TRUE(warnings(facts).empty());
    facts.system.cards = {{"eth0", 1, false}};
    facts.server->workers = 1;
    EXPECT_TRUE(warnings(facts).empty());
}

TEST(Doctor, says_where_workers_run) {
    Facts facts = good_facts();
    EXPECT_EQ(what_is_said(facts, "placement"), "workers are pinned to CPU 0 1 2 3");
    facts.system.nodes = {{0, 1}, {2, 3}};
    EXPECT_EQ(what_is_said(facts, "placement"), "workers are pinned to CPU 0 1 2 3, of 2 NUMA nodes");
    facts.server->placement = {.kind = CpuPlacement::Kind::masks, .allowed = {}, .masks = {{0, 1}, {3}}};
    facts.server->workers = 2;
    EXPECT_EQ(what_is_said(facts, "placement"), "workers are pinned to CPU 0-1 3, of 2 NUMA nodes");
}

TEST(Doctor, looks_at_the_system_without_a_configuration) {
    Facts facts = good_facts();
    facts.server.reset();
    facts.why_no_server = "open() failed";
    facts.system.sysctls["net.core.somaxconn"] = "128";
    auto found = warnings(facts);
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0].topic, "configuration");
    EXPECT_NE(found[0].what.find("/etc/server.conf cannot be used"), std::string::npos);
    EXPECT_NE(found[0].what.find("open() failed"), std::string::npos);
    EXPECT_EQ(found[1].topic, "sysctl");
}

TEST(Doctor, knows_little_of_a_system_that_shows_nothing) {
    Facts facts = good_facts();
    facts.system = {};
    for (const Finding& finding : warnings(facts)) ADD_FAILURE() << finding.what << "; " << finding.remedy;
}

}  // namespace
}  // namespace ringx::proc
