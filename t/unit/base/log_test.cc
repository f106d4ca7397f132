// t/unit/base/log_test.cc - the form of error log lines, and what happens to the files they go to.
//
// Every test has a folder of its own; lines are compared as whole patterns, so that a byte too many is seen.
#include "base/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/recent_errors.h"
#include "base/syslog.h"

namespace ringx {
namespace {

// The text with every number replaced by 9.
std::string masked(std::string_view text) {
    std::string out;
    for (char c : text) {
        bool digit = c >= '0' && c <= '9';
        if (!digit) out.push_back(c);
        else if (out.empty() || out.back() != '9') out.push_back('9');
    }
    return out;
}

class LogTest : public testing::Test {
 protected:
    LogTest() {
        std::string pattern = testing::TempDir() + "logXXXXXX";
        folder_ = mkdtemp(pattern.data());
    }
    ~LogTest() override { std::filesystem::remove_all(folder_); }

    std::string path(std::string_view name) const { return folder_ + "/" + std::string(name); }

    std::shared_ptr<LogFile> opened(std::string name) {
        auto file = std::make_shared<LogFile>(std::move(name));
        EXPECT_TRUE(file->open().has_value());
        return file;
    }

    static std::string content(const std::string& path) {
        std::ifstream file(path);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    std::string folder_;
};

void describe_request(const void*, LogTail& tail) {
    tail.add("client", "127.0.0.1");
    tail.quote("request", "GET /\"\n HTTP/1.1");
}

TEST_F(LogTest, lines_have_the_form_of_nginx) {
    Log log;
    log.add({opened(path("e.log")), Level::info});
    log.write(Level::notice, "start worker process {}", 7);
    log.write(Level::error, LogContext{.connection = 3, .describe = describe_request}, Error{"open", ENOENT},
              "open() \"{}\" failed", "/x");
    EXPECT_EQ(masked(content(path("e.log"))),
              "9/9/9 9:9:9 [notice] 9#9: start worker process 9\n"
              "9/9/9 9:9:9 [error] 9#9: *9 open() \"/x\" failed (9: No such file or directory), "
              "client: 9.9.9.9, request: \"GET /\"\\x9A HTTP/9.9\"\n");
}

TEST_F(LogTest, json_lines_are_objects_with_the_same_content) {
    Log log;
    log.add({opened(path("e.json")), Level::info, true});
    LogContext context{.connection = 3, .describe = describe_request};
    log.write(Level::error, context, Error{"open", ENOENT}, "\"a\\b\"\n");
    std::string line = masked(content(path("e.json")));
    size_t time_end = line.find(",\"level");
    EXPECT_TRUE(line.starts_with("{\"time\":\"9-9-9T9:9:9+9:9\"") || line.starts_with("{\"time\":\"9-9-9T9:9:9-9:9\""));
    EXPECT_EQ(line.substr(time_end),
              R"(,"level":"error","pid":9,"tid":9,"connection":9,"message":"\"a\\b\"\u9a",)"
              R"("error":"9: No such file or directory","client":"9.9.9.9",)"
              R"("request":"GET /\"\u9a HTTP/9.9"})" "\n");
}

TEST_F(LogTest, a_destination_admits_its_level_and_what_is_more_severe) {
    Log log;
    EXPECT_FALSE(log.admits(Level::emerg));
    log.add({opened(path("warn")), Level::warn});
    log.add({opened(path("debug")), Level::debug});
    log.write(Level::warn, "one");
    log.write(Level::debug, "two");
    EXPECT_EQ(content(path("warn")).find("two"), std::string::npos);
    EXPECT_NE(content(path("warn")).find("one"), std::string::npos);
    EXPECT_NE(content(path("debug")).find("two"), std::string::npos);
}

TEST_F(LogTest, a_present_level_is_in_the_place_of_all_others) {
    Log log;
    log.add({.file = opened(path("a")), .level = Level::warn, .json = false});
    log.add({.file = opened(path("b")), .level = Level::info, .json = false});
    std::atomic<uint8_t> number = 0;
    auto present = std::make_shared<PresentLevel>();
    log.obey(present);
    EXPECT_FALSE(log.admits(Level::debug));  // kept nowhere yet
    present->keep_at(number);
    EXPECT_TRUE(log.admits(Level::info));
    EXPECT_FALSE(log.admits(Level::debug));
    number = static_cast<uint8_t>(Level::debug);
    Log inner = log;  // as blocks without a log of their own have it
    inner.write(Level::debug, "much");
    number = static_cast<uint8_t>(Level::crit);
    EXPECT_FALSE(log.admits(Level::error));
    log.write(Level::error, "little");
    number = 0;
    log.write(Level::info, "usual");
    EXPECT_TRUE(content(path("a")).ends_with(": much\n"));
    EXPECT_EQ(masked(content(path("b"))), "9/9/9 9:9:9 [debug] 9#9: much\n9/9/9 9:9:9 [info] 9#9: usual\n");
}

TEST_F(LogTest, lines_are_cut_at_2048_bytes_but_keep_their_error) {
    Log log;
    log.add({opened(path("e.log")), Level::error});
    log.write(Level::error, "{}", std::string(5000, 'x'));
    EXPECT_EQ(content(path("e.log")).size(), 2048u);
    EXPECT_TRUE(content(path("e.log")).ends_with("x\n"));
    log.write(Level::error, Error{"open", ENOENT}, "{}", std::string(5000, 'x'));
    EXPECT_TRUE(content(path("e.log")).ends_with("xxx... (2: No such file or directory)\n"));
}

TEST_F(LogTest, errors_are_remembered_once_and_without_what_every_line_has) {
    auto recent = *RecentErrors::create();
    Log log;
    for (bool json : {true, false}) {
        log.add({opened(path(json ? "json" : "plain")), Level::info, json});
        log.destinations().back().file->remember_in(*recent);
    }
    log.write(Level::warn, "not worth it");
    LogContext context{.connection = 3, .describe = describe_request};
    log.write(Level::error, context, Error{"open", ENOENT}, "open() failed");
    auto lines = recent->read();
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_EQ(lines[0].level, Level::error);
    EXPECT_EQ(lines[0].text, "*3 open() failed (2: No such file or directory), client: 127.0.0.1, "
                             "request: \"GET /\"\\x0A HTTP/1.1\"");
}

TEST_F(LogTest, what_no_destination_admits_is_not_remembered) {
    auto recent = *RecentErrors::create();
    Log log;
    log.add({opened(path("e.log")), Level::crit});
    log.destinations()[0].file->remember_in(*recent);
    log.write(Level::error, "one");
    log.write(Level::crit, "two");
    ASSERT_EQ(recent->read().size(), 1u);
    EXPECT_EQ(recent->read()[0].text, "two");
}

TEST_F(LogTest, opening_anew_keeps_the_descriptor_and_finds_the_new_file) {
    auto file = opened(path("a.log"));
    int before = file->fd();
    EXPECT_GT(before, 2);
    EXPECT_TRUE(file->write("one\n").has_value());
    std::filesystem::rename(path("a.log"), path("a.log.1"));
    ASSERT_TRUE(file->open().has_value());
    EXPECT_EQ(file->fd(), before);
    EXPECT_TRUE(fcntl(before, F_GETFD) & FD_CLOEXEC);
    EXPECT_TRUE(file->write("two\n").has_value());
    EXPECT_EQ(content(path("a.log.1")), "one\n");
    EXPECT_EQ(content(path("a.log")), "two\n");
}

TEST_F(LogTest, an_adopted_descriptor_serves_everybody_who_shares_it) {
    auto file = opened(path("old"));
    LogFile sharer(path("old"));
    EXPECT_FALSE(sharer.write("lost\n").has_value());
    sharer.share(*file);
    file->adopt(Fd(open(path("new").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)));
    EXPECT_TRUE(sharer.write("here\n").has_value());
    EXPECT_EQ(content(path("old")), "");
    EXPECT_EQ(content(path("new")), "here\n");
}

TEST_F(LogTest, a_file_that_cannot_be_opened_says_why_and_the_old_one_stays) {
    LogFile missing(path("no/such/folder/e.log"));
    auto result = missing.open();
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().number, ENOENT);
    EXPECT_EQ(missing.fd(), -1);

    std::filesystem::create_directory(path("d"));
    auto file = opened(path("d/e.log"));
    std::filesystem::rename(path("d"), path("moved"));
    EXPECT_FALSE(file->open().has_value());
    EXPECT_TRUE(file->write("still\n").has_value());
    EXPECT_EQ(content(path("moved/e.log")), "still\n");
}

TEST_F(LogTest, links_are_followed_only_in_folders_of_root_and_our_own) {
    std::filesystem::create_symlink(path("target"), path("link"));
    EXPECT_TRUE(LogFile(path("link")).open().has_value());
    EXPECT_TRUE(std::filesystem::exists(path("target")));

    if (geteuid() != 0) GTEST_SKIP() << "only root can give a folder away";
    std::filesystem::create_directory(path("theirs"));
    std::filesystem::create_symlink(path("secret"), path("theirs/link"));
    ASSERT_EQ(chown(path("theirs").c_str(), 65534, 65534), 0);
    auto refused = LogFile(path("theirs/link")).open();
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().number, ELOOP);
    EXPECT_FALSE(std::filesystem::exists(path("secret")));
    EXPECT_TRUE(LogFile(path("theirs/plain")).open().has_value());
}

TEST_F(LogTest, standard_descriptors_are_never_used_although_they_are_closed) {
    Fd kept(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10));
    close(STDIN_FILENO);
    LogFile file(path("e.log"));
    bool opened = file.open().has_value();
    if (kept) dup2(kept.get(), STDIN_FILENO);
    EXPECT_TRUE(opened);
    EXPECT_GT(file.fd(), 2);
}

TEST_F(LogTest, standard_error_is_written_under_a_number_of_our_own) {
    LogFile file("stderr");
    EXPECT_FALSE(file.is_file());
    ASSERT_TRUE(file.open().has_value());
    EXPECT_GT(file.fd(), 2);
}

class SyslogServer {
 public:
    explicit SyslogServer(const std::string& path) : socket_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        unlink(path.c_str());
        EXPECT_EQ(bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    }

    std::string receive() {
        std::array<char, 4096> bytes;
        ssize_t got = recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        return got < 0 ? "" : std::string(bytes.data(), static_cast<size_t>(got));
    }

 private:
    Fd socket_;
};

TEST_F(LogTest, syslog_records_are_framed_as_nginx_does) {
    SyslogServer server(path("socket"));
    auto file = opened("syslog:server=unix:" + path("socket") + ",facility=local0,tag=web,nohostname");
    EXPECT_FALSE(file->is_file());
    ASSERT_TRUE(file->write("an access\n").has_value());
    std::string access = server.receive();
    EXPECT_TRUE(access.starts_with("<134>")) << access;
    EXPECT_EQ(masked(access.substr(10)), "9 9:9:9 web: an access");

    Log log;
    log.add({opened("syslog:server=unix:" + path("socket")), Level::error});
    log.write(Level::crit, "an error");
    std::string error = server.receive();
    EXPECT_TRUE(error.starts_with("<186>")) << error;
    EXPECT_EQ(masked(error.substr(error.find(" nginx: "))), " nginx: 9/9/9 9:9:9 [crit] 9#9: an error");
}

TEST_F(LogTest, a_syslog_server_may_start_later_and_may_start_anew) {
    auto file = opened("syslog:server=unix:" + path("socket"));
    EXPECT_FALSE(file->write("lost\n").has_value());
    for (int round = 0; round < 2; ++round) {
        SyslogServer server(path("socket"));
        ASSERT_TRUE(file->write("found\n").has_value());
        EXPECT_TRUE(server.receive().ends_with("nginx: found"));
    }
}

TEST(Syslog, refuses_bad_parameters_in_the_words_of_nginx) {
    struct {
        std::string_view parameters, sentence;
    } cases[] = {
        {"server=127.0.0.1", ""},
        {"server=[::1]:5140,severity=warn,facility=auth,tag=a_1,nohostname", ""},
        {"server=unix:/dev/log", ""},
        {"tag=x", "no syslog server specified"},
        {"server=a,server=b", "duplicate syslog \"server\""},
        {"server=:514", "no host in syslog server \":514\""},
        {"server=a:0", "invalid port in syslog server \"a:0\""},
        {"server=a:65536", "invalid port in syslog server \"a:65536\""},
        {"server=unix:", "no path in the unix domain socket in syslog server \"unix:\""},
        {"server=a,facility=x", "unknown syslog facility \"x\""},
        {"server=a,severity=x", "unknown syslog severity \"x\""},
        {"server=a,tag=x-y", "syslog \"tag\" only allows alphanumeric characters and underscore"},
        {"server=a,tag=123456789012345678901234567890123", "syslog tag length exceeds 32"},
        {"server=a,tag=x,tag=y", "duplicate syslog \"tag\""},
        {"server=a,hostname", "unknown syslog parameter \"hostname\""},
    };
    for (auto& c : cases) {
        auto target = parse_syslog(c.parameters);
        EXPECT_EQ(target ? "" : target.error(), c.sentence) << c.parameters;
    }
}

}  // namespace
}  // namespace ringx
