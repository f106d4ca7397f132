// http/stored_body_test.cc - a body is kept whole or not at all, and is sent whatever becomes of the file.
//
// The files are real, and so are the threads that make and rename them; writes go through a scripted engine, each of
// which is made to fail once.
#include "http/stored_body.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "t/unit/event/scripted_engine.h"
#include "t/unit/http/body_parts.h"
#include "t/unit/http/sample_site.h"

namespace ringx::http {
namespace {

constexpr std::string_view body = "what the origin has said";

class StoredBodyTest : public testing::Test {
 protected:
    // The file is written by the engine, everything else happens on threads.
    void turn_until(const std::function<bool()>& done) {
        auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (!done() && std::chrono::steady_clock::now() < until) site.loop.turn(1);
        ASSERT_TRUE(done());
    }

    // All that is sent, until the end or an error, which is shown by its number.
    std::string send(BodySource& source) {
        std::string text;
        for (;;) {
            Task<Result<std::string_view>> task = source.next();
            turn_until([&] { return task.done(); });
            Result<std::string_view> part = task.take();
            if (!part) return text + "<" + std::to_string(part.error().number) + ">";
            if (part->empty()) return text;
            text += *part;
        }
    }
    void close(BodySource& source) {
        Task<void> closing = source.close();
        turn_until([&] { return closing.done(); });
    }

    // The names there are, once there are so many: a thread takes away what is not wanted.
    std::string files(size_t count) {
        auto names = [&] {
            std::string all;
            for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path(""))) {
                if (entry.is_regular_file()) all += entry.path().filename().string() + " ";
            }
            return all;
        };
        turn_until([&] { return static_cast<size_t>(std::ranges::count(names(), ' ')) == count; });
        return names();
    }

    SampleFolder folder;
    SampleSite site{"error_log /dev/null; server { listen 1; }"};
    ScriptedEngine& engine = static_cast<ScriptedEngine&>(site.loop.engine());
    Request& request = site.request();
    const std::string path = folder.path("a/b/file");
    StoredBody::Goal goal{path, 0640, 1'000'000'000};
};

TEST_F(StoredBodyTest, is_there_when_it_is_whole) {
    for (size_t part_bytes : {1, 7, 100}) {
        BodyParts parts(body, part_bytes);
        StoredBody stored(request, goal, {}, &parts);
        EXPECT_EQ(send(stored), body);
        close(stored);
        EXPECT_TRUE(parts.closed);
        EXPECT_EQ(folder.read("a/b/file"), body);
        EXPECT_EQ(files(1), "file ");
        struct stat status{};
        ASSERT_EQ(stat(path.c_str(), &status), 0);
        EXPECT_EQ(status.st_mode & 07777, 0640u);
        EXPECT_EQ(status.st_mtime, 1'000'000'000);
        ASSERT_EQ(stat(folder.path("a/b").c_str(), &status), 0);
        EXPECT_EQ(status.st_mode & 07777, 0750u);  // who may read the file may come to it
        std::filesystem::remove(path);
    }
}

TEST_F(StoredBodyTest, may_come_from_memory_first) {
    StoredBody small(request, goal, "small", nullptr);
    EXPECT_EQ(send(small), "small");
    EXPECT_EQ(folder.read("a/b/file"), "small");
    std::filesystem::remove(path);
    StoredBody nothing(request, goal, {}, nullptr);
    EXPECT_EQ(send(nothing), "");
    EXPECT_TRUE(std::filesystem::exists(path));
    EXPECT_EQ(files(1), "file ");
    std::filesystem::remove(path);
    BodyParts parts(body, 3);
    StoredBody both(request, goal, "small, then ", &parts);
    EXPECT_EQ(send(both), "small, then " + std::string(body));
    EXPECT_EQ(folder.read("a/b/file"), "small, then " + std::string(body));
}

TEST_F(StoredBodyTest, takes_the_place_of_another) {
    std::filesystem::create_directories(folder.path("a/b"));
    std::ofstream(path) << "an old one, which is longer than what there is to be stored";
    StoredBody stored(request, goal, body, nullptr);
    Task<Result<std::string_view>> first = stored.next();
    turn_until([&] { return first.done(); });
    EXPECT_TRUE(folder.read("a/b/file").starts_with("an old one"));
    Task<Result<std::string_view>> last = stored.next();
    turn_until([&] { return last.done(); });
    EXPECT_EQ(folder.read("a/b/file"), body);
}

TEST_F(StoredBodyTest, leaves_nothing_of_what_is_cut_off) {
    BodyParts parts(body, 5);
    parts.error = ECONNRESET;
    StoredBody stored(request, goal, {}, &parts);
    EXPECT_EQ(send(stored), std::string(body) + "<" + std::to_string(ECONNRESET) + ">");
    close(stored);
    EXPECT_EQ(files(0), "");
}

TEST_F(StoredBodyTest, leaves_nothing_when_nobody_wants_the_rest) {
    BodyParts parts(body, 5);
    StoredBody stored(request, goal, {}, &parts);
    Task<Result<std::string_view>> first = stored.next();
    turn_until([&] { return first.done(); });
    EXPECT_NE(files(1), "file ");
    stored.cancel();
    close(stored);
    EXPECT_TRUE(parts.cancelled && parts.closed);
    EXPECT_EQ(files(0), "");
}

TEST_F(StoredBodyTest, is_sent_when_it_cannot_be_kept) {
    std::ofstream(folder.path("a")) << "in the way";
    BodyParts parts(body, 5);
    StoredBody stored(request, goal, {}, &parts);
    EXPECT_EQ(send(stored), body);
    EXPECT_EQ(files(1), "a ");
}

TEST_F(StoredBodyTest, is_sent_when_its_place_is_taken) {
    std::filesystem::create_directories(path + "/directory");
    BodyParts parts(body, 5);
    StoredBody stored(request, goal, {}, &parts);
    EXPECT_EQ(send(stored), body);
    EXPECT_EQ(files(0), "");
}

TEST_F(StoredBodyTest, is_sent_whichever_write_fails) {
    for (size_t n = 1;; ++n) {
        size_t before = engine.started().size();
        engine.fail_operation(before + n, ENOSPC);
        BodyParts parts(body, 5);
        StoredBody stored(request, goal, {}, &parts);
        EXPECT_EQ(send(stored), body);
        bool unharmed = engine.started().size() < before + n;
        EXPECT_EQ(files(unharmed ? 1 : 0), unharmed ? "file " : "");
        if (unharmed || HasFailure()) {
            EXPECT_EQ(n, (body.size() + 4) / 5 + 1);
            break;
        }
    }
}

}  // namespace
}  // namespace ringx::http
