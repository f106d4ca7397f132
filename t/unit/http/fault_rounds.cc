#include "t/unit/http/fault_rounds.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace ringx::http {
namespace {

bool hears_reply(const Client& client) {
    auto replies = replies_in(client.heard);
    return client.over || !client.socket || (!replies.empty() && replies.back().whole);
}

std::string text_of(const Reply& reply) { return reply.head + "\r\n\r\n" + reply.body; }

// Each reply is the one that was expected in its place, the last one perhaps a part of it, or an error page. What comes
// before answers may be missing.
void check_part(const std::string& heard, const std::string& expected, const std::vector<size_t>& heads,
                bool is_http = true) {
    if (expected.starts_with(heard)) return;
    auto wanted = is_http ? replies_in(expected, heads) : std::vector<Reply>(1);
    auto next = wanted.begin();
    for (const Reply& reply : replies_in(heard, heads)) {
        while (is_http && next != wanted.end() && next->status < 200 && reply.status != next->status) ++next;
        ASSERT_NE(next, wanted.end()) << text_of(reply).substr(0, 500);
        bool is_part = text_of(*next).starts_with(text_of(reply));
        EXPECT_TRUE(is_part || reply.status >= 400) << text_of(reply).substr(0, 500);
        ++next;
    }
}

}  // namespace

FaultRounds::FaultRounds(Scene& scene, const Script& script, std::function<void()> afterwards)
    : scene_(scene), script_(script), afterwards_(std::move(afterwards)) {
    expected_ = play();
}

// Plays the script; `in_turn` is called before each turn. Gives what the client heard.
std::string FaultRounds::play(const What& in_turn) {
    Client* other = script_.besides.empty() ? nullptr : &scene_.connect(script_.besides);
    Client& client = scene_.connect(script_.says);
    client.says_max = script_.says_max;
    client.hears_max = script_.hears_max;
    bool ended = scene_.turn_until([&] {
        if (in_turn) in_turn(client);
        return has_all(client) && (other == nullptr || hears_reply(*other));
    });
    EXPECT_TRUE(ended) << "the client hears nothing more, and no end; it has heard " << client.heard.substr(0, 500)
                       << "\nand not said " << client.says.substr(0, 500);
    std::string heard = without_dates(client.heard);
    if (other != nullptr) {
        for (const Reply& reply : replies_in(other->heard)) {
            if (expected_.empty()) expected_besides_ = reply.body;
            EXPECT_TRUE(reply.status >= 400 || expected_besides_.starts_with(reply.body)) << other->heard;
        }
        other->leave();
    }
    client.leave();
    EXPECT_TRUE(scene_.turn_until([&] { return scene_.server->connections() == 0; })) << "a connection stays";
    return heard;
}

bool FaultRounds::has_all(const Client& client) const {
    if (client.over || !client.socket) return true;
    if (!client.says.empty()) return false;
    std::string heard = without_dates(client.heard);
    if (!expected_.empty() && expected_.starts_with(heard)) return heard.size() == expected_.size();
    if (expected_.empty() && !script_.last.empty()) return heard.ends_with(script_.last);
    auto all = replies(heard);
    auto finals = std::ranges::count_if(all, [](const Reply& reply) { return reply.status >= 200; });
    return static_cast<size_t>(finals) >= script_.replies && all.back().whole;
}

void FaultRounds::check_part(const std::string& heard) const {
    http::check_part(heard, expected_, script_.heads, script_.last.empty());
}

void FaultRounds::each_fails(const char* what, Fail fail, std::initializer_list<int> errors) {
    for (int error : errors) {
        for (size_t n = 1;; ++n) {
            SCOPED_TRACE(std::string(what) + " " + std::to_string(n) + " fails with " + std::to_string(error));
            scene_.restart();
            (scene_.engine->*fail)(n, error);
            std::string heard = play();
            bool unharmed = scene_.engine->faults() == 0;
            scene_.engine->heal();
            if (unharmed) {
                EXPECT_EQ(heard, expected_);
            }
            check_part(heard);
            afterwards_();
            if (unharmed || testing::Test::HasFailure()) break;
        }
    }
}

void FaultRounds::each_operation_fails(std::initializer_list<int> errors) {
    each_fails("operation", &FaultyEngine::fail_operation, errors);
}

void FaultRounds::each_answer_fails(std::initializer_list<int> errors) {
    each_fails("answer", &FaultyEngine::fail_answer, errors);
}

void FaultRounds::in_each_turn(const What& what, const Check& check) {
    for (size_t n = 1;; ++n) {
        SCOPED_TRACE("turn " + std::to_string(n));
        scene_.restart();
        size_t turns = 0, done = 0;
        bool has_happened = false;
        std::string heard = play([&](Client& client) {
            size_t doings = scene_.engine->operations() + scene_.engine->answers();
            if (doings == done) return;
            done = doings;
            if (++turns != n) return;
            has_happened = true;
            what(client);
        });
        if (!has_happened) {
            EXPECT_EQ(heard, expected_);
        }
        check(heard);
        afterwards_();
        if (!has_happened || testing::Test::HasFailure()) break;
    }
}

}  // namespace ringx::http
