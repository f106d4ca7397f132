// t/unit/proc/cpu_test.cc - masks of CPUs, and which worker gets which.
//
// Placement is a pure function of the number of workers and the CPUs there are, so no machine is asked here.
#include "proc/cpu.h"

#include <gtest/gtest.h>

namespace ringx::proc {
namespace {

using Kind = CpuPlacement::Kind;

TEST(CpuMask, is_read_from_its_end) {
    EXPECT_EQ(parse_cpu_mask("0001"), Cpus{0});
    EXPECT_EQ(parse_cpu_mask("0101"), (Cpus{0, 2}));
    EXPECT_EQ(parse_cpu_mask("1"), Cpus{0});
    EXPECT_EQ(parse_cpu_mask("1" + std::string(64, '0')), Cpus{64});
}

TEST(CpuMask, holds_nothing_but_zeros_and_ones_and_a_one_at_least) {
    for (std::string_view text : {"", "0", "000", "012", "0x1", "auto", " 1"}) {
        EXPECT_FALSE(parse_cpu_mask(text)) << text;
    }
    EXPECT_FALSE(parse_cpu_mask("1" + std::string(5000, '0')));
}

TEST(CpuPlacement, not_told_it_pins_as_many_workers_as_there_are_cpus) {
    CpuPlacement placement;
    EXPECT_EQ(placement.of_worker(0, 2, {4, 6}), Cpus{4});
    EXPECT_EQ(placement.of_worker(1, 2, {4, 6}), Cpus{6});
    EXPECT_EQ(placement.of_worker(0, 1, {4, 6}), Cpus{});
    EXPECT_EQ(placement.of_worker(2, 3, {4, 6}), Cpus{});
}

TEST(CpuPlacement, auto_gives_each_worker_one_cpu_and_begins_again_when_they_are_used_up) {
    CpuPlacement placement{.kind = Kind::automatic, .allowed = {}, .masks = {}};
    EXPECT_EQ(placement.of_worker(0, 1, {0, 1}), Cpus{0});
    EXPECT_EQ(placement.of_worker(3, 4, {0, 1}), Cpus{1});
    placement.allowed = {1, 2, 3};
    EXPECT_EQ(placement.of_worker(0, 4, {0, 1, 2}), Cpus{1});
    EXPECT_EQ(placement.of_worker(2, 4, {0, 1, 2}), Cpus{1});
    EXPECT_EQ(placement.of_worker(0, 4, {7}), Cpus{}) << "none that is allowed is there";
}

TEST(CpuPlacement, masks_go_to_workers_in_order_and_the_last_one_to_the_rest) {
    CpuPlacement placement{.kind = Kind::masks, .allowed = {}, .masks = {{0}, {1, 2}}};
    EXPECT_EQ(placement.of_worker(0, 3, {0, 1, 2}), Cpus{0});
    EXPECT_EQ(placement.of_worker(1, 3, {0, 1, 2}), (Cpus{1, 2}));
    EXPECT_EQ(placement.of_worker(2, 3, {0, 1, 2}), (Cpus{1, 2}));
}

}  // namespace
}  // namespace ringx::proc
