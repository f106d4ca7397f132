// t/unit/event/engine_file_test.cc - what both engines promise about regular files and about cancelling.
//
// Files are read whole, cold or warm. What is cancelled is answered once, with -ECANCELED or with what was done before.
#include <fcntl.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <filesystem>

#include "t/unit/event/both_engines.h"

namespace ringx::engine_test {
namespace {

using Kind = Operation::Kind;

class EngineFile : public BothEngines {
 protected:
    void SetUp() override {
        BothEngines::SetUp();
        folder = testing::TempDir() + "engine_file_" + std::to_string(getpid());
        std::filesystem::create_directory(folder);
        path = folder + "/file";
    }
    void TearDown() override { std::filesystem::remove_all(folder); }

    Fd make_file(std::string_view text) {
        Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
        ssize_t written = write(file.get(), text.data(), text.size());
        CHECK(written == static_cast<ssize_t>(text.size()));
        return file;
    }

    int open_now(const char* name, uint64_t flags, uint64_t resolve = 0) {
        open_how how{};
        how.flags = flags;
        how.mode = flags & O_CREAT ? 0600 : 0;
        how.resolve = resolve;
        Tried operation(loop, Kind::open, AT_FDCWD);
        operation.path = name;
        operation.how = &how;
        operation.start();
        EXPECT_FALSE(operation.answered());
        EXPECT_TRUE(until([&] { return operation.over(); }));
        return operation.result();
    }

    int transfer(Kind kind, int file, void* data, size_t bytes, uint64_t offset) {
        Tried operation(loop, kind, file);
        operation.data = data;
        operation.bytes = static_cast<uint32_t>(bytes);
        operation.offset = offset;
        operation.start();
        EXPECT_FALSE(operation.answered());
        EXPECT_TRUE(until([&] { return operation.over(); }));
        return operation.result();
    }

    std::string folder;
    std::string path;
};

class EngineCancel : public EngineFile {};

FOR_BOTH_ENGINES(EngineFile);
FOR_BOTH_ENGINES(EngineCancel);

// The file's pages leave the cache, as far as the file system follows the advice.
void make_cold(int file) {
    fsync(file);
    posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
}

TEST_P(EngineFile, opens_what_is_there_and_tells_what_is_not) {
    open();
    make_file("x");
    Fd file(open_now(path.c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_TRUE(file);
    Fd again(open_now(path.c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_TRUE(again);
    std::string missing = folder + "/missing";
    for (int i = 0; i < 2; ++i) EXPECT_EQ(open_now(missing.c_str(), O_RDONLY), -ENOENT);
    EXPECT_EQ(open_now((path + "/below").c_str(), O_RDONLY), -ENOTDIR);
}

TEST_P(EngineFile, creates_files_and_refuses_what_open_how_forbids) {
    open();
    Fd made(open_now((folder + "/new").c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC));
    EXPECT_TRUE(made);
    EXPECT_EQ(open_now((folder + "/new").c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC), -EEXIST);
    std::string link = folder + "/link";
    ASSERT_EQ(symlink("new", link.c_str()), 0);
    EXPECT_EQ(open_now(link.c_str(), O_RDONLY, RESOLVE_NO_SYMLINKS), -ELOOP);
    EXPECT_EQ(open_now(path.c_str(), O_RDONLY, uint64_t{1} << 40), -EINVAL);
}

TEST_P(EngineFile, reads_warm_and_cold_files_whole) {
    open();
    std::string text = pattern(3 << 20);
    Fd file = make_file(text);
    for (bool cold : {false, true, false}) {
        if (cold) make_cold(file.get());
        std::string into(text.size() + 100, '.');
        ASSERT_EQ(transfer(Kind::read, file.get(), into.data(), into.size(), 0), 3 << 20);
        into.resize(text.size());
        EXPECT_TRUE(into == text) << cold;
    }
}

TEST_P(EngineFile, reads_at_offsets_and_past_the_end) {
    open();
    std::string text = pattern(100000);
    Fd file = make_file(text);
    for (bool cold : {true, false}) {
        if (cold) make_cold(file.get());
        std::string into(1000, '.');
        EXPECT_EQ(transfer(Kind::read, file.get(), into.data(), 1000, 4567), 1000);
        EXPECT_EQ(into, text.substr(4567, 1000));
        EXPECT_EQ(transfer(Kind::read, file.get(), into.data(), 1000, 99990), 10);
        EXPECT_EQ(into.substr(0, 10), text.substr(99990));
        EXPECT_EQ(transfer(Kind::read, file.get(), into.data(), 1000, 100000), 0);
        EXPECT_EQ(transfer(Kind::read, file.get(), into.data(), 1000, 1 << 30), 0);
    }
    char byte;
    Fd directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    EXPECT_EQ(transfer(Kind::read, directory.get(), &byte, 1, 0), -EISDIR);
}

TEST_P(EngineFile, writes_at_offsets_and_at_the_files_own_position) {
    open();
    Fd file = make_file("0123456789");
    char text[] = "abc";
    EXPECT_EQ(transfer(Kind::write, file.get(), text, 3, 4), 3);
    EXPECT_EQ(transfer(Kind::write, file.get(), text, 3, ~uint64_t{0}), 3);
    EXPECT_EQ(transfer(Kind::write, file.get(), text, 3, ~uint64_t{0}), 3);
    std::string into(20, '.');
    EXPECT_EQ(transfer(Kind::read, file.get(), into.data(), 20, 0), 16);
    EXPECT_EQ(into.substr(0, 16), "0123abc789abcabc");

    Fd log(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    EXPECT_EQ(transfer(Kind::write, log.get(), text, 3, ~uint64_t{0}), 3);
    EXPECT_EQ(transfer(Kind::read, file.get(), into.data(), 20, 16), 3);

    Fd only_read(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(transfer(Kind::write, only_read.get(), text, 3, 0), -EBADF);
}

TEST_P(EngineFile, serves_many_reads_at_once) {
    open();
    std::string text = pattern(1 << 20);
    Fd file = make_file(text);
    make_cold(file.get());
    constexpr size_t count = 64;
    constexpr size_t each = (1 << 20) / count;
    std::string into(text.size(), '.');
    std::vector<std::unique_ptr<Tried>> reads;
    for (size_t i = 0; i < count; ++i) {
        reads.push_back(std::make_unique<Tried>(loop, Kind::read, file.get()));
        reads.back()->data = into.data() + i * each;
        reads.back()->bytes = each;
        reads.back()->offset = i * each;
        reads.back()->start();
    }
    for (auto& read : reads) {
        ASSERT_TRUE(until([&] { return read->over(); }));
        EXPECT_EQ(read->result(), static_cast<int>(each));
    }
    EXPECT_TRUE(into == text);
}

// --- cancelling

// What is cancelled ends once, with ECANCELED or with what it had achieved, whether it was just started or waited long.
TEST_P(EngineCancel, ends_what_waits_for_a_peer) {
    open();
    for (bool settled : {false, true}) {
        uint16_t port;
        Socket listener(loop, listen_tcp(port).release());
        Pair pair = tcp_pair();
        std::string large(8 << 20, 'x');
        iovec part = {large.data(), large.size()};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        char byte;
        struct Case {
            Kind kind;
            int fd;
        } cases[] = {
            {Kind::accept, listener.get()},   {Kind::accept_many, listener.get()}, {Kind::receive, pair.ours.get()},
            {Kind::receive_many, pair.ours.get()}, {Kind::receive_into, pair.ours.get()}, {Kind::poll, pair.ours.get()},
            {Kind::send, pair.ours.get()},
        };
        for (auto& c : cases) {
            Tried operation(loop, c.kind, c.fd);
            if (c.kind == Kind::receive_into) {
                operation.data = &byte;
                operation.bytes = 1;
            }
            if (c.kind == Kind::poll) operation.events = POLLIN;
            if (c.kind == Kind::send) operation.message = &message;
            operation.start();
            if (settled) turn_idly();
            operation.cancel();
            operation.cancel();
            EXPECT_FALSE(operation.answered());
            ASSERT_TRUE(until([&] { return operation.over(); }));
            turn_idly();
            EXPECT_EQ(operation.results.size(), 1u);
            bool partly_sent = c.kind == Kind::send && operation.result() > 0 && operation.result() < 8 << 20;
            EXPECT_TRUE(operation.result() == -ECANCELED || partly_sent) << operation.result();
            // Over is over.
            operation.cancel();
            turn_idly();
            EXPECT_EQ(operation.results.size(), 1u);
        }
    }
}

TEST_P(EngineCancel, ends_a_connect_nobody_answers) {
    open();
    // A listener whose queue is full drops what comes next.
    Fd full(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(bind(full.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(listen(full.get(), 0), 0);
    ASSERT_EQ(getsockname(full.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    Fd first = connect_tcp(ntohs(address.sin_port));

    for (bool settled : {false, true}) {
        Socket ours(loop, socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        Tried connect(loop, Kind::connect, ours.get());
        connect.address = reinterpret_cast<sockaddr*>(&address);
        connect.bytes = sizeof address;
        connect.start();
        if (settled) turn_idly();
        EXPECT_FALSE(connect.answered());
        connect.cancel();
        ASSERT_TRUE(until([&] { return connect.over(); }));
        EXPECT_EQ(connect.result(), -ECANCELED);
    }
}

TEST_P(EngineCancel, answers_file_operations_with_or_without_a_result) {
    open();
    std::string text = pattern(1 << 20);
    Fd file = make_file(text);
    open_how how{};
    how.flags = O_RDONLY | O_CLOEXEC;
    for (Kind kind : {Kind::open, Kind::read, Kind::write}) {
        for (bool settled : {false, true}) {
            make_cold(file.get());
            Tried operation(loop, kind, kind == Kind::open ? AT_FDCWD : file.get());
            if (kind == Kind::open) {
                operation.path = path.c_str();
                operation.how = &how;
            } else {
                operation.data = text.data();
                operation.bytes = static_cast<uint32_t>(text.size());
                operation.offset = 0;
            }
            operation.start();
            if (settled) loop.turn(0);
            operation.cancel();
            ASSERT_TRUE(until([&] { return operation.over(); }));
            EXPECT_EQ(operation.results.size(), 1u);
            EXPECT_TRUE(operation.result() >= 0 || operation.result() == -ECANCELED) << operation.result();
            if (kind == Kind::open && operation.result() >= 0) ::close(operation.result());
        }
    }
}

TEST_P(EngineCancel, leaves_the_bytes_for_the_next_operation) {
    open();
    Pair pair = tcp_pair();
    for (int round = 0; round < 3; ++round) {
        Tried first(loop, Kind::receive_many, pair.ours.get());
        first.start();
        turn_idly();
        first.cancel();
        ASSERT_TRUE(until([&] { return first.over(); }));
        send_all(pair.theirs.get(), "later");
        turn_idly();
        Tried second(loop, Kind::receive, pair.ours.get());
        second.start();
        ASSERT_TRUE(until([&] { return second.over(); }));
        EXPECT_EQ(second.text, "later");
    }
}

TEST_P(EngineCancel, may_be_asked_from_within_an_answer) {
    settings.receive_buffer_bytes = 64;
    open();
    Pair pair = unix_pair();
    Tried receive(loop, Kind::receive_many, pair.ours.get());
    receive.then = [&](Outcome outcome) {
        if (outcome.more) receive.cancel();
    };
    receive.start();
    send_all(pair.theirs.get(), pattern(1000));
    ASSERT_TRUE(until([&] { return receive.over(); }));
    EXPECT_TRUE(receive.result() == -ECANCELED || receive.result() == 64) << receive.result();
    EXPECT_EQ(receive.text, pattern(receive.text.size()));

    // Nothing is lost: the rest is there for the next operation.
    receive.then = nullptr;
    receive.start();
    pair.theirs.reset();
    ASSERT_TRUE(until([&] { return receive.over(); }));
    EXPECT_EQ(receive.text, pattern(1000));
}

}  // namespace
}  // namespace ringx::engine_test
