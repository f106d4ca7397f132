// t/unit/modules/log/log_sink_test.cc - when lines reach their file: turns, buffers, timers, rotation, the end.
//
// Files are real, the loop has a scripted engine; a request's line is made by the module's own function, so that these
// tests see what a worker does.
#include "modules/log/log_sink.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <thread>

#include "base/format.h"
#include "http/module.h"
#include "modules/log/log_directives.h"
#include "net/error_log.h"
#include "t/unit/http/sample_site.h"

namespace ringx::http {

extern constinit const Module log_module;

namespace {

class LogSinkTest : public testing::Test {
 protected:
    // A site that logs $request_uri to `name` in the test's folder; its logs are open.
    std::unique_ptr<SampleSite> site(std::string_view parameters, std::string_view more = {}) {
        auto made = std::make_unique<SampleSite>(
            text::format("log_format uri $request_uri; server {{ listen 1; access_log {} uri {}; {} }}",
                         folder_.path("a.log"), parameters, more));
        EXPECT_EQ(made->mistakes(), std::vector<std::string>());
        for (const auto& file : log_files.in(made->tree().root()).all()) {
            EXPECT_TRUE(!file->is_file() || file->open().has_value());
        }
        return made;
    }

    static void log(SampleSite& site, std::string_view uri) {
        log_module.log(site.request("GET " + std::string(uri) + " HTTP/1.1\nHost: a\n\n"));
    }

    static LogFile& file(SampleSite& site, std::string_view ending) {
        for (const auto& file : log_files.in(site.tree().root()).all()) {
            if (file->name().ends_with(ending)) return *file;
        }
        ADD_FAILURE() << ending;
        return *log_files.in(site.tree().root()).all()[0];
    }

    // A site that logs to the file named in the argument `to`.
    std::string site_of_named_logs(std::string_view cache) const {
        return text::format("log_format uri $request_uri; open_log_file_cache {}; "
                            "server {{ listen 1; root {}; access_log {} uri; }}",
                            cache, folder_.path(""), folder_.path("$arg_to.log"));
    }

    std::string content() const { return folder_.read("a.log"); }

    // Waits for the thread that writes to logs with variables in their paths.
    void wait_for(std::string_view name, std::string_view text) const {
        auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (folder_.read(name) != text && std::chrono::steady_clock::now() < until) std::this_thread::yield();
        EXPECT_EQ(folder_.read(name), text) << name;
    }

    SampleFolder folder_;
};

std::string unpacked(const std::string& path) {
    gzFile file = gzopen(path.c_str(), "rb");  // reads all members
    std::array<char, 4096> bytes;
    std::string text;
    int got;
    while ((got = gzread(file, bytes.data(), bytes.size())) > 0) text.append(bytes.data(), static_cast<size_t>(got));
    gzclose(file);
    return text;
}

TEST_F(LogSinkTest, lines_of_a_turn_leave_together_at_its_end) {
    auto served = site("");
    log(*served, "/1");
    log(*served, "/2");
    EXPECT_EQ(content(), "");
    served->turn();
    EXPECT_EQ(content(), "/1\n/2\n");
    log(*served, "/3");
    served->turn();
    EXPECT_EQ(content(), "/1\n/2\n/3\n");
}

TEST_F(LogSinkTest, a_turn_of_many_lines_is_written_in_pieces_of_whole_lines) {
    auto served = site("");
    std::string all;
    for (int i = 0; i < 200; ++i) {
        std::string uri = "/" + std::string(i % 50, 'x');
        all += uri + "\n";
        log(*served, uri);
        std::string written = content();
        EXPECT_TRUE(written.empty() || written.ends_with('\n'));
    }
    EXPECT_GT(content().size(), 0u);
    served->turn();
    EXPECT_EQ(content(), all);
}

TEST_F(LogSinkTest, a_line_longer_than_any_buffer_is_written_whole_and_in_order) {
    for (std::string_view parameters : {"", "buffer=16", "buffer=9000"}) {
        std::filesystem::remove(folder_.path("a.log"));
        std::string long_uri = "/" + std::string(7000, 'x');
        {
            auto served = site(parameters);
            log(*served, "/1");
            log(*served, long_uri);
            log(*served, "/2");
        }
        EXPECT_EQ(content(), "/1\n" + long_uri + "\n/2\n") << parameters;
    }
}

TEST_F(LogSinkTest, a_buffer_is_written_when_the_next_line_does_not_fit) {
    auto served = site("buffer=8");
    log(*served, "/1");
    log(*served, "/2");
    served->turn();
    EXPECT_EQ(content(), "");
    log(*served, "/3");
    EXPECT_EQ(content(), "/1\n/2\n");
}

TEST_F(LogSinkTest, a_buffer_waits_for_its_time) {
    auto served = site("buffer=1k flush=1h");
    log(*served, "/1");
    served->turn();
    EXPECT_EQ(content(), "");
}

TEST_F(LogSinkTest, a_buffer_is_written_when_its_time_has_come) {
    auto served = site("buffer=1k flush=20ms");
    log(*served, "/1");
    while (content().empty()) served->loop.turn();  // sleeps until the timer
    EXPECT_EQ(content(), "/1\n");
}

TEST_F(LogSinkTest, the_end_of_the_worker_loses_no_line) {
    {
        auto served = site("buffer=1k");
        log(*served, "/1");
    }
    EXPECT_EQ(content(), "/1\n");
}

TEST_F(LogSinkTest, lines_from_before_a_rotation_are_in_the_old_file) {
    auto served = site("buffer=1k");
    log(*served, "/old");
    std::filesystem::rename(folder_.path("a.log"), folder_.path("a.log.1"));
    ASSERT_TRUE(file(*served, "a.log").open().has_value());
    log(*served, "/new");
    served.reset();
    EXPECT_EQ(folder_.read("a.log.1"), "/old\n");
    EXPECT_EQ(content(), "/new\n");
}

TEST_F(LogSinkTest, compressed_flushes_are_members_of_one_gzip_file) {
    auto served = site("gzip=6 buffer=8");
    for (std::string_view uri : {"/1", "/2", "/3", "/4", "/5"}) log(*served, uri);
    served.reset();
    EXPECT_EQ(content().substr(0, 2), "\x1f\x8b");
    EXPECT_EQ(unpacked(folder_.path("a.log")), "/1\n/2\n/3\n/4\n/5\n");
}

TEST_F(LogSinkTest, conditions_choose_the_requests) {
    auto served = site("if=$arg_log");
    for (std::string_view uri : {"/?log=1", "/?log=0", "/?log=", "/", "/?log=00"}) log(*served, uri);
    served->turn();
    EXPECT_EQ(content(), "/?log=1\n/?log=00\n");
}

TEST_F(LogSinkTest, what_cannot_be_written_is_said_once) {
    auto served = site("", "error_log " + folder_.path("e.log") + ";");
    LogFile& access = file(*served, "a.log");
    access.adopt(Fd(open(folder_.path("a.log").c_str(), O_RDONLY | O_CLOEXEC)));
    for (int i = 0; i < 3; ++i) {
        log(*served, "/1");
        served->turn();
    }
    std::string errors = folder_.read("e.log");
    EXPECT_NE(errors.find("[alert]"), errors.npos);
    EXPECT_NE(errors.find("write() to \"" + folder_.path("a.log") + "\" failed (9: Bad file descriptor)"), errors.npos);
    EXPECT_EQ(errors.find("[alert]"), errors.rfind("[alert]"));
}

TEST_F(LogSinkTest, a_pipe_that_is_not_read_makes_nobody_wait_and_loses_nothing) {
    auto served = site("");
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    Fd reader(ends[0]);
    file(*served, "a.log").adopt(Fd(ends[1]));
    std::string sent, received;
    for (int i = 0; i < 300; ++i) {  // more than a pipe holds
        std::string uri = text::format("/{}{}", i, std::string(500, 'x'));
        log(*served, uri);
        served->turn();
        sent += uri + "\n";
    }
    std::array<char, 4096> bytes;
    while (received.size() < sent.size()) {
        ssize_t got = read(reader.get(), bytes.data(), bytes.size());
        ASSERT_GT(got, 0);
        received.append(bytes.data(), static_cast<size_t>(got));
    }
    EXPECT_EQ(received, sent);
}

TEST_F(LogSinkTest, a_path_with_variables_is_opened_by_the_worker) {
    for (std::string_view cache : {"off", "max=2", "max=2 min_uses=2 valid=1s"}) {
        SampleSite served(site_of_named_logs(cache));
        for (std::string_view uri : {"/?to=x", "/?to=y", "/?to=z", "/?to=x"}) log(served, uri);
        wait_for("x.log", "/?to=x\n/?to=x\n");
        wait_for("y.log", "/?to=y\n");
        wait_for("z.log", "/?to=z\n");
        for (std::string_view name : {"x.log", "y.log", "z.log"}) std::filesystem::remove(folder_.path(name));
    }
}

TEST_F(LogSinkTest, a_path_with_variables_is_not_written_without_a_root) {
    {
        SampleSite served(text::format("server {{ listen 1; root {}; access_log {}; }}", folder_.path("none"),
                                       folder_.path("$arg_to.log")));
        log(served, "/?to=x");
    }
    EXPECT_FALSE(std::filesystem::exists(folder_.path("x.log")));
}

TEST_F(LogSinkTest, a_cached_log_that_was_moved_away_is_opened_anew_when_it_is_looked_after) {
    SampleSite served(site_of_named_logs("max=2 valid=0"));
    log(served, "/?to=x");
    wait_for("x.log", "/?to=x\n");
    std::filesystem::rename(folder_.path("x.log"), folder_.path("x.log.1"));
    log(served, "/?to=x");
    wait_for("x.log", "/?to=x\n");
    EXPECT_EQ(folder_.read("x.log.1"), "/?to=x\n");
}

}  // namespace
}  // namespace ringx::http
