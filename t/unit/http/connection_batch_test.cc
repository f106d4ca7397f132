// http/connection_batch_test.cc - answers that are to leave with those of other connections, and do not.
//
// The engine takes each answer, lets some of its first bytes go and tells of the rest: the client hears all of it
// nevertheless, in order, whatever it says or does meanwhile.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <string>

#include "t/unit/http/scene.h"

namespace ringx::http {
namespace {

constexpr std::string_view get_now = "GET /now HTTP/1.1\r\nHost: a\r\n\r\n";

// So many bytes.
std::string get_now_of(size_t bytes) {
    std::string text = "GET /now HTTP/1.1\r\nHost: a\r\nX-Padding: ";
    constexpr std::string_view end = "\r\n\r\n";
    return text.append(bytes - text.size() - end.size(), 'x').append(end);
}

std::string configuration() {
    return "lingering_timeout 1h; lingering_time 1h; access_log off;\n"
           "server { listen 8080; root " + scene_directory() + ";\n"
           "  location /now { handler now; }\n"
           "  location /slow { handler now; tcp_nodelay off; }\n"
           "  location /later { handler later; }\n"
           "  location /silent { return 444; }\n"
           "  location /echo { handler echo; }\n"
           "  location /hold { handler hold; }\n"
           "}\n";
}

// How many bytes of each answer leave.
class Batches : public testing::TestWithParam<size_t> {
 protected:
    void SetUp() override {
        options.batch_bytes = GetParam();
        options.buffer_bytes = 4096;
    }

    Scene& open() {
        scene = std::make_unique<Scene>(configuration(), options);
        return *scene;
    }

    bool hear(Client& client, size_t count) {
        bool heard = scene->turn_until([&] {
            auto replies = replies_in(client.heard);
            return replies.size() >= count && std::ranges::all_of(replies, &Reply::whole);
        });
        auto replies = replies_in(client.heard);
        EXPECT_EQ(replies.size(), count) << client.heard.substr(0, 2000);
        EXPECT_TRUE(std::ranges::all_of(replies, [](const Reply& reply) { return reply.status == 200; }));
        return heard;
    }
    bool hear_the_end(Client& client) {
        return scene->turn_until([&] { return client.over; });
    }

    SceneOptions options;
    std::unique_ptr<Scene> scene;
};

TEST_P(Batches, one_request_after_the_other) {
    Client& client = open().connect();
    for (size_t i = 1; i <= 5; ++i) {
        client.says = get_now;
        EXPECT_TRUE(hear(client, i));
    }
    EXPECT_GE(scene->engine->taken(), 5u);
}

TEST_P(Batches, requests_that_come_before_the_rest_has_left) {
    options.send_buffer = 4096;
    Client& client = open().connect();
    client.hears_max = 30;
    std::string says;
    for (int i = 0; i < 20; ++i) says += get_now;
    says += "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 300\r\n\r\n" + std::string(300, 'b');
    says += "GET /later HTTP/1.1\r\nHost: a\r\n\r\n";
    for (int i = 0; i < 20; ++i) says += get_now;
    client.says = says;
    client.says_max = 20;
    EXPECT_TRUE(hear(client, 42));
    EXPECT_GE(scene->engine->taken(), 10u);
}

TEST_P(Batches, an_option_of_the_socket_that_changes_in_between) {
    options.domain = AF_INET;
    Client& client = open().connect();
    for (size_t i = 1; i <= 6; ++i) {
        client.says = i % 2 == 0 ? std::string(get_now) : "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n";
        EXPECT_TRUE(hear(client, i));
    }
}

TEST_P(Batches, a_client_that_says_no_more) {
    options.send_buffer = 4096;
    Client& client = open().connect(get_now);
    client.hears_max = 0;
    for (int i = 0; i < 3; ++i) scene->turn();
    EXPECT_EQ(scene->engine->taken(), 1u);
    shutdown(client.socket.get(), SHUT_WR);
    for (int i = 0; i < 3; ++i) scene->turn();
    client.hears_max = SIZE_MAX;
    EXPECT_TRUE(hear_the_end(client));
    EXPECT_EQ(client.error, 0);
    EXPECT_TRUE(hear(client, 1));
}

TEST_P(Batches, a_client_that_sent_its_request_and_its_end_at_once) {
    Client& client = open().connect();
    std::string_view says = get_now;
    ASSERT_EQ(send(client.socket.get(), says.data(), says.size(), 0), static_cast<ssize_t>(says.size()));
    shutdown(client.socket.get(), SHUT_WR);
    EXPECT_TRUE(hear_the_end(client));
    EXPECT_TRUE(hear(client, 1));
}

TEST_P(Batches, a_server_that_leaves) {
    Client& client = open().connect(get_now);
    client.hears_max = 0;
    for (int i = 0; i < 2; ++i) scene->turn();
    EXPECT_EQ(scene->engine->taken(), 1u);
    scene->server->drain();
    client.hears_max = SIZE_MAX;
    EXPECT_TRUE(hear_the_end(client));
    EXPECT_EQ(client.error, 0);
    EXPECT_TRUE(hear(client, 1));
}

TEST_P(Batches, a_head_whose_rest_comes_later) {
    Client& client = open().connect(std::string(get_now) + "GET /later HTTP/1.1\r\nHo");
    EXPECT_TRUE(hear(client, 1));
    EXPECT_GE(scene->engine->taken(), 1u);
    client.says = "st: a\r\n\r\n";
    EXPECT_TRUE(hear(client, 2));
    EXPECT_EQ(replies_in(client.heard)[1].body, "GET /later HTTP/1.1\nHost: a");
}

// Reading the body is not disturbed.
TEST_P(Batches, a_body_that_is_passed_over_meanwhile) {
    Client& client = open().connect("POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 300\r\n\r\nb");
    for (int i = 0; i < 5; ++i) scene->turn();
    EXPECT_EQ(scene->engine->taken(), 1u);
    client.says = std::string(299, 'b') + std::string(get_now);
    EXPECT_TRUE(hear(client, 2));
}

// Answered from a buffer of its own, so that what follows is another.
TEST_P(Batches, a_request_behind_it_in_the_same_turn_that_closes) {
    Client& client = open().connect(get_now);
    EXPECT_TRUE(hear(client, 1));
    client.says = get_now_of(options.buffer_bytes) + "GET /silent HTTP/1.1\r\nHost: a\r\n\r\n";
    EXPECT_TRUE(hear_the_end(client));
    EXPECT_TRUE(hear(client, 2));
}

TEST_P(Batches, a_request_behind_it_in_the_same_turn_whose_body_is_awaited) {
    for (std::string path : {"/echo", "/hold"}) {
        Client& client = open().connect(get_now);
        EXPECT_TRUE(hear(client, 1));
        client.says = get_now_of(options.buffer_bytes) + "POST " + path + " HTTP/1.1\r\nHost: a\r\n"
                      "Content-Length: 300\r\n\r\n" + std::string(100, 'b');
        for (int i = 0; i < 5; ++i) scene->turn();
        client.says = std::string(200, 'b') + std::string(get_now);
        EXPECT_TRUE(hear(client, 4)) << path;
    }
}

TEST_P(Batches, a_connection_that_has_failed) {
    Client& client = open().connect(get_now);
    scene->engine->batch_error = ECONNRESET;
    EXPECT_TRUE(hear_the_end(client));
    EXPECT_EQ(client.heard.size(), GetParam());
    EXPECT_TRUE(scene->turn_until([&] { return scene->server->connections() == 0; }));
}

INSTANTIATE_TEST_SUITE_P(Bytes, Batches, testing::Values(0, 1, 60), testing::PrintToStringParamName());

}  // namespace
}  // namespace ringx::http
