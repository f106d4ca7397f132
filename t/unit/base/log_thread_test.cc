// t/unit/base/log_thread_test.cc - texts written by a thread: in order, to the right file, bounded.
//
// Pipes stand for slow disks: they take nothing until the test reads.
#include "base/log_thread.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

namespace ringx {
namespace {

struct Pipe {
    Pipe() {
        int ends[2];
        EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
        reader = Fd(ends[0]);
        writer = Fd(ends[1]);
    }

    // Everything up to the end of the stream, which comes when all who might write have closed it.
    std::string read_all() const {
        std::string text;
        std::array<char, 65536> bytes;
        ssize_t got;
        while ((got = read(reader.get(), bytes.data(), bytes.size())) > 0) {
            text.append(bytes.data(), static_cast<size_t>(got));
        }
        return text;
    }

    Fd reader, writer;
};

TEST(LogThread, writes_in_order_and_ends_after_the_last_text) {
    Pipe pipe;
    auto backlog = std::make_shared<LogBacklog>();
    {
        LogThread thread;
        for (std::string_view text : {"one\n", "two\n", "three\n"}) {
            EXPECT_TRUE(thread.write(pipe.writer.get(), std::string(text), 0, backlog).has_value());
        }
    }
    EXPECT_EQ(backlog->waiting, 0u);
    EXPECT_EQ(backlog->error, 0);
    pipe.writer.reset();
    EXPECT_EQ(pipe.read_all(), "one\ntwo\nthree\n");
}

TEST(LogThread, a_text_belongs_to_the_file_of_its_time) {
    Pipe old_file, new_file;
    LogThread thread;
    auto backlog = std::make_shared<LogBacklog>();
    std::string much(100'000, 'x');  // more than the pipe holds: what follows has to wait
    ASSERT_TRUE(thread.write(old_file.writer.get(), much, 0, backlog).has_value());
    ASSERT_TRUE(thread.write(old_file.writer.get(), "old", 0, backlog).has_value());
    ASSERT_GE(dup3(new_file.writer.get(), old_file.writer.get(), O_CLOEXEC), 0);  // rotated
    ASSERT_TRUE(thread.write(old_file.writer.get(), "new", 0, backlog).has_value());
    EXPECT_EQ(old_file.read_all(), much + "old");
    old_file.writer.reset();
    new_file.writer.reset();
    EXPECT_EQ(new_file.read_all(), "new");
}

TEST(LogThread, refuses_more_than_it_can_hold) {
    Pipe pipe;
    auto backlog = std::make_shared<LogBacklog>();
    size_t taken = 0;
    {
        LogThread thread;
        std::string text(1 << 20, 'x');
        while (thread.write(pipe.writer.get(), text, 0, backlog).has_value()) taken += text.size();
        EXPECT_GE(taken, LogThread::waiting_bytes_max - text.size());
        EXPECT_LE(taken, LogThread::waiting_bytes_max + text.size());
        pipe.reader.reset();  // nobody will ever read it
    }
    EXPECT_EQ(backlog->error, EPIPE);
    EXPECT_EQ(backlog->waiting, 0u);
}

TEST(LogThread, a_pipe_that_nobody_reads_does_not_put_off_the_end_for_ever) {
    Pipe pipe;
    auto backlog = std::make_shared<LogBacklog>();
    {
        LogThread thread;
        ASSERT_TRUE(thread.write(pipe.writer.get(), std::string(100'000, 'x'), 0, backlog).has_value());
    }
    EXPECT_EQ(backlog->error, EAGAIN);
}

}  // namespace
}  // namespace ringx
