// http/exchange_faults_test.cc - every operation of an exchange fails, and everybody leaves in every turn of it.
//
// Each script goes through proxy_pass to an origin of the scene; once more so that 20 bytes of what may leave with the
// batch do, and the rest does not. Whatever has happened, afterwards no peer is busy, nobody waits for one, the idle
// connections are those the origin has, nothing of a request or an answer is left on them, and the next requests are
// answered rightly and whole.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>

#include "t/unit/http/fault_rounds.h"
#include "t/unit/http/origin.h"

namespace ringx::http {
namespace {

using Choice = EngineSettings::Choice;
using When = Act::When;
using Then = Act::Then;

constexpr std::string_view small = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsmall\n";

std::string get(const std::string& path, std::string_view method = "GET") {
    return std::string(method) + " " + path + " HTTP/1.1\r\nHost: a\r\n\r\n";
}

std::string post(const std::string& path, size_t bytes, std::string_view fields = {}) {
    return "POST " + path + " HTTP/1.1\r\nHost: a\r\n" + std::string(fields) +
           "Content-Length: " + std::to_string(bytes) + "\r\n\r\n" + std::string(bytes, 'b');
}

std::string post_chunked(const std::string& path, int chunks) {
    std::string text = "POST " + path + " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (int i = 0; i < chunks; ++i) text += "3e8\r\n" + std::string(1000, 'b') + "\r\n";
    return text + "0\r\n\r\n";
}

std::string upgrade(const std::string& path) {
    return "GET " + path + " HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nfrom the client";
}

constexpr size_t large = 40'000;
std::string large_body() { return std::string(large_text().substr(0, large)); }
std::string with_length(const std::string& fields, const std::string& body) {
    return "HTTP/1.1 200 OK\r\n" + fields + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string in_chunks(const std::string& body) {
    std::string text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (size_t at = 0; at < body.size(); at += 1500) {
        std::string chunk = body.substr(at, 1500);
        text.append(ChunkHead(chunk.size()).text()).append(chunk).append("\r\n");
    }
    return text + "0\r\n\r\n";
}

void prepare(Origin& origin) {
    const std::string body = large_body();
    origin.on("small", {{std::string(small)}});
    origin.on("other", {{with_length("", "another one\n")}});
    origin.on("head", {{"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"}});
    origin.on("chunked", {{in_chunks(body.substr(0, 8000))}});
    origin.on("large", {{with_length("", body)}});
    origin.on("until_close", {{.says = "HTTP/1.1 200 OK\r\n\r\n" + body.substr(0, 9000), .then = Then::closes}});
    origin.on("hints", {{.says = "HTTP/1.1 100 Continue\r\n\r\n", .when = When::head},
                        {.says = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", .when = When::head},
                        {std::string(small)}});
    origin.on("early", {{.says = std::string(small), .when = When::head}});
    origin.on("early_end", {{.says = std::string(small), .when = When::head, .then = Then::closes}});
    origin.on("nothing", {{.then = Then::closes}});
    origin.on("reset", {{.when = When::head, .then = Then::closes}});
    origin.on("half_a_head", {{.says = "HTTP/1.1 200 OK\r\nConte", .then = Then::closes}});
    origin.on("half_a_body", {{.says = with_length("", body).substr(0, 5000), .then = Then::closes}});
    origin.on("half_a_chunk", {{.says = in_chunks(body).substr(0, 5000), .then = Then::closes}});
    origin.on("garbage", {{"what do you want\r\n\r\n"}});
    origin.on("too_much", {{std::string(small) + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"}});
    origin.on("fickle", {{std::string(small)}}, {{.when = When::head, .then = Then::closes}});
    origin.on("fickle_post", {{"HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n"}},
              {{.when = When::head, .then = Then::closes}});
    origin.on("last", {{.says = std::string(small), .then = Then::closes}});
    origin.on("upgrade", {{.says = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"
                                   "from the origin, ",
                           .then = Then::echoes}});
    origin.on("accel", {{with_length("X-Accel-Redirect: /small\r\n", "not this")}});
    origin.on("accel_large", {{with_length("X-Accel-Redirect: /small\r\n", body)}});
    std::string missing = with_length("", body);
    origin.on("missing", {{missing.replace(0, missing.find('\r'), "HTTP/1.1 404 Not Found")}});
}

struct ExchangeScript {
    Script script;
    uint32_t buffer_bytes = 2048;
    size_t origin_hears_max = SIZE_MAX;
    size_t origin_says_max = SIZE_MAX;
};

constexpr size_t at_once = SIZE_MAX;

const ExchangeScript scripts[] = {
    {{"a_small_answer", get("/p/small"), 1}},
    {{"a_small_answer_in_pieces", get("/p/small"), 1}, 256, at_once, 11},
    {{"requests_over_one_connection", get("/p/small") + get("/p/other") + get("/p/chunked"), 3}},
    {{"an_answer_to_head", get("/p/head", "HEAD") + get("/p/small"), 2, at_once, at_once, {0}}},
    {{"a_chunked_answer", get("/p/chunked"), 1, at_once, 3000}},
    {{"a_chunked_answer_as_it_comes", get("/direct/chunked"), 1, at_once, 3000}, 2048, at_once, 900},
    {{"an_answer_until_the_end", get("/p/until_close"), 1}},
    {{"a_large_answer_kept_in_memory", get("/p/large"), 1, at_once, 5000}},
    {{"a_large_answer_kept_in_a_file", get("/file/large") + get("/p/small"), 2, at_once, 5000}},
    {{"a_large_answer_not_kept", get("/little/large"), 1, at_once, 5000}},
    {{"a_large_answer_as_it_comes", get("/direct/large") + get("/p/small"), 2, at_once, 5000}, 2048, at_once, 7000},
    {{"an_answer_for_whoever_leaves", get("/patient/large"), 1, at_once, 5000}},
    {{"an_answer_that_is_stored", get("/store/large"), 1}},
    {{"a_body", post("/p/small", 900) + get("/p/small"), 2, 300}},
    {{"a_body_in_a_file", post("/p/small", 9000), 1}, 2048, 3000},
    {{"a_body_as_it_comes", post("/stream/small", 9000) + get("/p/small"), 2, 2500}, 2048, 1000},
    {{"a_chunked_body", post_chunked("/p/small", 3), 1}},
    {{"a_chunked_body_as_it_comes", post_chunked("/stream/small", 6) + get("/p/small"), 2, 2500}, 2048, 1000},
    {{"an_answer_before_the_body", post("/stream/early", 9000) + get("/p/small"), 2, 2500}, 2048, 700},
    {{"an_answer_and_an_end_before_the_body", post("/stream/early_end", 9000), 1, 2500}, 2048, 700},
    {{"an_answer_before_the_held_body", post("/p/early", 9000) + get("/p/small"), 2}, 2048, 700},
    {{"interim_answers", post("/p/hints", 300) + get("/p/small"), 2}},
    {{"interim_answers_in_pieces", post("/p/hints", 300, "Expect: 100-continue\r\n"), 1}, 256, at_once, 17},
    {{"an_origin_that_says_nothing", get("/p/nothing") + get("/p/small"), 2}},
    {{"an_origin_that_resets", post("/stream/reset", 9000), 1, 2500}, 2048, 700},
    {{"half_a_head", get("/p/half_a_head"), 1}},
    {{"half_a_body", get("/p/half_a_body"), 1}},
    {{"half_a_body_as_it_comes", get("/direct/half_a_body"), 1}},
    {{"half_a_chunk", get("/p/half_a_chunk"), 1}},
    {{"garbage", get("/p/garbage") + get("/p/small"), 2}},
    {{"more_than_was_asked_for", get("/p/too_much") + get("/p/small"), 2}},
    {{"a_connection_that_is_closed_when_used", get("/p/small") + get("/p/fickle") + get("/p/small"), 3}},
    {{"a_connection_that_is_closed_after_use", get("/p/last") + get("/p/last") + get("/p/small"), 3}},
    {{"a_post_over_a_connection_that_is_closed", get("/p/small") + post("/p/fickle_post", 50), 2}},
    {{"another_peer_after_a_failure", get("/pair/small") + get("/pair/small"), 2}},
    {{"another_peer_for_a_body", post("/retry/small", 9000), 1}, 2048, 3000},
    {{"a_queue", get("/narrow/other"), 1, at_once, at_once, {}, {}, get("/narrow/small")}, 2048, at_once, 20},
    {{"an_upgrade", upgrade("/upgrade/upgrade"), 1, at_once, at_once, {}, "from the origin, from the client"},
     256, 20, 40},
    {{"tls", get("/tls/small") + get("/tls/large"), 2, at_once, 5000}},
    {{"tls_for_a_body", post_chunked("/tls_stream/small", 6), 1, 2500}, 2048, 1000, 300},
    {{"an_answer_from_elsewhere", get("/p/accel") + get("/p/small"), 2}},
    {{"a_large_answer_from_elsewhere", get("/p/accel_large") + get("/p/small"), 2}},
    {{"a_page_for_an_error", get("/own/missing") + get("/p/small"), 2}},
    {{"a_subrequest_first", get("/guarded/other"), 1}},
};

std::string configuration() {
    const std::string directory = scene_directory();
    // Nothing of what is played waits for any of these times.
    return "lingering_timeout 1h; lingering_time 1h; send_timeout 1h; client_header_timeout 1h;\n"
           "client_body_timeout 1h; keepalive_timeout 1h;\n"
           "proxy_connect_timeout 1h; proxy_send_timeout 1h; proxy_read_timeout 1h; proxy_socket_sndbuf 4k;\n"
           "proxy_temp_path " + directory + "; client_body_temp_path " + directory + "; client_body_buffer_size 4k;\n"
           "proxy_buffers 16 4k; early_hints 1;\n"
           "upstream plain { server unix:" + directory + "/plain max_fails=0; }\n"
           "upstream secure { server unix:" + directory + "/secure max_fails=0; }\n"
           "upstream pair { server unix:" + directory + "/nobody max_fails=0;\n"
           "    server unix:" + directory + "/plain max_fails=0; }\n"
           "upstream narrow { server unix:" + directory + "/plain max_fails=0 max_conns=1; queue 2 timeout=1h; }\n"
           "server { listen 8080; root " + directory + ";\n"
           "  location = /small { }\n"
           "  location = /peers { handler peers; }\n"
           "  location /p/ { proxy_pass http://plain; }\n"
           "  location /file/ { proxy_pass http://plain; proxy_buffers 2 4k; }\n"
           "  location /little/ { proxy_pass http://plain; proxy_buffers 2 4k; proxy_max_temp_file_size 0; }\n"
           "  location /direct/ { proxy_pass http://plain; proxy_buffering off; }\n"
           "  location /patient/ { proxy_pass http://plain; proxy_ignore_client_abort on; }\n"
           "  location /store/ { proxy_pass http://plain; proxy_store " + directory + "/stored; }\n"
           "  location /stream/ { proxy_pass http://plain; proxy_request_buffering off; }\n"
           "  location /pair/ { proxy_pass http://pair; }\n"
           "  location /retry/ { proxy_pass http://pair; proxy_next_upstream error non_idempotent; }\n"
           "  location /narrow/ { proxy_pass http://narrow; }\n"
           "  location /upgrade/ { proxy_pass http://plain; proxy_set_header Upgrade $http_upgrade;\n"
           "    proxy_set_header Connection upgrade; }\n"
           "  location /tls/ { proxy_pass https://secure; }\n"
           "  location /tls_stream/ { proxy_pass https://secure; proxy_request_buffering off; }\n"
           "  location /own/ { proxy_pass http://plain; proxy_intercept_errors on; error_page 404 /small; }\n"
           "  location /guarded/ { auth_request /p/small; proxy_pass http://plain; }\n"
           "}\n";
}

struct Case {
    Choice engine;
    const ExchangeScript* script;
    std::optional<size_t> batch_bytes = {};
};

class ExchangeFaults : public testing::TestWithParam<Case> {
 protected:
    void SetUp() override {
        if (GetParam().engine == Choice::io_uring) {
            if (auto why = io_uring_unavailable()) GTEST_SKIP() << *why;
        }
        const ExchangeScript& all = *GetParam().script;
        for (Origin* origin : {&plain, &secure}) {
            prepare(*origin);
            origin->hears_max = all.origin_hears_max;
            origin->says_max = all.origin_says_max;
        }
        SceneOptions options;
        options.engine = GetParam().engine;
        options.batch_bytes = GetParam().batch_bytes;
        options.buffer_bytes = all.buffer_bytes;
        options.send_buffer = all.script.hears_max == SIZE_MAX ? 0 : 8192;
        scene = std::make_unique<Scene>(configuration(), options);
        scene->join([this] {
            plain.turn();
            secure.turn();
        });
        rounds = std::make_unique<FaultRounds>(*scene, all.script, [this] { check_afterwards(); });
        if (all.script.last.empty()) {
            auto replies = rounds->replies(rounds->expected());
            auto is_final = [](const Reply& reply) { return reply.status >= 200; };
            EXPECT_EQ(std::ranges::count_if(replies, is_final), all.script.replies) << rounds->expected();
        }
    }

    // What a client hears that asks for this, and leaves.
    std::string ask(const std::string& path) {
        Client& client = scene->connect(get(path));
        EXPECT_TRUE(scene->turn_until([&] {
            auto replies = replies_in(client.heard);
            return !replies.empty() && replies.back().whole;
        })) << client.heard;
        auto replies = replies_in(client.heard);
        EXPECT_EQ(replies.size(), 1u) << client.heard;
        client.leave();
        return replies.empty() ? "" : replies[0].body;
    }

    // Closes are noticed by and by, on either side.
    void check_afterwards() {
        for (const char* group : {"plain", "secure", "pair", "narrow"}) {
            std::string nothing = group == std::string("pair") ? "busy: 0 0, waiting: 0" : "busy: 0, waiting: 0";
            std::string all = ask(std::string("/peers?") + group);
            EXPECT_TRUE(all.starts_with(nothing)) << group << ": " << all;
        }
        std::string idle;
        auto is_as_known = [&] {
            std::string known = ask("/peers?plain");
            idle = known.substr(known.rfind(' ') + 1);
            return idle == std::to_string(plain.connections() + secure.connections());
        };
        for (int tries = 0; tries < 100 && !is_as_known(); ++tries) scene->turn();
        EXPECT_TRUE(is_as_known()) << idle << " idle connections, the origins have " << plain.connections() << " and "
                                   << secure.connections();
        EXPECT_TRUE(plain.is_idle() && secure.is_idle());
        for (int time = 0; time < 2; ++time) EXPECT_EQ(ask("/p/small"), "small\n");
    }

    void check_drained(const std::string& heard) {
        if (!GetParam().script->script.last.empty()) return rounds->check_part(heard);
        auto replies = rounds->replies(heard), expected = rounds->replies(rounds->expected());
        ASSERT_LE(replies.size(), expected.size());
        for (size_t i = 0; i < replies.size(); ++i) {
            EXPECT_EQ(replies[i].status, expected[i].status);
            EXPECT_EQ(replies[i].body, expected[i].body);
        }
    }

    Origin plain{scene_directory() + "/plain"};
    Origin secure{scene_directory() + "/secure", Origin::Speaks::tls};
    std::unique_ptr<Scene> scene;
    std::unique_ptr<FaultRounds> rounds;
};

TEST_P(ExchangeFaults, each_operation_fails) {
    rounds->each_operation_fails({ECONNRESET, ECANCELED, ENOBUFS, ETIMEDOUT});
}

// No operation that has received bytes ends as cancelled.
TEST_P(ExchangeFaults, each_answer_fails) { rounds->each_answer_fails({ECONNRESET, ETIMEDOUT}); }

TEST_P(ExchangeFaults, the_client_leaves_in_each_turn) {
    rounds->in_each_turn([](Client& client) { client.leave(); },
                         [this](const std::string& heard) { rounds->check_part(heard); });
}

TEST_P(ExchangeFaults, the_server_ends_in_each_turn) {
    rounds->in_each_turn([this](Client&) { scene->server->end(); },
                         [this](const std::string& heard) {
                             EXPECT_TRUE(rounds->expected().starts_with(heard)) << heard;
                             scene->restart();
                         });
}

// What was begun is done, as if nobody left.
TEST_P(ExchangeFaults, the_server_drains_in_each_turn) {
    rounds->in_each_turn([this](Client&) { scene->server->drain(); },
                         [this](const std::string& heard) {
                             check_drained(heard);
                             scene->restart();
                         });
}

std::vector<Case> cases() {
    std::vector<Case> all;
    for (const ExchangeScript& script : scripts) {
        all.push_back({Choice::epoll, &script});
        all.push_back({Choice::io_uring, &script});
        all.push_back({Choice::io_uring, &script, 20});
    }
    return all;
}

INSTANTIATE_TEST_SUITE_P(Scenes, ExchangeFaults, testing::ValuesIn(cases()), [](const auto& each) {
    std::string_view engine = each.param.engine == Choice::epoll ? "epoll_" : "io_uring_";
    std::string_view batch = each.param.batch_bytes ? "batch_" : "";
    return std::string(engine).append(batch).append(each.param.script->script.name);
});

class ExchangeBatch : public ExchangeFaults {};

// What goes to the origin, a request that has no body and no TLS around it, and what comes from it, a small answer.
TEST_P(ExchangeBatch, requests_and_answers_may_leave_with_others) {
    const size_t before = scene->engine->taken();
    EXPECT_EQ(ask("/p/small"), "small\n");
    EXPECT_EQ(scene->engine->taken(), before + 2);
    EXPECT_EQ(ask("/tls/small"), "small\n");
    EXPECT_EQ(scene->engine->taken(), before + 3);
}

INSTANTIATE_TEST_SUITE_P(Scene, ExchangeBatch, testing::Values(Case{Choice::io_uring, &scripts[0], 20}));

}  // namespace
}  // namespace ringx::http
