// t/unit/proc/doctor_facts_test.cc - facts of machines that lie in a folder of the test's own.
//
// Files have the form the kernel gives them; a machine that shows nothing has no facts, and makes nobody fall.
#include "proc/doctor_facts.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace ringx::proc {
namespace {

// A root directory.
class SampleMachine {
 public:
    SampleMachine() {
        char name[] = "/tmp/ringx-machine-XXXXXX";
        root = mkdtemp(name);
    }
    ~SampleMachine() { std::filesystem::remove_all(root); }

    void write(const std::string& path, std::string_view text) const {
        std::filesystem::path whole = root + path;
        std::filesystem::create_directories(whole.parent_path());
        std::ofstream(whole) << text;
    }

    void add_card(const std::string& name, int queues, std::string_view state = "up",
                  std::string_view rps = "0") const {
        std::string card = "/sys/class/net/" + name;
        write(card + "/operstate", std::string(state) + "\n");
        for (int queue = 0; queue < queues; ++queue) {
            write(card + "/queues/rx-" + std::to_string(queue) + "/rps_cpus", std::string(rps) + "\n");
            write(card + "/queues/tx-" + std::to_string(queue) + "/xps_cpus", "0\n");
        }
    }

    std::string root;
};

constexpr std::string_view limits =
    "Limit                     Soft Limit           Hard Limit           Units     \n"
    "Max cpu time              unlimited            unlimited            seconds   \n"
    "Max open files            1024                 524288               files     \n"
    "Max locked memory         8388608              unlimited            bytes     \n";

TEST(CpuList, is_read_as_the_kernel_writes_it) {
    EXPECT_EQ(parse_cpu_list("0"), Cpus{0});
    EXPECT_EQ(parse_cpu_list("\t0-3,8\n"), (Cpus{0, 1, 2, 3, 8}));
    for (std::string_view none : {"", "\n", "a", "3-1", "1-", "0-99999999999"}) {
        EXPECT_EQ(parse_cpu_list(none), Cpus{}) << none;
    }
}

TEST(SystemFacts, of_an_empty_machine_are_empty) {
    SampleMachine machine;
    SystemFacts facts = read_system(machine.root, 17);
    EXPECT_EQ(facts.release, "");
    EXPECT_TRUE(facts.sysctls.empty() && facts.cpus.empty() && facts.nodes.empty() && facts.cards.empty());
    EXPECT_EQ(facts.descriptors.hard, Limit::none);
    EXPECT_FALSE(facts.limits_are_servers || facts.cpu_quota);
    EXPECT_EQ(facts.packets_dropped, 0u);
}

TEST(SystemFacts, come_from_proc_and_sys) {
    SampleMachine machine;
    machine.write("/proc/sys/kernel/osrelease", "6.18.5\n");
    machine.write("/proc/sys/net/core/somaxconn", "4096\n");
    machine.write("/proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
    machine.write("/proc/self/limits", limits);
    machine.write("/proc/self/status", "Name:\tserver\nCpus_allowed:\t0f\nCpus_allowed_list:\t0-2,8\n");
    machine.write("/sys/devices/system/node/node0/cpulist", "0-1\n");
    machine.write("/sys/devices/system/node/node1/cpulist", "2,8\n");
    machine.write("/sys/devices/system/node/online", "0-1\n");
    machine.write("/proc/net/softnet_stat", "00000001 0000000a 00000000\n00000001 00000001 00000000\n");

    SystemFacts facts = read_system(machine.root, std::nullopt);
    EXPECT_EQ(facts.release, "6.18.5");
    EXPECT_EQ(facts.number("net.core.somaxconn"), 4096u);
    EXPECT_EQ(facts.number("net.ipv4.ip_local_port_range"), std::nullopt);  // two of them
    EXPECT_EQ(facts.number("fs.file-max"), std::nullopt);
    EXPECT_EQ(facts.sysctls.find("net.ipv4.ip_local_port_range")->second, "32768\t60999");
    EXPECT_EQ(facts.descriptors.soft, 1024u);
    EXPECT_EQ(facts.descriptors.hard, 524288u);
    EXPECT_EQ(facts.locked_memory.soft, 8388608u);
    EXPECT_EQ(facts.locked_memory.hard, Limit::none);
    EXPECT_EQ(facts.cpus, (Cpus{0, 1, 2, 8}));
    EXPECT_EQ(facts.nodes, (std::vector<Cpus>{{0, 1}, {2, 8}}));
    EXPECT_EQ(facts.packets_dropped, 11u);
}

TEST(SystemFacts, limits_are_those_of_the_master_if_there_is_one) {
    SampleMachine machine;
    machine.write("/proc/self/limits", limits);
    machine.write("/proc/17/limits", "Max open files            65536                65536                files\n");
    EXPECT_EQ(read_system(machine.root, 17).descriptors.hard, 65536u);
    EXPECT_TRUE(read_system(machine.root, 17).limits_are_servers);
    EXPECT_EQ(read_system(machine.root, 18).descriptors.hard, 524288u);
    EXPECT_FALSE(read_system(machine.root, 18).limits_are_servers);
}

TEST(SystemFacts, the_smallest_quota_of_the_groups_around_counts) {
    SampleMachine machine;
    machine.write("/proc/self/cgroup", "3:cpuset:/elsewhere\n0::/a/b\n");
    EXPECT_EQ(read_system(machine.root, {}).cpu_quota, std::nullopt);
    machine.write("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    EXPECT_EQ(read_system(machine.root, {}).cpu_quota, std::nullopt);
    machine.write("/sys/fs/cgroup/a/cpu.max", "150000 100000\n");
    EXPECT_EQ(read_system(machine.root, {}).cpu_quota, 1.5);
    machine.write("/sys/fs/cgroup/a/b/cpu.max", "50000 100000\n");
    EXPECT_EQ(read_system(machine.root, {}).cpu_quota, 0.5);
    machine.write("/proc/self/cgroup", "0::/\n");
    machine.write("/sys/fs/cgroup/cpu.max", "300000 100000\n");
    EXPECT_EQ(read_system(machine.root, {}).cpu_quota, 3.0);
}

TEST(SystemFacts, cards_are_devices_that_are_up) {
    SampleMachine machine;
    machine.add_card("lo", 1);
    machine.add_card("eth1", 4, "up", "00000000,0000000f");
    machine.add_card("eth0", 2, "up", "00000000,00000000");
    machine.add_card("eth2", 2, "down");
    for (std::string name : {"eth0", "eth1", "eth2"}) machine.write("/sys/class/net/" + name + "/device/vendor", "x");
    auto cards = read_system(machine.root, {}).cards;
    ASSERT_EQ(cards.size(), 2u);
    EXPECT_EQ(cards[0].name, "eth0");
    EXPECT_EQ(cards[0].receive_queues, 2u);
    EXPECT_FALSE(cards[0].is_spread);
    EXPECT_EQ(cards[1].receive_queues, 4u);
    EXPECT_TRUE(cards[1].is_spread);
}

}  // namespace
}  // namespace ringx::proc
