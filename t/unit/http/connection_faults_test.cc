// http/connection_faults_test.cc - every operation of a conversation fails, and the server leaves in every turn of it.
//
// What the client then hears is a part of what it would have heard, or an error page; afterwards nothing is left in
// flight, and the next client is served as if nothing had happened. All of it once more with answers of which the first
// bytes leave with the batch, and the rest does not.
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

#include "t/unit/http/fault_rounds.h"

namespace ringx::http {
namespace {

using Choice = EngineSettings::Choice;

std::string get(const std::string& path) { return "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n"; }

std::string repeated(const std::string& text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) all += text;
    return all;
}

const Script scripts[] = {
    {"one_get", get("/small"), 1},
    {"a_head_in_pieces", get("/small"), 1, 5},
    {"pipelined_gets", get("/small") + get("/now") + get("/large") + get("/now"), 4},
    {"pipelined_gets_of_a_slow_reader", repeated(get("/now"), 100), 100, SIZE_MAX, 900},
    {"a_file_to_a_slow_reader", get("/large"), 1, SIZE_MAX, 100'000},
    {"pieces_to_a_slow_reader", get("/pieces"), 1, SIZE_MAX, 200'000},
    {"a_source_to_a_slow_reader", get("/source"), 1, SIZE_MAX, 200'000},
    {"a_post_with_a_body",
     "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n" + std::string(900, 'b') + get("/now"), 2, 300},
    {"a_chunked_body",
     "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
         repeated("12c\r\n" + std::string(300, 'c') + "\r\n", 3) + "0\r\n\r\n" + get("/now"), 2, 111},
    {"a_body_that_is_held",
     "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n" + std::string(900, 'b') + get("/now"), 2, 300},
    {"a_body_nobody_reads",
     "POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n" + std::string(900, 'b') + get("/now"), 2, 100},
    {"a_body_that_is_malformed",
     "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n12c\r\n" + std::string(300, 'c') + "!!" +
         std::string(500, '!'), 1, 111},
    {"a_malformed_body_nobody_reads",
     "POST /now HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc!!" + std::string(500, '!'), 1},
    {"an_error_page", get("/never-there"), 1},
    {"a_head_that_is_refused", "GET / HTTP/1.1\r\nHost : a\r\n\r\n" + std::string(500, 'x'), 1},
    {"a_handler_that_answers_later", get("/later") + get("/later") + get("/now"), 3},
    {"a_close_without_an_answer", get("/now") + get("/never"), 1},
};

std::string configuration() {
    // Nothing of what is played waits for any of these.
    return "lingering_timeout 1h; lingering_time 1h; send_timeout 1h; client_header_timeout 1h;\n"
           "client_body_timeout 1h; keepalive_timeout 1h;\n"
           "server { listen 8080; root " + scene_directory() + ";\n"
           "  error_page 404 /small;\n"
           "  location /now { handler now; }\n"
           "  location /later { handler later; }\n"
           "  location /echo { handler echo; }\n"
           "  location /hold { handler hold; client_body_buffer_size 500; client_body_temp_path " + scene_directory() +
           "; }\n"
           "  location /pieces { handler pieces; }\n"
           "  location /source { handler source; }\n"
           "  location /never { handler never; }\n"
           "  location /never-there { }\n"
           "}\n";
}

struct Case {
    Choice engine;
    const Script* script;
    std::optional<size_t> batch_bytes = {};
};

class Faults : public testing::TestWithParam<Case> {
 protected:
    void SetUp() override {
        if (GetParam().engine == Choice::io_uring) {
            if (auto why = io_uring_unavailable()) GTEST_SKIP() << *why;
        }
        SceneOptions options;
        options.engine = GetParam().engine;
        options.batch_bytes = GetParam().batch_bytes;
        options.send_buffer = script.hears_max == SIZE_MAX ? 0 : 16384;
        scene = std::make_unique<Scene>(configuration(), options);
        rounds = std::make_unique<FaultRounds>(*scene, script, [this] { check_next_client(); });
        EXPECT_EQ(rounds->replies(rounds->expected()).size(), script.replies) << rounds->expected().substr(0, 2000);
    }

    void check_next_client() {
        Client& next = scene->connect(get("/small"));
        ASSERT_TRUE(scene->turn_until([&] { return next.heard.ends_with("small\n"); })) << next.heard;
        EXPECT_EQ(replies_in(next.heard).size(), 1u) << next.heard;
        next.leave();
    }

    const Script& script = *GetParam().script;
    std::unique_ptr<Scene> scene;
    std::unique_ptr<FaultRounds> rounds;
};

TEST_P(Faults, each_operation_fails) { rounds->each_operation_fails({ECONNRESET, ECANCELED, ENOBUFS, ETIMEDOUT}); }

// No operation that has received bytes ends as cancelled.
TEST_P(Faults, each_answer_fails) { rounds->each_answer_fails({ECONNRESET, ENOBUFS, ETIMEDOUT}); }

TEST_P(Faults, the_server_ends_in_each_turn) {
    rounds->in_each_turn([this](Client&) { scene->server->end(); },
                         [this](const std::string& heard) {
                             EXPECT_TRUE(rounds->expected().starts_with(heard));
                             scene->restart();
                         });
}

TEST_P(Faults, the_server_drains_in_each_turn) {
    rounds->in_each_turn([this](Client&) { scene->server->drain(); },
                         [this](const std::string& heard) {
                             for (const Reply& reply : rounds->replies(heard)) EXPECT_TRUE(reply.whole) << reply.head;
                             scene->restart();
                         });
}

std::vector<Case> cases() {
    std::vector<Case> all;
    for (const Script& script : scripts) {
        all.push_back({Choice::epoll, &script});
        all.push_back({Choice::io_uring, &script});
        all.push_back({Choice::io_uring, &script, 20});
    }
    return all;
}

INSTANTIATE_TEST_SUITE_P(Scenes, Faults, testing::ValuesIn(cases()), [](const auto& each) {
    std::string_view engine = each.param.engine == Choice::epoll ? "epoll_" : "io_uring_";
    std::string_view batch = each.param.batch_bytes ? "batch_" : "";
    return std::string(engine).append(batch).append(each.param.script->name);
});

}  // namespace
}  // namespace ringx::http
