// http/connection_faults_test.cc - every operation of a conversation fails, and the server leaves in every turn of it.
//
// A script is what a client says, and how. It is played undisturbed once, then again with the n-th operation (or the
// n-th answer of the engine) failing, for each n until there is none, and with end() or drain() in the n-th turn. What
// the client then hears is a part of what it would have heard, or an error page; afterwards nothing is left in flight,
// and the next client is served as if nothing had happened.
#include <gtest/gtest.h>

#include <cerrno>
#include <functional>

#include "t/unit/http/scene.h"

namespace ringx::http {
namespace {

using Choice = EngineSettings::Choice;

struct Script {
    const char* name;
    std::string says;
    size_t replies;
    size_t says_max = SIZE_MAX;
    size_t hears_max = SIZE_MAX;
};

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
};

class Faults : public testing::TestWithParam<Case> {
 protected:
    void SetUp() override {
        if (GetParam().engine == Choice::io_uring) {
            if (auto why = io_uring_unavailable()) GTEST_SKIP() << *why;
        }
        scene = std::make_unique<Scene>(configuration(), options());
        expected = play();
        EXPECT_EQ(replies_in(expected).size(), script.replies) << expected.substr(0, 2000);
    }

    SceneOptions options() const {
        SceneOptions all;
        all.engine = GetParam().engine;
        all.send_buffer = script.hears_max == SIZE_MAX ? 0 : 16384;
        return all;
    }

    // Plays the script; `in_turn` is called before each turn with its number. Gives what the client heard.
    std::string play(const std::function<void(size_t)>& in_turn = {}) {
        Client& client = scene->connect(script.says);
        client.says_max = script.says_max;
        client.hears_max = script.hears_max;
        size_t turns = 0;
        bool ended = scene->turn_until([&] {
            if (in_turn) in_turn(++turns);
            return client.over || has_all(client);
        });
        EXPECT_TRUE(ended) << "the client hears nothing more, and no end";
        std::string heard = without_dates(client.heard);
        client.leave();
        EXPECT_TRUE(scene->turn_until([&] { return scene->server->connections() == 0; }));
        return heard;
    }

    bool has_all(const Client& client) const {
        if (!expected.empty()) return client.heard.size() >= expected.size() && client.says.empty();
        auto replies = replies_in(client.heard);
        return replies.size() >= script.replies && replies.back().whole && client.says.empty();
    }

    // A part of what was expected, or after some of it an error page.
    void check(const std::string& heard) {
        if (expected.starts_with(heard)) return;
        size_t same = 0;
        for (const Reply& reply : replies_in(heard)) {
            std::string whole = reply.head + "\r\n\r\n" + reply.body;
            if (expected.compare(same, whole.size(), whole) == 0) {
                same += whole.size();
                continue;
            }
            EXPECT_GE(reply.status, 400) << reply.head << "\n" << reply.body.substr(0, 200);
        }
    }

    void check_next_client() {
        Client& next = scene->connect(get("/small"));
        ASSERT_TRUE(scene->turn_until([&] { return next.heard.ends_with("small\n"); })) << next.heard;
        EXPECT_EQ(replies_in(next.heard).size(), 1u) << next.heard;
        next.leave();
    }

    const Script& script = *GetParam().script;
    std::unique_ptr<Scene> scene;
    std::string expected;  // what the client hears when nothing fails
};

TEST_P(Faults, each_operation_fails) {
    for (int error : {ECONNRESET, ECANCELED, ENOBUFS, ETIMEDOUT}) {
        for (size_t n = 1;; ++n) {
            SCOPED_TRACE("operation " + std::to_string(n) + " fails with " + std::to_string(error));
            scene->restart();
            scene->engine->fail_operation(n, error);
            std::string heard = play();
            bool unharmed = scene->engine->faults() == 0;
            scene->engine->heal();
            if (unharmed) {
                EXPECT_EQ(heard, expected);
            }
            check(heard);
            check_next_client();
            if (unharmed || HasFailure()) break;
        }
    }
}

TEST_P(Faults, each_answer_fails) {
    // No operation that has received bytes ends as cancelled.
    for (int error : {ECONNRESET, ENOBUFS, ETIMEDOUT}) {
        for (size_t n = 1;; ++n) {
            SCOPED_TRACE("answer " + std::to_string(n) + " fails with " + std::to_string(error));
            scene->restart();
            scene->engine->fail_answer(n, error);
            std::string heard = play();
            bool unharmed = scene->engine->faults() == 0;
            scene->engine->heal();
            if (unharmed) {
                EXPECT_EQ(heard, expected);
            }
            check(heard);
            check_next_client();
            if (unharmed || HasFailure()) break;
        }
    }
}

TEST_P(Faults, the_server_ends_in_each_turn) {
    for (size_t n = 1;; ++n) {
        SCOPED_TRACE("turn " + std::to_string(n));
        scene->restart();
        bool ended = false;
        std::string heard = play([&](size_t turn) {
            if (turn != n) return;
            ended = true;
            scene->server->end();
        });
        EXPECT_TRUE(expected.starts_with(heard));
        if (!ended || HasFailure()) break;
    }
}

TEST_P(Faults, the_server_drains_in_each_turn) {
    for (size_t n = 1;; ++n) {
        SCOPED_TRACE("turn " + std::to_string(n));
        scene->restart();
        bool drained = false;
        std::string heard = play([&](size_t turn) {
            if (turn != n) return;
            drained = true;
            scene->server->drain();
        });
        if (!drained) {
            EXPECT_EQ(heard, expected);
        }
        for (const Reply& reply : replies_in(heard)) EXPECT_TRUE(reply.whole) << reply.head;
        if (!drained || HasFailure()) break;
    }
}

std::vector<Case> cases() {
    std::vector<Case> all;
    for (const Script& script : scripts) {
        all.push_back({Choice::epoll, &script});
        all.push_back({Choice::io_uring, &script});
    }
    return all;
}

INSTANTIATE_TEST_SUITE_P(Scenes, Faults, testing::ValuesIn(cases()), [](const auto& each) {
    return std::string(each.param.engine == Choice::epoll ? "epoll_" : "io_uring_") + each.param.script->name;
});

}  // namespace
}  // namespace ringx::http
