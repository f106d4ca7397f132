// t/unit/proc/pid_file_test.cc - the file by which a master is found: what it says, and when.
//
// Each test has a folder of its own.
#include "proc/pid_file.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace ringx::proc {
namespace {

class PidFileTest : public testing::Test {
 protected:
    PidFileTest() { EXPECT_NE(mkdtemp(folder_), nullptr); }
    ~PidFileTest() override { std::filesystem::remove_all(folder_); }
    std::string path(const char* name) const { return std::string(folder_) + "/" + name; }

 private:
    char folder_[32] = "/tmp/ringx-pid-XXXXXX";
};

TEST_F(PidFileTest, what_it_promises_is_there_before_its_number) {
    PidFile file;
    bool promised = false;
    auto written = file.write(path("a"), [&] {
        promised = true;
        EXPECT_TRUE(std::filesystem::exists(path("a")));
        EXPECT_FALSE(read_pid_file(path("a")));
    });
    EXPECT_TRUE(written);
    EXPECT_TRUE(promised);
    EXPECT_EQ(read_pid_file(path("a")), getpid());
}

TEST_F(PidFileTest, moves_and_goes_with_its_owner) {
    {
        PidFile file;
        EXPECT_TRUE(file.write(path("a")));
        EXPECT_TRUE(file.write(path("b")));
        EXPECT_FALSE(std::filesystem::exists(path("a")));
        EXPECT_EQ(read_pid_file(path("b")), getpid());
    }
    EXPECT_FALSE(std::filesystem::exists(path("b")));
}

TEST_F(PidFileTest, keeps_the_old_when_the_new_cannot_be_written) {
    PidFile file;
    EXPECT_TRUE(file.write(path("a")));
    EXPECT_FALSE(file.write(path("missing/b"), [] { FAIL() << "there is no file"; }));
    EXPECT_EQ(read_pid_file(path("a")), getpid());
    EXPECT_EQ(file.path(), path("a"));
}

}  // namespace
}  // namespace ringx::proc
