// t/unit/base/metrics_test.cc - names have places, and what several processes count is added up.
//
// Processes are real ones here: they are forked, count, and die without a farewell.
#include "base/metrics.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

namespace ringx {
namespace {

struct Doors {
    static constexpr std::string_view kind = "doors";
    static constexpr size_t gauges = 1;

    Counter open;
    Counter opened;

    void add(const Doors& other, bool living) {
        opened.add(other.opened.value());
        if (living) open.add(other.open.value());
    }
};

struct Windows {
    static constexpr std::string_view kind = "windows";
    static constexpr size_t gauges = 0;

    Counter washed;
    char weight[30'000];

    void add(const Windows& other, bool) { washed.add(other.washed.value()); }
};

// Runs it in a process of its own, which ends without any farewell.
template <typename Work>
void elsewhere(Work work) {
    pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        work();
        _exit(0);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
}

class MetricsTest : public testing::Test {
 protected:
    std::vector<std::string> names_of_doors() const {
        std::vector<std::string> names;
        metrics->for_each<Doors>([&](std::string_view name, const Doors&) { names.emplace_back(name); });
        return names;
    }

    std::unique_ptr<Metrics> metrics = *Metrics::create();
};

TEST_F(MetricsTest, ANameHasOnePlace) {
    Metrics::Writer writer = metrics->claim();
    Doors& front = writer.own<Doors>("front");
    EXPECT_EQ(&writer.own<Doors>("front"), &front);
    EXPECT_NE(&writer.own<Doors>("back"), &front);
    EXPECT_NE(static_cast<void*>(&writer.own<Windows>("front")), &front);
    EXPECT_EQ(names_of_doors(), (std::vector<std::string>{"front", "back"}));
}

TEST_F(MetricsTest, AllProcessesAreAddedUp) {
    Metrics::Writer writer = metrics->claim();
    writer.own<Doors>("front").opened.add(1);
    elsewhere([&] {
        Metrics::Writer other = metrics->claim();
        other.own<Doors>("front").opened.add(2);
        other.own<Doors>("cellar").opened.add(5);
    });
    EXPECT_EQ(metrics->sum<Doors>("front").opened.value(), 3u);
    EXPECT_EQ(metrics->sum<Doors>("cellar").opened.value(), 5u);
    EXPECT_EQ(metrics->sum<Doors>("attic").opened.value(), 0u);
    EXPECT_EQ(metrics->sum(writer.own<Doors>("front")).opened.value(), 3u);
    elsewhere([&] {
        Metrics::Writer other = metrics->claim();
        if (metrics->sum(other.own<Doors>("cellar")).opened.value() != 5) _exit(1);
    });
}

TEST_F(MetricsTest, WhatGoesOnEndsWithTheProcess) {
    elsewhere([&] {
        Metrics::Writer dying = metrics->claim();
        dying.own<Doors>("front").open.add(4);
        dying.own<Doors>("front").opened.add(4);
        _exit(0);
    });
    EXPECT_EQ(metrics->sum<Doors>("front").open.value(), 0u);
    EXPECT_EQ(metrics->sum<Doors>("front").opened.value(), 4u);

    // Its successor goes on counting where it was, but for that.
    Metrics::Writer next = metrics->claim();
    next.own<Doors>("front").open.add(1);
    next.own<Doors>("front").opened.add(1);
    EXPECT_EQ(metrics->sum<Doors>("front").open.value(), 1u);
    EXPECT_EQ(metrics->sum<Doors>("front").opened.value(), 5u);
}

TEST_F(MetricsTest, AWriterThatIsGivenBackLeavesWhatHasHappened) {
    {
        Metrics::Writer writer = metrics->claim();
        writer.own<Doors>("front").open.add(1);
        writer.own<Doors>("front").opened.add(1);
    }
    EXPECT_EQ(metrics->sum<Doors>("front").open.value(), 0u);
    EXPECT_EQ(metrics->sum<Doors>("front").opened.value(), 1u);
}

TEST_F(MetricsTest, WhoFindsNoRoomIsCountedWithTheOthers) {
    Metrics::Writer writer = metrics->claim();
    for (int i = 0; i < 3000; ++i) writer.own<Windows>(std::to_string(i)).washed.add(1);
    uint64_t all = 0, places = 0;
    metrics->for_each<Windows>([&](std::string_view, const Windows& sum) {
        all += sum.washed.value();
        ++places;
    });
    EXPECT_EQ(all, 3000u);
    EXPECT_LT(places, 3000u);
    EXPECT_GT(metrics->sum<Windows>(Metrics::others).washed.value(), 1u);
    EXPECT_FALSE(metrics->counts_others(writer.own<Windows>("0")));
    EXPECT_TRUE(metrics->counts_others(writer.own<Windows>("2999")));
    writer.own<Doors>("front").opened.add(1);  // another kind has its others, too
    writer.own_of_process<Doors>("worker").opened.add(1);
    EXPECT_EQ(names_of_doors(), (std::vector<std::string>{"(others)", "worker"}));
    EXPECT_FALSE(metrics->counts_others(writer.own_of_process<Doors>("worker")));
}

TEST_F(MetricsTest, ThousandsOfNamesAreFoundAgain) {
    Metrics::Writer writer = metrics->claim();
    for (int i = 0; i < 20'000; ++i) writer.own<Doors>("door " + std::to_string(i)).opened.add(1);
    EXPECT_EQ(metrics->sum<Doors>("door 0").opened.value(), 1u);
    EXPECT_EQ(metrics->sum<Doors>("door 9999").opened.value(), 1u);
    EXPECT_EQ(metrics->sum<Doors>("door 19999").opened.value(), 0u);
    EXPECT_GT(metrics->sum<Doors>("(others)").opened.value(), 3'000u);
}

TEST_F(MetricsTest, ALongNameIsCutOff) {
    Metrics::Writer writer = metrics->claim();
    writer.own<Doors>(std::string(1000, 'x')).opened.add(1);
    EXPECT_EQ(names_of_doors(), std::vector<std::string>{std::string(Metrics::name_bytes_max, 'x')});
}

}  // namespace
}  // namespace ringx
