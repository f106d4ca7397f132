// t/unit/base/recent_errors_test.cc - the last errors of all processes, whatever becomes of who writes them.
//
// Processes are real ones here. One is stopped in the midst of a line by giving it a text whose end it may not read.
#include "base/recent_errors.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace ringx {
namespace {

constexpr size_t page_bytes = 4096;

class RecentErrorsTest : public testing::Test {
 protected:
    void add(size_t from, size_t count) {
        for (size_t i = from; i < from + count; ++i) recent->add(Level::error, "line " + std::to_string(i));
    }

    std::vector<std::string> texts() const {
        std::vector<std::string> texts;
        for (auto& line : recent->read()) texts.push_back(line.text);
        return texts;
    }

    std::unique_ptr<RecentErrors> recent = *RecentErrors::create();
};

template <typename Work>
pid_t begin_elsewhere(Work work) {
    pid_t child = fork();
    if (child == 0) {
        work();
        _exit(0);
    }
    return child;
}

int end_of(pid_t child) {
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return status;
}

// A text of 1,000 bytes, of which the second half cannot be read.
std::string_view half_readable() {
    void* memory = mmap(nullptr, 2 * page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT_NE(memory, MAP_FAILED);
    char* pages = static_cast<char*>(memory);
    std::fill_n(pages, page_bytes, 'x');
    EXPECT_EQ(mprotect(pages + page_bytes, page_bytes, PROT_NONE), 0);
    return {pages + page_bytes - 500, 1000};
}

TEST_F(RecentErrorsTest, AtFirstThereAreNone) { EXPECT_TRUE(recent->read().empty()); }

TEST_F(RecentErrorsTest, ALineIsGivenBackWithWhatIsKnown) {
    recent->add(Level::crit, "first");
    recent->speak_as(3);
    recent->add(Level::error, "");
    auto lines = recent->read();
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_EQ(lines[0].text, "first");
    EXPECT_EQ(lines[0].level, Level::crit);
    EXPECT_EQ(lines[0].pid, getpid());
    EXPECT_FALSE(lines[0].worker.has_value());
    EXPECT_NEAR(static_cast<double>(lines[0].time_us) / 1e6, static_cast<double>(time(nullptr)), 2.0);
    EXPECT_EQ(lines[1].text, "");
    EXPECT_EQ(lines[1].worker, 3u);
    EXPECT_LT(lines[0].number, lines[1].number);
}

TEST_F(RecentErrorsTest, TextsOfEveryLengthStayWhole) {
    for (size_t bytes : {1u, 7u, 8u, 9u, 2047u, 2048u}) {
        std::string text;
        for (size_t i = 0; i < bytes; ++i) text.push_back(static_cast<char>(i * 7 % 256));
        recent->add(Level::error, text);
        EXPECT_EQ(texts().back(), text);
    }
    recent->add(Level::error, std::string(5000, 'y'));
    EXPECT_EQ(texts().back(), std::string(RecentErrors::text_bytes_max, 'y'));
}

TEST_F(RecentErrorsTest, TheLastOnesAreKeptInOrder) {
    add(0, 1000);
    auto lines = texts();
    ASSERT_EQ(lines.size(), RecentErrors::lines_max);
    for (size_t i = 0; i < lines.size(); ++i) EXPECT_EQ(lines[i], "line " + std::to_string(1000 - lines.size() + i));
}

TEST_F(RecentErrorsTest, LinesOutliveWhoWroteThem) {
    pid_t child = begin_elsewhere([&] {
        recent->speak_as(7);
        recent->add(Level::alert, "farewell");
    });
    EXPECT_EQ(end_of(child), 0);
    auto lines = recent->read();
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_EQ(lines[0].text, "farewell");
    EXPECT_EQ(lines[0].pid, child);
    EXPECT_EQ(lines[0].worker, 7u);
}

TEST_F(RecentErrorsTest, WhoDiesInTheMidstLeavesNoLineAndNoGap) {
    std::string_view text = half_readable();
    pid_t child = begin_elsewhere([&] {
        signal(SIGSEGV, SIG_DFL);
        recent->add(Level::error, text);
    });
    EXPECT_TRUE(WIFSIGNALED(end_of(child)));
    EXPECT_TRUE(recent->read().empty());
    add(0, 2 * RecentErrors::lines_max);
    EXPECT_EQ(recent->read().size(), RecentErrors::lines_max);
}

TEST_F(RecentErrorsTest, ASlotThatIsBeingWrittenIsLeftAlone) {
    std::string_view text = half_readable();
    int ready[2];
    ASSERT_EQ(pipe(ready), 0);
    static int told;
    told = ready[1];
    pid_t child = begin_elsewhere([&] {
        // Stays in the midst for good.
        signal(SIGSEGV, [](int) {
            (void)!write(told, "!", 1);
            for (;;) pause();
        });
        recent->add(Level::error, text);
    });
    char sign;
    ASSERT_EQ(read(ready[0], &sign, 1), 1);
    add(0, 3 * RecentErrors::lines_max);
    auto lines = texts();
    EXPECT_EQ(lines.size(), RecentErrors::lines_max - 1);
    EXPECT_EQ(lines.back(), "line " + std::to_string(3 * RecentErrors::lines_max - 1));
    for (auto& line : lines) EXPECT_TRUE(line.starts_with("line ")) << line;

    kill(child, SIGKILL);
    EXPECT_TRUE(WIFSIGNALED(end_of(child)));
    add(0, RecentErrors::lines_max);
    EXPECT_EQ(recent->read().size(), RecentErrors::lines_max);
    close(ready[0]);
    close(ready[1]);
}

// Each text is one letter over and over, so a line that was put together from two would show.
TEST_F(RecentErrorsTest, ReadersSeeNoTornLine) {
    std::vector<pid_t> writers;
    for (char letter : {'a', 'b', 'c'}) {
        writers.push_back(begin_elsewhere([&] {
            for (size_t i = 0;; ++i) recent->add(Level::error, std::string(1 + i % 2000, letter));
        }));
    }
    size_t seen = 0;
    while (seen < 50'000) {
        for (auto& line : recent->read()) {
            ASSERT_FALSE(line.text.empty());
            ASSERT_EQ(line.text.find_first_not_of(line.text[0]), line.text.npos);
            ++seen;
        }
    }
    for (pid_t writer : writers) {
        kill(writer, SIGKILL);
        end_of(writer);
    }
    add(0, 2 * RecentErrors::lines_max);
    EXPECT_EQ(recent->read().size(), RecentErrors::lines_max);
}

}  // namespace
}  // namespace ringx
