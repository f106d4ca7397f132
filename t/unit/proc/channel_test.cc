// t/unit/proc/channel_test.cc - messages between master and worker, whole and with all their descriptors.
//
// Descriptors are recognized by the file they are open on, since their numbers change on the way.
#include "proc/channel.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "proc/sealed_file.h"

namespace ringx::proc {
namespace {

ino_t file_of(int fd) {
    struct stat status;
    EXPECT_EQ(fstat(fd, &status), 0);
    return status.st_ino;
}

struct Pair {
    Channel master, worker;
    Pair() { EXPECT_TRUE(Channel::make_pair(master, worker)); }
};

TEST(Channel, has_nothing_to_say_until_something_is_sent) {
    Pair pair;
    EXPECT_EQ(pair.worker.receive().error().number, EAGAIN);
    ASSERT_TRUE(pair.master.send(Message::Kind::retire, 7));
    auto message = pair.worker.receive();
    ASSERT_TRUE(message);
    EXPECT_EQ(message->kind, Message::Kind::retire);
    EXPECT_EQ(message->number, 7u);
    EXPECT_EQ(pair.worker.receive().error().number, EAGAIN);
}

TEST(Channel, more_descriptors_than_the_kernel_passes_at_once_arrive_in_order) {
    Pair pair;
    std::vector<Fd> files;
    std::vector<int> fds;
    for (int i = 0; i < 600; ++i) {
        auto file = seal(std::to_string(i));
        ASSERT_TRUE(file);
        fds.push_back(file->get());
        files.push_back(std::move(*file));
    }
    ASSERT_TRUE(pair.master.send(Message::Kind::reload, 2, fds));
    auto message = pair.worker.receive();
    ASSERT_TRUE(message);
    EXPECT_FALSE(message->incomplete);
    ASSERT_EQ(message->fds.size(), 600u);
    for (size_t i = 0; i < 600; ++i) {
        EXPECT_EQ(file_of(message->fds[i].get()), file_of(fds[i]));
        EXPECT_EQ(read_sealed(message->fds[i].get()).value_or(""), std::to_string(i));
    }
}

TEST(Channel, the_end_of_one_side_is_seen_by_the_other) {
    Pair pair;
    ASSERT_TRUE(pair.master.send(Message::Kind::retire));
    pair.master.close();
    EXPECT_TRUE(pair.worker.receive()) << "what was sent before still arrives";
    EXPECT_EQ(pair.worker.receive().error().number, ECONNRESET);
    EXPECT_FALSE(pair.worker.send(Message::Kind::ready));
}

TEST(SealedFile, cannot_be_changed) {
    auto file = seal("bytes");
    ASSERT_TRUE(file);
    EXPECT_EQ(pwrite(file->get(), "x", 1, 0), -1);
    EXPECT_EQ(ftruncate(file->get(), 0), -1);
    EXPECT_EQ(*read_sealed(file->get()), "bytes");
    EXPECT_EQ(*read_sealed(seal("")->get()), "");
}

}  // namespace
}  // namespace ringx::proc
