// http/connection_test.cc - conversations over real sockets, on both engines.
//
// What is answered and in which order, what is kept of what a client said while it is waited for, and how a
// conversation ends.
#include "http/connection.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <utility>

#include "t/unit/http/scene.h"

namespace ringx::http {
namespace {

using Choice = EngineSettings::Choice;

constexpr std::string_view get_small = "GET /small HTTP/1.1\r\nHost: a\r\n\r\n";

std::string configuration() {
    return "lingering_timeout 1h; lingering_time 1h;\n"
           "server { listen 8080; root " + scene_directory() + ";\n"
           "  location /now { handler now; }\n"
           "  location /later { handler later; }\n"
           "  location /echo { handler echo; client_max_body_size 1000; }\n"
           "  location /pieces { handler pieces; }\n"
           "  location /source { handler source; }\n"
           "  location /counted { handler counted; }\n"
           "  location /never { handler never; }\n"
           "}\n";
}

class Connections : public testing::TestWithParam<Choice> {
 protected:
    void SetUp() override {
        if (GetParam() == Choice::io_uring) {
            if (auto why = io_uring_unavailable()) GTEST_SKIP() << *why;
        }
        options.engine = GetParam();
    }

    Scene& open(const std::string& text = configuration()) {
        scene = std::make_unique<Scene>(text, options);
        return *scene;
    }

    // Waits for that many whole replies.
    std::vector<Reply> hear(Client& client, size_t count, const std::vector<size_t>& heads = {}) {
        auto all_are_whole = [&] {
            auto replies = replies_in(client.heard, heads);
            return replies.size() >= count && std::ranges::all_of(replies, &Reply::whole);
        };
        EXPECT_TRUE(scene->turn_until([&] { return client.over || all_are_whole(); })) << client.heard.substr(0, 2000);
        auto replies = replies_in(client.heard, heads);
        EXPECT_EQ(replies.size(), count) << client.heard.substr(0, 2000);
        replies.resize(count);
        return replies;
    }

    bool hear_the_end(Client& client) {
        return scene->turn_until([&] { return client.over; });
    }

    SceneOptions options;
    std::unique_ptr<Scene> scene;
};

TEST_P(Connections, answer_one_request_after_the_other) {
    Client& client = open().connect();
    for (int i = 0; i < 3; ++i) {
        client.heard.clear();
        client.says = get_small;
        auto replies = hear(client, 1);
        EXPECT_EQ(replies[0].status, 200);
        EXPECT_EQ(replies[0].body, "small\n");
        EXPECT_EQ(replies[0].field("Connection"), "keep-alive");
    }
}

TEST_P(Connections, read_a_head_in_pieces_of_any_size) {
    std::string says = "GET /later HTTP/1.1\r\nHost: example.com\r\nX-Long: " + std::string(300, 'x') +
                       "\r\nX-Last: 1\r\n\r\n";
    open();
    for (size_t size = 1; size <= says.size(); size = size < 8 ? size + 1 : size * 2) {
        Client& client = scene->connect(says);
        client.says_max = size;
        auto replies = hear(client, 1);
        EXPECT_EQ(replies[0].body.substr(0, 20), "GET /later HTTP/1.1\n");
        EXPECT_TRUE(replies[0].body.ends_with("\nX-Last: 1")) << size << replies[0].body;
        client.leave();
    }
}

TEST_P(Connections, answer_a_pipeline_in_order) {
    open();
    std::string says;
    const char* paths[] = {"now", "small", "later", "large", "now", "missing", "source", "pieces", "now"};
    for (const char* path : paths) says += "GET /" + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n";
    for (size_t size : {size_t{7}, size_t{100}, SIZE_MAX}) {
        Client& client = scene->connect(says);
        client.says_max = size;
        auto replies = hear(client, std::size(paths));
        for (size_t i = 0; i < std::size(paths); ++i) EXPECT_EQ(replies[i].status, i == 5 ? 404 : 200) << paths[i];
        EXPECT_EQ(replies[1].body, "small\n");
        EXPECT_TRUE(replies[3].body == large_text());
        EXPECT_TRUE(replies[6].body == "<<" + std::string(large_text().substr(1000, large_bytes - 2000)) + ">>");
        EXPECT_TRUE(replies[7].body == replies[6].body);
        client.leave();
    }
}

TEST_P(Connections, answer_a_slow_reader_who_pipelines) {
    options.send_buffer = 4096;
    open();
    std::string says;
    for (int i = 0; i < 200; ++i) says += "GET /now HTTP/1.1\r\nHost: a\r\n\r\n";
    Client& client = scene->connect(says);
    client.hears_max = 10;
    auto replies = hear(client, 200);
    for (const Reply& reply : replies) EXPECT_EQ(reply.body, "now");
}

// A head whose rest comes while earlier answers wait for the socket is not begun anew.
TEST_P(Connections, keep_a_partial_head_while_earlier_answers_are_sent) {
    options.send_buffer = 4096;
    options.buffer_bytes = 4096;
    open();
    std::string says;
    for (int i = 0; i < 60; ++i) says += "GET /now HTTP/1.1\r\nHost: a\r\n\r\n";
    says += "GET /later HTTP/1.1\r\nHost: a\r\nX-First: 1\r\nX-Se";
    Client& client = scene->connect(says);
    client.hears_max = 0;
    for (int i = 0; i < 20; ++i) scene->turn();
    client.hears_max = SIZE_MAX;
    for (int i = 0; i < 20; ++i) scene->turn();
    client.says = "cond: 2\r\n\r\n";
    auto replies = hear(client, 61);
    EXPECT_EQ(replies[60].body, "GET /later HTTP/1.1\nHost: a\nX-First: 1\nX-Second: 2");
}

TEST_P(Connections, keep_the_head_while_a_body_comes_in) {
    open();
    for (size_t size : {size_t{1}, size_t{50}, size_t{300}, SIZE_MAX}) {
        Client& client = scene->connect("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\nX-Last: 1\r\n\r\n" +
                                        std::string(900, 'b') + std::string(get_small));
        client.says_max = size;
        auto replies = hear(client, 2);
        EXPECT_EQ(replies[0].body, std::string(900, 'b') +
                                       "\nPOST /echo HTTP/1.1\nHost: a\nContent-Length: 900\nX-Last: 1");
        EXPECT_EQ(replies[1].body, "small\n");
        client.leave();
    }
}

// The first line of the log belongs to the first test that asks.
std::string new_log_lines() {
    static size_t seen = 0;
    std::ifstream file(scene_directory() + "/access.log");
    std::string text{std::istreambuf_iterator<char>(file), {}};
    return text.substr(std::exchange(seen, text.size()));
}

TEST_P(Connections, begin_a_head_in_one_generation_and_end_it_in_another) {
    open();
    Client& client = scene->connect(get_small);
    client.says_max = 2;
    for (int turns = 0; !client.says.empty(); ++turns) {
        if (turns % 5 == 4) scene->use(configuration());
        scene->turn();
    }
    EXPECT_EQ(hear(client, 1)[0].body, "small\n");
}

TEST_P(Connections, finish_in_the_generation_a_request_began_in) {
    options.send_buffer = 4096;
    open();
    Client& client = scene->connect("GET /large HTTP/1.1\r\nHost: a\r\n\r\nGET /now HTTP/1.1\r\nHost: a\r\n\r\n");
    client.hears_max = 1000;
    for (int i = 0; i < 20; ++i) scene->turn();
    scene->use("server { listen 8080; location / { return 200 new; } }");
    client.hears_max = SIZE_MAX;
    auto replies = hear(client, 2);
    EXPECT_TRUE(replies[0].body == large_text());
    EXPECT_EQ(replies[1].body, "new");
}

// An interim response in the midst of another would be read as a part of it.
TEST_P(Connections, ask_for_a_body_after_the_answers_before_it) {
    options.send_buffer = 4096;
    options.buffer_bytes = 4096;
    open();
    std::string says;
    for (int i = 0; i < 60; ++i) says += "GET /now HTTP/1.1\r\nHost: a\r\n\r\n";
    says += "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    Client& client = scene->connect(says);
    client.hears_max = 0;
    for (int i = 0; i < 20; ++i) scene->turn();
    client.hears_max = 100;
    auto replies = hear(client, 61);
    for (size_t i = 0; i < 60; ++i) EXPECT_EQ(replies[i].status, 200);
    EXPECT_EQ(replies[60].status, 100);
    client.says = "hello";
    replies = hear(client, 62);
    EXPECT_EQ(replies[61].body.substr(0, 6), "hello\n");
}

TEST_P(Connections, do_not_ask_for_a_body_that_has_begun_to_come) {
    open();
    Client& client = scene->connect("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                                    "Content-Length: 5\r\n\r\nhe");
    for (int i = 0; i < 20; ++i) scene->turn();
    client.says = "llo";
    EXPECT_EQ(hear(client, 1)[0].status, 200);
}

TEST_P(Connections, log_what_was_sent_and_no_more) {
    options.send_buffer = 4096;
    open();
    (void)new_log_lines();
    struct {
        const char* path;
        size_t hears;
    } cases[] = {{"/large", 50'000}, {"/source", 50'000}, {"/counted", 50'000}, {"/pieces", 50'000}};
    for (auto& each : cases) {
        Client& client = scene->connect("GET " + std::string(each.path) + " HTTP/1.1\r\nHost: a\r\n\r\n");
        client.hears_max = 5000;
        EXPECT_TRUE(scene->turn_until([&] { return client.heard.size() >= each.hears; }));
        client.leave();
        EXPECT_TRUE(scene->turn_until([&] { return scene->server->connections() == 0; }));
        scene->turn();
        std::istringstream line(new_log_lines());
        std::string path, completion;
        int status = 0;
        size_t bytes = 0, body_bytes = 0;
        line >> path >> status >> bytes >> body_bytes >> completion;
        EXPECT_EQ(path, each.path);
        EXPECT_EQ(status, 200);
        EXPECT_EQ(completion, "") << path;
        EXPECT_GE(bytes, client.heard.size()) << path;
        EXPECT_LT(bytes, client.heard.size() + 100'000) << path;
        EXPECT_LT(body_bytes, bytes) << path;
    }
}

TEST_P(Connections, log_each_request_once_and_in_order) {
    options.buffer_bytes = 4096;
    open();
    (void)new_log_lines();
    std::string says, want;
    for (const char* path : {"/now", "/small", "/later", "/large", "/now", "/missing", "/never"}) {
        says += "GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n";
    }
    Client& client = scene->connect(says);
    EXPECT_TRUE(hear_the_end(client));
    EXPECT_TRUE(scene->turn_until([&] { return scene->server->connections() == 0; }));
    scene->turn();
    std::istringstream lines(new_log_lines());
    std::string line, seen;
    while (std::getline(lines, line)) {
        // The path, the status, and whether it was completed.
        seen += line.substr(0, line.find(' ', line.find(' ') + 1)) + line.substr(line.rfind(' ')) + "\n";
    }
    EXPECT_EQ(seen, "/now 200 OK\n/small 200 OK\n/later 200 OK\n/large 200 OK\n/now 200 OK\n/missing 404 OK\n"
                    "/never 444 \n");
}

TEST_P(Connections, count_the_bytes_of_a_request_with_its_body) {
    std::string text = configuration();
    text.insert(text.find("server {"), "log_format length '$request_length';\n");
    text.insert(text.find("handler echo;"), "access_log " + scene_directory() + "/access.log length; ");
    open(text);
    std::string head = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 400\r\n\r\n";
    for (size_t size : {size_t{1}, size_t{100}, SIZE_MAX}) {
        (void)new_log_lines();
        Client& client = scene->connect(head + std::string(400, 'b') + std::string(get_small));
        client.says_max = size;
        hear(client, 2);
        scene->turn();
        EXPECT_EQ(new_log_lines().substr(0, 4), std::to_string(head.size() + 400) + "\n") << size;
        client.leave();
    }
}

// A close while the client is still sending would reset the connection, and take the answer away with it.
TEST_P(Connections, linger_when_the_client_may_still_be_sending) {
    options.domain = AF_INET;
    open();
    const std::string more(300'000, 'x');
    const std::string says[] = {
        "GET /now HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + more,
        "GET /now HTTP/1.1\r\nHost : a\r\n\r\n" + more,
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n" + more,
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n493e0\r\n" + more,
        "POST /now HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxxxx" + more,
    };
    for (const std::string& each : says) {
        Client& client = scene->connect(each);
        client.says_max = 5000;
        client.hears_max = 0;
        for (int i = 0; i < 80; ++i) scene->turn();
        client.hears_max = SIZE_MAX;
        EXPECT_TRUE(hear_the_end(client));
        EXPECT_EQ(client.error, 0) << each.substr(0, 80);
        EXPECT_EQ(replies_in(client.heard).size(), 1u) << each.substr(0, 80);
    }
}

TEST_P(Connections, end_after_the_answer_when_the_server_drains) {
    options.send_buffer = 4096;
    open();
    Client& busy = scene->connect("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    Client& idle = scene->connect(get_small);
    busy.hears_max = 1000;
    hear(idle, 1);
    scene->server->drain();
    EXPECT_TRUE(hear_the_end(idle));
    EXPECT_FALSE(busy.over);
    busy.hears_max = SIZE_MAX;
    EXPECT_TRUE(hear_the_end(busy));
    EXPECT_TRUE(replies_in(busy.heard)[0].body == large_text());
    Client& late = scene->connect(get_small);
    EXPECT_TRUE(hear_the_end(late));
    EXPECT_EQ(replies_in(late.heard)[0].field("Connection"), "close");
}

TEST_P(Connections, refuse_methods_that_would_make_a_tunnel_or_a_mirror) {
    open();
    for (const char* line : {"CONNECT a:80", "TRACE /now"}) {
        Client& client = scene->connect(std::string(line) + " HTTP/1.1\r\nHost: a\r\n\r\nmore");
        EXPECT_TRUE(hear_the_end(client));
        auto replies = replies_in(client.heard);
        ASSERT_EQ(replies.size(), 1u);
        EXPECT_EQ(replies[0].status, 405);
        EXPECT_EQ(replies[0].field("Connection"), "close");
    }
}

TEST_P(Connections, take_turns) {
    open();
    std::string pipeline;
    for (int i = 0; i < 900; ++i) pipeline += "GET /now HTTP/1.1\r\nHost: a\r\n\r\n";
    Client& first = scene->connect(pipeline);
    Client& second = scene->connect("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    Client& third = scene->connect(get_small);
    for (int i = 0; i < 3; ++i) scene->turn();
    EXPECT_TRUE(third.heard.ends_with("small\n"));
    EXPECT_FALSE(first.heard.size() > 100 * 900);
    EXPECT_LT(second.heard.size(), large_bytes);
    hear(first, 900);
}

// It is not lingered for.
TEST_P(Connections, a_client_that_takes_nothing_of_an_answer_that_ends_the_connection) {
    options.send_buffer = 4096;
    options.buffer_bytes = 16384;  // all of the requests, so that all answers wait together
    open("send_timeout 50ms; lingering_close always; lingering_timeout 1h; lingering_time 1h; access_log off;\n"
         "server { listen 8080; root " + scene_directory() + "; location /now { handler now; } }\n");
    std::string says;
    for (int i = 0; i < 200; ++i) says += "GET /now HTTP/1.1\r\nHost: a\r\n\r\n";
    Client& client = scene->connect(says + "GET /now HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    client.hears_max = 0;
    EXPECT_TRUE(scene->turn_until([&] { return client.says.empty() && scene->server->connections() == 0; }));
}

INSTANTIATE_TEST_SUITE_P(Engines, Connections, testing::Values(Choice::epoll, Choice::io_uring),
                         [](const auto& each) { return each.param == Choice::epoll ? "epoll" : "io_uring"; });

}  // namespace
}  // namespace ringx::http
