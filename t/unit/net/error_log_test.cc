// t/unit/net/error_log_test.cc - which log a block writes to, by what its error_log lines say.
//
// Configurations are bundles in memory; no file is opened.
#include "net/error_log.h"

#include <gtest/gtest.h>

#include "base/format.h"
#include "build.h"
#include "conf/load.h"

namespace ringx {
namespace {

void open_block(struct Blocks&, conf::Binding& binding);

struct Blocks {};
constinit conf::Slot<Blocks> blocks;
constexpr conf::Directive rows[] = {
    conf::block<&open_block>("http", conf::main, {0, 0}, "A block within."),
    conf::block<&open_block>("server", conf::http, {0, 0}, "A block within that."),
};
const conf::Section blocks_section{"blocks", rows, &blocks};

void open_block(Blocks&, conf::Binding& binding) {
    binding.enter(binding.name() == "http" ? conf::http : conf::server);
}

struct Loaded {
    explicit Loaded(std::string_view text, std::string_view default_log = {})
        : language(std::array{error_log_section, log_files_section, blocks_section}), bundle(conf::Bundle::in_memory()),
          tree(load(text, default_log)) {}

    conf::Tree load(std::string_view text, std::string_view default_log) {
        bundle.add("/p/conf/a.conf", std::string(text));
        if (!default_log.empty()) bundle.add(default_error_log_path, std::string(default_log));
        return conf::load(language, bundle, {.conf_path = "/p/conf/a.conf", .prefix = "/p/", .globals = {}});
    }

    conf::Language language;
    conf::Bundle bundle;
    conf::Tree tree;
};

// "/p/a error, stderr debug json"
std::string shown(const Log& log) {
    std::string text;
    for (const Log::Destination& d : log.destinations()) {
        text += text::format("{}{} {}{}", text.empty() ? "" : ", ", d.file->name(), level_name(d.level),
                             d.json ? " json" : "");
    }
    return text;
}

std::string default_destination() {
    std::string_view path = RINGX_ERROR_LOG_PATH;
    return text::format("{}{} error", path.starts_with('/') ? "" : "/p/", path);
}

TEST(ErrorLog, destinations_are_read_with_level_and_form) {
    struct {
        std::string_view text;
        std::string want;
    } cases[] = {
        {"", default_destination()},
        {"error_log a;", "/p/a error"},
        {"error_log /a debug;", "/a debug"},
        {"error_log a debug_http debug_core;", "/p/a debug"},
        {"error_log stderr info json;", "stderr info json"},
        {"error_log a json; error_log b crit;", "/p/a error json, /p/b crit"},
        {"error_log syslog:server=127.0.0.1 warn;", "syslog:server=127.0.0.1 warn, " + default_destination()},
    };
    for (auto& c : cases) EXPECT_EQ(shown(error_log(Loaded(c.text).tree.root())), c.want) << c.text;
}

TEST(ErrorLog, all_of_a_configuration_are_known_once) {
    Loaded loaded("error_log a; http { error_log b info; server { error_log a; } server { error_log a crit; } }");
    Log all;
    for (const Log::Destination& one : log_files.in(loaded.tree.root()).error_logs()) all.add(one);
    EXPECT_EQ(shown(all), "/p/a error, /p/b info, /p/a crit");
    Loaded silent("");
    ASSERT_EQ(log_files.in(silent.tree.root()).error_logs().size(), 1u);
}

TEST(ErrorLog, a_present_level_reaches_the_logs_of_all_blocks) {
    Loaded loaded("error_log a crit; http { error_log b crit; server { } }");
    std::atomic<uint8_t> number = static_cast<uint8_t>(Level::debug);
    log_files.in(loaded.tree.root()).present_level()->keep_at(number);
    const conf::Block& http = *loaded.tree.root().inner()[0];
    const Log* logs[] = {&error_log(loaded.tree.root()), &error_log(http), &error_log(*http.inner()[0])};
    for (const Log* log : logs) EXPECT_TRUE(log->admits(Level::debug));
    number = 0;
    for (const Log* log : logs) EXPECT_FALSE(log->admits(Level::error));
}

TEST(ErrorLog, the_default_can_be_named_from_outside) {
    EXPECT_EQ(shown(error_log(Loaded("", "e.log").tree.root())), "/p/e.log error");
    EXPECT_EQ(shown(error_log(Loaded("", "stderr").tree.root())), "stderr error");
    EXPECT_EQ(shown(error_log(Loaded("error_log a;", "e.log").tree.root())), "/p/a error");
}

TEST(ErrorLog, an_inner_block_replaces_all_destinations_or_none) {
    Loaded loaded("error_log a; error_log b; http { server { error_log c; } server { } }");
    const conf::Block& http = *loaded.tree.root().inner()[0];
    EXPECT_EQ(shown(error_log(http)), "/p/a error, /p/b error");
    EXPECT_EQ(shown(error_log(*http.inner()[0])), "/p/c error");
    EXPECT_EQ(shown(error_log(*http.inner()[1])), "/p/a error, /p/b error");
    EXPECT_EQ(log_files.in(loaded.tree.root()).all().size(), 3u);
}

TEST(ErrorLog, the_same_name_is_the_same_file) {
    Loaded loaded("error_log a; error_log /p/a debug; http { error_log a info; }");
    EXPECT_EQ(log_files.in(loaded.tree.root()).all().size(), 1u);
}

TEST(ErrorLog, refuses_what_it_cannot_be) {
    struct {
        std::string_view text, sentence;
    } cases[] = {
        {"error_log a fast;", "invalid log level \"fast\" in /p/conf/a.conf:1"},
        {"error_log a info debug;", "duplicate log level \"debug\" in /p/conf/a.conf:1"},
        {"error_log memory:1k;", "invalid buffer size \"1k\" in /p/conf/a.conf:1"},
        {"error_log memory:;", "invalid buffer size \"\" in /p/conf/a.conf:1"},
        {"error_log memory:1mm;", "invalid buffer size \"1mm\" in /p/conf/a.conf:1"},
        {"error_log memory:99999999999999999999;", "invalid buffer size \"99999999999999999999\" in /p/conf/a.conf:1"},
        {"error_log syslog:tag=a;", "no syslog server specified in /p/conf/a.conf:1"},
        {"error_log;", "invalid number of arguments in \"error_log\" directive in /p/conf/a.conf:1"},
    };
    for (auto& c : cases) {
        Loaded loaded(c.text);
        ASSERT_EQ(loaded.tree.mistakes().size(), 1u) << c.text;
        EXPECT_EQ(loaded.tree.mistakes()[0].line(), c.sentence);
    }
}

TEST(ErrorLog, open_files_go_on_into_the_next_generation) {
    std::string path = testing::TempDir() + "error_log_test.log";
    std::string text = text::format("error_log {}; error_log stderr;", path);
    Loaded before(text), after(text);
    const LogFiles& old = log_files.in(before.tree.root());
    LogFiles& fresh = log_files.in(after.tree.root());
    ASSERT_TRUE(old.all()[0]->open().has_value());
    fresh.take_over(old);
    EXPECT_EQ(fresh.all()[0]->fd(), old.all()[0]->fd());
    EXPECT_EQ(fresh.all()[1]->fd(), -1);
    unlink(path.c_str());
}

}  // namespace
}  // namespace ringx
