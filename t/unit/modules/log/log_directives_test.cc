// t/unit/modules/log/log_directives_test.cc - which logs a location has, by what its access_log lines say.
//
// Only what was read is looked at: no file is opened.
#include "modules/log/log_directives.h"

#include <gtest/gtest.h>

#include "base/format.h"
#include "build.h"
#include "net/error_log.h"
#include "t/unit/http/sample_site.h"

namespace ringx::http {
namespace {

// "/p/a 4096/1000/1, /p/$host": files with buffer, flush time and level, or paths.
std::string shown(const LogSettings& settings) {
    if (!settings.is_on()) return "off";
    std::string text;
    for (const AccessLog* log : settings.logs) {
        if (!text.empty()) text += ", ";
        text += log->file != nullptr ? log->file->name() : "variable";
        if (log->condition) text += " if";
        if (log->buffering == nullptr || *log->buffering == LogBuffering()) continue;
        text += text::format(" {}/{}/{}", log->buffering->bytes, log->buffering->flush_ms, log->buffering->gzip_level);
    }
    return text;
}

std::string default_log() {
    std::string_view path = RINGX_HTTP_LOG_PATH;
    return text::format("{}{}", path.starts_with('/') ? "" : "/p/", path);
}

TEST(AccessLog, parameters_are_read) {
    struct {
        std::string_view text;
        std::string want;
    } cases[] = {
        {"", default_log()},
        {"access_log a;", "/p/a"},
        {"access_log /a combined;", "/a"},
        {"access_log /a COMBINED;", "/a"},
        {"access_log off;", "off"},
        {"access_log a; access_log off;", "off"},
        {"access_log a; access_log b;", "/p/a, /p/b"},
        {"access_log a combined buffer=8k flush=5s;", "/p/a 8192/5000/0"},
        {"access_log a combined gzip;", "/p/a 65536/0/1"},
        {"access_log a combined gzip=9 buffer=4k flush=1m;", "/p/a 4096/60000/9"},
        {"access_log a combined buffer=8k; access_log a;", "/p/a 8192/0/0, /p/a 8192/0/0"},
        {"access_log a combined if=$host;", "/p/a if"},
        {"access_log logs/$host.log;", "variable"},
        {"access_log syslog:server=127.0.0.1;", "syslog:server=127.0.0.1"},
        {"access_log stderr;", "stderr"},
    };
    for (auto& c : cases) {
        SampleSite site("server { listen 1; " + std::string(c.text) + " }");
        ASSERT_EQ(site.mistakes(), std::vector<std::string>()) << c.text;
        EXPECT_EQ(shown(log_settings.in(*site.request().block)), c.want) << c.text;
    }
}

TEST(AccessLog, an_inner_block_replaces_all_or_none) {
    SampleSite site(
        "access_log a; access_log b; server { access_log off; } "
        "server { listen 1; location /c { access_log c; location /c/off { access_log off; } } location /d { } }");
    struct {
        std::string_view path, want;
    } cases[] = {{"/", "/p/a, /p/b"}, {"/c", "/p/c"}, {"/c/off", "off"}, {"/d", "/p/a, /p/b"}};
    for (auto& c : cases) {
        Request& request = site.request("GET " + std::string(c.path) + " HTTP/1.1\nHost: a\n\n");
        EXPECT_EQ(shown(log_settings.in(*request.block)), c.want) << c.path;
    }
}

TEST(AccessLog, the_default_is_made_only_where_it_is_needed) {
    SampleSite with("server { listen 1; access_log off; }");
    for (const auto& file : log_files.in(with.tree().root()).all()) EXPECT_NE(file->name(), default_log());
    SampleSite without("server { listen 1; } server { listen 2; }");
    EXPECT_EQ(log_files.in(without.tree().root()).all().size(), 2u);  // and the error log
}

TEST(AccessLog, refuses_what_nginx_refuses) {
    struct {
        std::string_view text, sentence;
    } cases[] = {
        {"access_log off combined;", "invalid parameter \"combined\""},
        {"access_log a none;", "unknown log format \"none\""},
        {"access_log a combined buffer=0;", "invalid buffer size \"0\""},
        {"access_log a combined buffer=x;", "invalid buffer size \"x\""},
        {"access_log a combined buffer=4k flush=0;", "invalid flush time \"0\""},
        {"access_log a combined gzip=0;", "invalid compression level \"0\""},
        {"access_log a combined gzip=10;", "invalid compression level \"10\""},
        {"access_log a combined zip;", "invalid parameter \"zip\""},
        {"access_log a combined if=$none;", "unknown \"none\" variable"},
        {"access_log a combined flush=1s;", "no buffer is defined for access_log \"a\""},
        {"access_log $host combined buffer=4k;", "buffered logs cannot have variables in name"},
        {"access_log syslog:server=a combined buffer=4k;", "logs to syslog cannot be buffered"},
        {"access_log syslog:tag=a;", "no syslog server specified"},
        {"access_log a combined buffer=4k; access_log a combined buffer=8k;",
         "access_log \"a\" already defined with conflicting parameters"},
        {"access_log;", "invalid number of arguments in \"access_log\" directive"},
        {"open_log_file_cache inactive=1s;", "\"open_log_file_cache\" must have \"max\" parameter"},
        {"open_log_file_cache max=x;", "invalid \"open_log_file_cache\" parameter \"max=x\""},
        {"open_log_file_cache max=1; open_log_file_cache max=2;", "\"open_log_file_cache\" directive is duplicate"},
    };
    for (auto& c : cases) {
        SampleSite site("server { listen 1; " + std::string(c.text) + " }");
        EXPECT_EQ(site.mistakes(), std::vector<std::string>{std::string(c.sentence)}) << c.text;
    }
}

}  // namespace
}  // namespace ringx::http
