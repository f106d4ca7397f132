// t/unit/net/peer_state_file_test.cc - lists of servers in files: what they look like, and many writers at once.
//
// Groups have no servers of their own here. Each test has a folder, where the file is called "state".
#include "net/peer_state_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/fd.h"
#include "net/peers.h"

namespace ringx {
namespace {

constexpr std::string_view first_line =
    "# This file is replaced whenever servers are changed while the server runs.\n";

PeerChange addition(PeerRules rules = {}) {
    return {.kind = PeerChange::Kind::added, .given = PeerChange::all, .rules = rules};
}

class PeerStateFileTest : public testing::Test {
 protected:
    void SetUp() override {
        char name[] = "/tmp/peer_state_XXXXXX";
        folder_ = mkdtemp(name);
        group_->name = "backend";
        for (std::shared_ptr<const NamedZone>* of : {&group_->zone, &group_->plans}) {
            auto zone = std::make_shared<NamedZone>();
            zone->memory = *SharedZone::create("test", 16 * SharedZone::bytes_min);
            *of = zone;
        }
        group_->complete();
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::string content() const {
        std::ifstream file(folder_ + "/state");
        return {std::istreambuf_iterator<char>(file), {}};
    }
    PeerSaving saving(WorkerPeers& worker) {
        return {.path = folder_ + "/state",
                .group = group_,
                .known = worker.known_addresses(group_),
                .plan = *worker.plan(group_),
                .patience = std::chrono::minutes(1)};
    }

    std::string folder_;
    std::shared_ptr<PeerGroup> group_ = std::make_shared<PeerGroup>();
    Lives lives_;
    WorkerPeers worker_{lives_, lives_.begin()};
};

TEST_F(PeerStateFileTest, lines_say_what_is_unusual) {
    PeerGroup group;
    group.servers.resize(5);
    group.servers[0].name = "127.0.0.1:80";
    group.servers[1].name = "unix:/a b";
    group.servers[1].rules = {.weight = 2, .max_fails = 0, .fail_timeout_ms = 3000, .max_conns = 4,
                              .slow_start_ms = 5000, .down = true, .drain = true};
    group.servers[1].backup = true;
    group.servers[1].route = "a\"b";
    group.servers[2].name = "gone.example";
    group.servers[2].removed = true;
    group.servers[3].name = "backend.example";
    group.servers[3].resolve = true;
    group.servers[3].service = "http";
    group.servers[4].name = "[::1]:80";
    group.servers[4].added = true;
    EXPECT_EQ(state_text(group),
              std::string(first_line) +
                  "server 127.0.0.1:80;\n"
                  "server \"unix:/a b\" weight=2 max_conns=4 max_fails=0 fail_timeout=3s slow_start=5s "
                  "\"route=a\\\"b\" backup drain down;\n"
                  "server backend.example service=http resolve;\n"
                  "server [::1]:80;\n");
}

TEST_F(PeerStateFileTest, the_newest_plan_is_written_once) {
    EXPECT_TRUE(worker_.change(group_, "127.0.0.1:1", addition()));
    PeerSaving first = saving(worker_);
    EXPECT_TRUE(worker_.change(group_, "127.0.0.1:2", addition({.weight = 3})));
    PeerSaving second = saving(worker_);
    std::string both = std::string(first_line) + "server 127.0.0.1:1;\nserver 127.0.0.1:2 weight=3;\n";
    EXPECT_TRUE(first.run());
    EXPECT_EQ(content(), both);
    std::filesystem::remove(folder_ + "/state");
    EXPECT_TRUE(second.run());
    EXPECT_EQ(content(), "") << "the first has written it along";
    EXPECT_TRUE(worker_.change(group_, "127.0.0.1:1", {.kind = PeerChange::Kind::removed}));
    EXPECT_TRUE(saving(worker_).run());
    EXPECT_EQ(content(), std::string(first_line) + "server 127.0.0.1:2 weight=3;\n");
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1) << "nothing is left beside it";
}

TEST_F(PeerStateFileTest, its_permissions_stay) {
    std::ofstream(folder_ + "/state") << "server 127.0.0.1:1;\n";
    ASSERT_EQ(chmod((folder_ + "/state").c_str(), 0600), 0);
    EXPECT_TRUE(worker_.change(group_, "127.0.0.1:1", addition()));
    EXPECT_TRUE(saving(worker_).run());
    struct stat status;
    ASSERT_EQ(stat((folder_ + "/state").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(PeerStateFileTest, what_cannot_be_written_is_said_and_written_later) {
    EXPECT_TRUE(worker_.change(group_, "127.0.0.1:1", addition()));
    PeerSaving nowhere = saving(worker_);
    nowhere.path = folder_ + "/none/state";
    auto written = nowhere.run();
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().number, ENOENT);
    std::filesystem::create_directory(folder_ + "/state.new");
    EXPECT_FALSE(saving(worker_).run());
    std::filesystem::remove(folder_ + "/state.new");
    EXPECT_TRUE(saving(worker_).run());
    EXPECT_NE(content(), "");
}

TEST_F(PeerStateFileTest, what_has_no_room_leaves_the_list_there_was) {
    EXPECT_TRUE(worker_.change(group_, "127.0.0.1:1", addition()));
    EXPECT_TRUE(saving(worker_).run());
    std::string before = content();
    EXPECT_TRUE(worker_.change(group_, "127.0.0.1:2", addition()));
    // As a full disk does: the first bytes are written, the rest is refused.
    auto signal_before = signal(SIGXFSZ, SIG_IGN);
    rlimit room_before{}, room{};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &room_before), 0);
    room = {.rlim_cur = 8, .rlim_max = room_before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &room), 0);
    auto written = saving(worker_).run();
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &room_before), 0);
    signal(SIGXFSZ, signal_before);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().number, EFBIG);
    EXPECT_EQ(content(), before);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1) << "nothing is left beside it";
    EXPECT_TRUE(saving(worker_).run());
    EXPECT_NE(content(), before);
}

TEST_F(PeerStateFileTest, who_keeps_the_directory_locked_is_not_waited_for_without_end) {
    Fd other(open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_EQ(flock(other.get(), LOCK_EX), 0);
    EXPECT_TRUE(worker_.change(group_, "127.0.0.1:1", addition()));
    PeerSaving late = saving(worker_);
    late.patience = std::chrono::milliseconds(20);
    auto written = late.run();
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().number, EWOULDBLOCK);
    other.reset();
    EXPECT_TRUE(late.run());
    EXPECT_NE(content(), "");
}

TEST_F(PeerStateFileTest, the_last_of_many_writers_leaves_what_all_have) {
    std::vector<pid_t> children;
    for (int i = 0; i < 4; ++i) {
        Life life = lives_.begin();
        pid_t child = fork();
        if (child == 0) {
            WorkerPeers worker(lives_, life);
            bool is_well = true;
            for (int n = 0; n < 10; ++n) {
                std::string name = "10.0." + std::to_string(i) + "." + std::to_string(n) + ":80";
                is_well = is_well && worker.change(group_, name, addition()) && saving(worker).run();
                if (n % 3 != 0) continue;
                is_well = is_well && worker.change(group_, name, {.kind = PeerChange::Kind::removed});
                is_well = is_well && saving(worker).run();
            }
            _exit(is_well ? 0 : 1);
        }
        children.push_back(child);
    }
    for (pid_t child : children) {
        int status = 0;
        ASSERT_EQ(waitpid(child, &status, 0), child);
        EXPECT_EQ(status, 0);
    }
    EXPECT_EQ(worker_.roster(group_)->peers().size(), 4u * 6);
    EXPECT_EQ(content(), state_text(worker_.plan(group_)->plan().applied_to(*group_, {})));
}

}  // namespace
}  // namespace ringx
