// http/request_body_test.cc - bodies that are held: in memory, in a file, read twice, refused, cut off.
//
// The handler `hold` of scene_site.h answers with what it held, twice, and with where that was. Whatever happens, no
// file stays unless the configuration says so.
#include "http/request_body.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "t/unit/http/scene.h"

namespace ringx::http {
namespace {

using Choice = EngineSettings::Choice;

std::string temp_directory() { return scene_directory() + "/bodies"; }

std::string configuration() {
    return "client_body_temp_path " + temp_directory() + " 1 2; client_body_buffer_size 1000;\n"
           "client_body_timeout 1h; lingering_timeout 1h; lingering_time 1h;\n"
           "server { listen 8080; root " + scene_directory() + ";\n"
           "  location /hold { handler hold; }\n"
           "  location /kept { handler hold; client_body_in_file_only on; }\n"
           "  location /clean { handler hold; client_body_in_file_only clean; }\n"
           "  location /small { handler hold; client_max_body_size 3000; }\n"
           "  location /nowhere { handler hold; client_body_temp_path " + scene_directory() + "/absent; }\n"
           "  location /late { handler hold; client_body_timeout 50ms; }\n"
           "  location /now { handler now; }\n"
           "}\n";
}

std::string text_of(size_t bytes) {
    std::string text;
    for (uint64_t i = 0; text.size() < bytes; ++i) text += std::to_string(i * 2654435761u);
    return text.substr(0, bytes);
}

std::string with_length(std::string_view target, const std::string& body) {
    return "POST " + std::string(target) + " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

std::string in_chunks(std::string_view target, std::string_view body) {
    std::string text = "POST " + std::string(target) + " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (; !body.empty(); body.remove_prefix(std::min<size_t>(77, body.size()))) {
        auto part = body.substr(0, 77);
        char size[8];
        snprintf(size, sizeof size, "%zx\r\n", part.size());
        text.append(size).append(part).append("\r\n");
    }
    return text + "0\r\n\r\n";
}

size_t files_left() {
    size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(temp_directory())) {
        count += entry.is_regular_file();
    }
    return count;
}

class HeldBodies : public testing::TestWithParam<Choice> {
 protected:
    void SetUp() override {
        if (GetParam() == Choice::io_uring) {
            if (auto why = io_uring_unavailable()) GTEST_SKIP() << *why;
        }
        std::filesystem::remove_all(temp_directory());
        std::filesystem::create_directory(temp_directory());
        scene = std::make_unique<Scene>(configuration(), SceneOptions{.engine = GetParam()});
    }

    Reply ask(std::string says, size_t says_max = SIZE_MAX) {
        Client& client = scene->connect(std::move(says));
        client.says_max = says_max;
        auto is_answered = [&] {
            auto replies = replies_in(client.heard);
            return !replies.empty() && replies[0].whole;
        };
        EXPECT_TRUE(scene->turn_until([&] { return client.over || is_answered(); }));
        auto replies = replies_in(client.heard);
        EXPECT_EQ(replies.size(), 1u);
        replies.resize(1);
        return replies[0];
    }

    std::unique_ptr<Scene> scene;
};

TEST_P(HeldBodies, come_back_whole_whatever_their_size) {
    for (size_t bytes : {1, 999, 1000, 1001, 1250, 1251, 5000, 200'000}) {
        std::string body = text_of(bytes);
        for (bool chunked : {false, true}) {
            std::string want = body + "|" + body + "|";
            Reply reply = ask(chunked ? in_chunks("/hold", body) : with_length("/hold", body));
            EXPECT_EQ(reply.status, 200);
            bool in_memory = chunked ? bytes <= 1000 : bytes <= 1250;
            EXPECT_TRUE(reply.body.starts_with(want)) << bytes;
            EXPECT_EQ(reply.body.substr(want.size(), 4), in_memory ? "memo" : "file") << bytes << chunked;
        }
    }
    EXPECT_TRUE(scene->turn_until([] { return files_left() == 0; }));
}

TEST_P(HeldBodies, come_in_pieces_of_any_size) {
    std::string body = text_of(3000);
    for (size_t size : {1, 7, 250, 1000}) {
        EXPECT_TRUE(ask(with_length("/hold", body), size).body.starts_with(body + "|" + body + "|file")) << size;
    }
}

TEST_P(HeldBodies, stay_in_files_where_that_is_wanted) {
    for (std::string body : {std::string(), text_of(10), text_of(2000)}) {
        Reply reply = ask(with_length("/kept", body));
        std::string path = reply.body.substr(reply.body.rfind(' ') + 1);
        std::ifstream file(path);
        ASSERT_TRUE(file) << reply.body.substr(0, 200);
        EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), body);
        struct stat status;
        ASSERT_EQ(stat(path.c_str(), &status), 0);
        EXPECT_EQ(status.st_mode & 0777, 0600u);
        // "DIRECTORY/4/23/0000000234"
        std::string number = path.substr(path.size() - 10);
        EXPECT_EQ(path, temp_directory() + "/" + number.substr(9) + "/" + number.substr(7, 2) + "/" + number);
    }
    EXPECT_EQ(files_left(), 3u);
}

TEST_P(HeldBodies, leave_no_file_where_that_is_wanted) {
    EXPECT_NE(ask(with_length("/clean", text_of(10))).body.find("file "), std::string::npos);
    EXPECT_TRUE(scene->turn_until([] { return files_left() == 0; }));
}

TEST_P(HeldBodies, have_the_statuses_of_nginx_when_they_fail) {
    struct { std::string says; int status; } cases[] = {
        {with_length("/small", text_of(3001)), 413},
        {in_chunks("/small", text_of(3001)), 413},
        {with_length("/late", text_of(10)).substr(0, 60), 408},
        {"POST /hold HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400},
        {with_length("/nowhere", text_of(2000)), 500},
    };
    for (auto& c : cases) EXPECT_EQ(ask(c.says).status, c.status) << c.says.substr(0, 80);
    EXPECT_TRUE(scene->turn_until([] { return files_left() == 0; }));
}

TEST_P(HeldBodies, end_with_a_client_that_leaves) {
    Client& client = scene->connect(with_length("/hold", text_of(5000)).substr(0, 3000));
    EXPECT_TRUE(scene->turn_until([&] { return client.says.empty(); }));
    client.leave();
    EXPECT_EQ(ask("POST /now HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
    EXPECT_TRUE(scene->turn_until([] { return files_left() == 0; }));
}

TEST_P(HeldBodies, are_asked_for_when_the_client_waits) {
    Client& client = scene->connect("POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
                                    "Expect: 100-continue\r\n\r\n");
    EXPECT_TRUE(scene->turn_until([&] { return client.heard == "HTTP/1.1 100 Continue\r\n\r\n"; }));
    client.heard.clear();
    client.says = "hello";
    EXPECT_TRUE(scene->turn_until([&] { return client.heard.ends_with("hello|hello|memory"); })) << client.heard;
}

INSTANTIATE_TEST_SUITE_P(, HeldBodies, testing::Values(Choice::epoll, Choice::io_uring),
                         [](const auto& choice) { return choice.param == Choice::epoll ? "epoll" : "io_uring"; });

}  // namespace
}  // namespace ringx::http
