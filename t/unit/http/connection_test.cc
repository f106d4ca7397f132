// http/connection_test.cc - conversations over real sockets, on both engines.
//
// What is answered and in which order, what is kept of what a client said while it is waited for, and how a
// conversation ends.
#include "http/connection.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>

#include "t/unit/http/scene.h"

namespace ringx::http {
namespace {

using Choice = EngineSettings::Choice;

constexpr std::string_view get_small = "GET /small HTTP/1.1\r\nHost: a\r\n\r\n";

std::string configuration() {
    return "lingering_timeout 50ms; lingering_time 200ms;\n"
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

INSTANTIATE_TEST_SUITE_P(Engines, Connections, testing::Values(Choice::epoll, Choice::io_uring),
                         [](const auto& each) { return each.param == Choice::epoll ? "epoll" : "io_uring"; });

}  // namespace
}  // namespace ringx::http
