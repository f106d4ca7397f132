// t/unit/http/open_path_test.cc - opening under each rule of symbolic links, at once and by the engine.
//
// Every case asks both ways and wants the same answer. A directory tree of its own holds files, links and a FIFO.
#include "http/open_path.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

namespace ringx::http {
namespace {

class OpenPath : public testing::Test {
 protected:
    void SetUp() override {
        top = std::filesystem::canonical(testing::TempDir()).string() + "/open-XXXXXX";
        ASSERT_NE(mkdtemp(top.data()), nullptr);
        ASSERT_EQ(mkdir(at("/dir").c_str(), 0755), 0);
        std::ofstream(at("/dir/file")) << "inside";
        std::ofstream(at("/secret")) << "outside";
        ASSERT_EQ(symlink("dir", at("/to-dir").c_str()), 0);
        ASSERT_EQ(symlink("file", at("/dir/to-file").c_str()), 0);
        ASSERT_EQ(symlink("../secret", at("/dir/out").c_str()), 0);
        ASSERT_EQ(symlink("nowhere", at("/dir/broken").c_str()), 0);
        ASSERT_EQ(symlink("turning", at("/dir/turning").c_str()), 0);
        ASSERT_EQ(mkfifo(at("/dir/fifo").c_str(), 0644), 0);
        EngineSettings settings;
        settings.choice = EngineSettings::Choice::epoll;
        ASSERT_TRUE(loop.open(settings));
    }
    void TearDown() override { std::filesystem::remove_all(top); }

    std::string at(std::string_view path) const { return top + std::string(path); }

    // 0, or the error, both ways.
    int open(const std::string& path, LinkRules rules = {}) {
        PathOpener opener(loop);
        auto at_once = opener.try_open(path, rules);
        auto task = opener.open(path, rules);
        for (int turns = 0; !task.done(); ++turns) {
            CHECK(turns < 10'000);
            loop.turn(1000);
        }
        auto later = task.take();
        int error = later ? 0 : later.error().number;
        int error_at_once = at_once ? 0 : at_once.error().number;
        if (error_at_once != EAGAIN) {
            EXPECT_EQ(error_at_once, error) << path;
        }
        if (later) content = read(later->get());
        return error;
    }

    static std::string read(int fd) {
        char bytes[64];
        ssize_t got = pread(fd, bytes, sizeof bytes, 0);
        return got < 0 ? "" : std::string(bytes, static_cast<size_t>(got));
    }

    Loop loop;
    std::string top;
    std::string content;
};

TEST_F(OpenPath, follows_links_when_nothing_is_said) {
    EXPECT_EQ(open(at("/dir/file")), 0);
    EXPECT_EQ(open(at("/to-dir/to-file")), 0);
    EXPECT_EQ(content, "inside");
    EXPECT_EQ(open(at("/dir/missing")), ENOENT);
    EXPECT_EQ(open(at("/dir/file/below")), ENOTDIR);
    EXPECT_EQ(open(at("/dir/broken")), ENOENT);
    EXPECT_EQ(open(at("/dir/turning")), ELOOP);
    EXPECT_EQ(open(at("/" + std::string(300, 'x'))), ENAMETOOLONG);
    EXPECT_EQ(open(at("/" + std::string(5000, 'x'))), ENAMETOOLONG);
}

TEST_F(OpenPath, a_fifo_does_not_hang) { EXPECT_EQ(open(at("/dir/fifo")), 0); }

TEST_F(OpenPath, refuses_links_anywhere) {
    LinkRules rules{Symlinks::refuse, {}};
    EXPECT_EQ(open(at("/dir/file"), rules), 0);
    EXPECT_EQ(open(at("/dir//file"), rules), 0);
    EXPECT_EQ(open(at("/dir/"), rules), 0);
    EXPECT_EQ(open(at("/dir/to-file"), rules), ELOOP);
    EXPECT_EQ(open(at("/to-dir/file"), rules), ELOOP);
    EXPECT_EQ(open(at("/dir/broken"), rules), ELOOP);
    EXPECT_EQ(open(at("/dir/missing"), rules), ENOENT);
    EXPECT_EQ(open(at("/dir/file/below"), rules), ENOTDIR);
    EXPECT_EQ(open(at("/" + std::string(5000, 'x')), rules), ENAMETOOLONG);
}

TEST_F(OpenPath, trusts_the_beginning_it_is_told_to) {
    std::string trusted = at("/to-dir");
    for (Symlinks how : {Symlinks::refuse, Symlinks::owner}) {
        EXPECT_EQ(open(at("/to-dir/file"), {how, trusted}), 0);
        EXPECT_EQ(open(at("/to-dir/file"), {how, trusted + "/"}), 0);
        EXPECT_EQ(open(at("/to-dir"), {how, trusted}), 0);
        // Two slashes do not start again from the root.
        EXPECT_EQ(open(at("/to-dir//etc/passwd"), {how, trusted}), ENOENT);
    }
    EXPECT_EQ(open(at("/to-dir/to-file"), {Symlinks::refuse, trusted}), ELOOP);
    // A part of a name is no component, and another path no beginning: all is checked.
    EXPECT_EQ(open(at("/to-dir/file"), {Symlinks::refuse, at("/to-")}), ELOOP);
    EXPECT_EQ(open(at("/to-dir/file"), {Symlinks::refuse, "/elsewhere"}), ELOOP);
}

TEST_F(OpenPath, follows_links_of_the_owner_of_their_target) {
    LinkRules rules{Symlinks::owner, {}};
    EXPECT_EQ(open(at("/to-dir/to-file"), rules), 0);
    EXPECT_EQ(content, "inside");
    EXPECT_EQ(open(at("/dir/out"), rules), 0);
    EXPECT_EQ(content, "outside");
    EXPECT_EQ(open(at("/dir/broken"), rules), ENOENT);
    EXPECT_EQ(open(at("/dir/turning"), rules), ELOOP);
    if (geteuid() != 0) GTEST_SKIP() << "only root can give files away";
    ASSERT_EQ(lchown(at("/dir/out").c_str(), 1, 1), 0);
    EXPECT_EQ(open(at("/dir/out"), rules), ELOOP);
    ASSERT_EQ(lchown(at("/to-dir").c_str(), 1, 1), 0);
    EXPECT_EQ(open(at("/to-dir/file"), rules), ELOOP);
    EXPECT_EQ(open(at("/to-dir/file"), {Symlinks::owner, at("/to-dir")}), 0);
}

// A thread changes a name between a file inside and a link to the outside, as fast as it can.
TEST_F(OpenPath, a_flipping_link_never_leads_out) {
    std::string name = at("/dir/flips"), file = at("/dir/inside"), link = at("/dir/outside");
    std::atomic<bool> over = false;
    if (geteuid() == 0) {
        ASSERT_EQ(chown(at("/secret").c_str(), 1, 1), 0);
    }
    std::thread flipper([&] {
        while (!over) {
            std::ofstream(file) << "inside";
            rename(file.c_str(), name.c_str());
            if (symlink("../secret", link.c_str()) == 0) rename(link.c_str(), name.c_str());
        }
    });
    PathOpener opener(loop);
    int opened_times = 0;
    // On a busy machine the thread may begin late.
    for (int i = 0; i < 20'000 || (opened_times == 0 && i < 20'000'000); ++i) {
        bool by_owner = geteuid() == 0 && i % 2 == 1;
        auto opened = opener.try_open(name, {by_owner ? Symlinks::owner : Symlinks::refuse, {}});
        if (!opened) continue;
        ++opened_times;
        std::string got = read(opened->get());
        ASSERT_NE(got, "outside") << i;
    }
    over = true;
    flipper.join();
    EXPECT_GT(opened_times, 0);
}

}  // namespace
}  // namespace ringx::http
