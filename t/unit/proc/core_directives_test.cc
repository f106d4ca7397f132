// t/unit/proc/core_directives_test.cc - the main context and `events`, from text to settings.
//
// Only the sections of this room and of the logs are part of the language, as in a server without protocols.
#include <gtest/gtest.h>

#include "net/error_log.h"
#include "proc/core_settings.h"
#include "proc/resources.h"

namespace ringx::proc {
namespace {

const conf::Language& language() {
    static const conf::Section sections[] = {core_section, events_section, log_files_section, error_log_section};
    static const conf::Language language(sections);
    return language;
}

struct Loaded {
    conf::Bundle bundle = conf::Bundle::in_memory();
    conf::Tree tree;

    explicit Loaded(std::string_view text) {
        bundle.add("/p/server.conf", std::string(text));
        tree = conf::load(language(), bundle, {.conf_path = "/p/server.conf", .prefix = "/p/", .globals = ""});
    }
    std::string first_mistake() const { return tree.mistakes().empty() ? "" : tree.mistakes()[0].sentence; }
};

TEST(CoreDirectives, an_empty_configuration_lacks_events) {
    EXPECT_EQ(Loaded("").first_mistake(), "no \"events\" section in configuration");
}

TEST(CoreDirectives, defaults_are_those_of_nginx) {
    Loaded loaded("events {}");
    ASSERT_FALSE(loaded.tree.failed()) << loaded.first_mistake();
    const CoreSettings& core = core_of(loaded.tree);
    EXPECT_TRUE(*core.daemon && *core.master_process);
    EXPECT_EQ(core.worker_processes->number, 1u);
    EXPECT_EQ(*events_of(loaded.tree).worker_connections, 512u);
    EXPECT_EQ(engine_settings(loaded.tree).choice, EngineSettings::Choice::automatic);
}

TEST(CoreDirectives, every_value_finds_its_place) {
    Loaded loaded(
        "daemon off; master_process off; pid run/server.pid; worker_processes 3; worker_cpu_affinity 01 10;\n"
        "worker_priority -5; worker_rlimit_core 1g; worker_rlimit_nofile 4096; worker_shutdown_timeout 10s;\n"
        "working_directory cores; env TZ; env A=b; thread_pool default threads=7 max_queue=10;\n"
        "timer_resolution 100ms; pcre_jit on; lock_file x; debug_points stop;\n"
        "events { worker_connections 99; use epoll; uring_entries 256 cq=4096; uring_recv_buffers 64 8k;\n"
        "         uring_sqpoll on idle=20ms cpu=1; uring_napi 50us prefer; uring_submit_interval 0;\n"
        "         multi_accept on; accept_mutex off; accept_mutex_delay 1s; worker_aio_requests 32;\n"
        "         debug_connection 127.0.0.1; stall_threshold 100ms; }");
    ASSERT_FALSE(loaded.tree.failed()) << loaded.first_mistake();
    const CoreSettings& core = core_of(loaded.tree);
    EXPECT_FALSE(*core.daemon || *core.master_process);
    EXPECT_EQ(*core.pid, "/p/run/server.pid");
    EXPECT_EQ(core.worker_processes->number, 3u);
    EXPECT_EQ(core.worker_cpu_affinity->masks, (std::vector<Cpus>{{0}, {1}}));
    EXPECT_EQ(*core.worker_priority, -5);
    EXPECT_EQ(core.worker_rlimit_core->bytes, uint64_t{1} << 30);
    EXPECT_EQ(*core.worker_rlimit_nofile, 4096u);
    EXPECT_EQ(core.worker_shutdown_timeout->count(), 10'000);
    EXPECT_EQ(*core.working_directory, "/p/cores");
    EXPECT_EQ(core.env.size(), 2u);

    EngineSettings want;
    want.choice = EngineSettings::Choice::epoll;
    want.sq_entries = 256;
    want.cq_entries = 4096;
    want.receive_buffers = 64;
    want.receive_buffer_bytes = 8192;
    want.sqpoll = true;
    want.sqpoll_idle_ms = 20;
    want.sqpoll_cpu = 1;
    want.napi_busy_us = 50;
    want.napi_prefer = true;
    want.submit_interval_us = 0;
    want.file_threads = 7;
    EXPECT_EQ(engine_settings(loaded.tree), want);
    EXPECT_FALSE(loaded.tree.notes().empty()) << "what has no effect is noted";
}

TEST(CoreDirectives, pid_off_is_no_file) {
    Loaded loaded("pid off; events {}");
    EXPECT_EQ(*core_of(loaded.tree).pid, "");
}

TEST(CoreDirectives, what_is_wrong_is_said) {
    struct {
        std::string_view text;
        std::string_view sentence;
    } cases[] = {
        {"daemon maybe;", "invalid value \"maybe\" in \"daemon\" directive, it must be \"on\" or \"off\""},
        {"daemon on; daemon off;", "\"daemon\" directive is duplicate"},
        {"pid a; pid b;", "\"pid\" directive is duplicate"},
        {"events {} events {}", "\"events\" directive is duplicate"},
        {"worker_processes 0;", "\"worker_processes\" directive invalid value"},
        {"worker_processes many;", "\"worker_processes\" directive invalid value"},
        {"worker_cpu_affinity 012;", "invalid character \"2\" in \"worker_cpu_affinity\""},
        {"worker_cpu_affinity auto 1 1;", "invalid number of arguments in \"worker_cpu_affinity\" directive"},
        {"thread_pool x thread=1;", "\"thread_pool\" must have \"threads\" parameter"},
        {"thread_pool x max_queue=1;", "\"thread_pool\" must have \"threads\" parameter"},
        {"load_module modules/x.so;", "\"load_module\" directive is not supported"},
        {"worker_connections 1;", "\"worker_connections\" directive is not allowed here"},
        {"events { use nothing; }", "invalid value \"nothing\" in \"use\" directive"},
        {"events { uring_entries 1024 sq=1; }", "invalid parameter \"sq=1\""},
    };
    for (auto& c : cases) EXPECT_EQ(Loaded(c.text).first_mistake(), c.sentence) << c.text;
}

}  // namespace
}  // namespace ringx::proc
