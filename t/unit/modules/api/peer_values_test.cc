// t/unit/modules/api/peer_values_test.cc - what clients may say about a server of a group, and how they are told not.
//
// Values are whole objects of JSON, as they are sent.
#include "modules/api/peer_values.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace ringx::http::api {
namespace {

constexpr std::string_view an_address = "\"server\" must be an address as in 127.0.0.1:8080, [::1]:8080 or unix:/path.";

std::string new_server(std::string_view json) {
    JsonObject object = *JsonObject::parse(json);
    MemberReader members(object);
    auto server = read_new_server(members);
    return server ? *server : "! " + server.error();
}

std::string mistake_of(std::string_view json, Balance balance, bool is_new) {
    JsonObject object = *JsonObject::parse(json);
    MemberReader members(object);
    if (is_new) (void)read_new_server(members);
    PeerGroup group;
    group.balance = balance;
    auto change = read_peer_change(members, group, is_new);
    return change ? "" : change.error();
}

TEST(PeerValues, servers_are_addresses) {
    struct { std::string_view json; std::string want; } cases[] = {
        {R"({"server": "127.0.0.1:8080"})", "127.0.0.1:8080"},
        {R"({"server": "127.0.0.1"})", "127.0.0.1:80"},
        {R"({"server": "[::1]:81"})", "[::1]:81"},
        {R"({"server": "[0::1]"})", "[::1]:80"},
        {R"({"server": "unix:/a b"})", "unix:/a b"},
        {R"({"server": 80})", "! \"server\" must be a string."},
        {R"({"weight": 1})", "! \"server\" is missing."},
        {R"({})", "! \"server\" is missing."},
    };
    for (auto& c : cases) EXPECT_EQ(new_server(c.json), c.want) << c.json;
    for (std::string_view text : {"", "80", "*", "*:80", "0.0.0.0", "[::]:80", "localhost", "a.example:80", "::1",
                                  "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:", "unix:"}) {
        std::string json = "{\"server\": \"" + std::string(text) + "\"}";
        EXPECT_EQ(new_server(json), "! " + std::string(an_address)) << text;
    }
}

TEST(PeerValues, what_is_not_said_is_as_usual_for_new_ones_only) {
    JsonObject object = *JsonObject::parse(
        R"({"weight": 3, "max_conns": 4, "max_fails": 0, "fail_timeout": 5, "slow_start": 6, "drain": true})");
    MemberReader members(object);
    PeerChange change = *read_peer_change(members, PeerGroup(), false);
    EXPECT_EQ(change.kind, PeerChange::Kind::changed);
    EXPECT_EQ(change.given, uint32_t{PeerChange::weight | PeerChange::max_conns | PeerChange::max_fails |
                                     PeerChange::fail_timeout | PeerChange::slow_start | PeerChange::drain});
    EXPECT_EQ(change.rules.fail_timeout_ms, 5000u);
    EXPECT_EQ(change.rules.slow_start_ms, 6000u);
    MemberReader again(object);
    change = *read_peer_change(again, PeerGroup(), true);
    EXPECT_EQ(change.kind, PeerChange::Kind::added);
    EXPECT_EQ(change.given, uint32_t{PeerChange::all});
    EXPECT_FALSE(change.rules.down);
}

TEST(PeerValues, mistakes_are_sentences) {
    using enum Balance;
    constexpr std::string_view no_turns =
        "The load balancing method of this group knows neither backups nor a slow start.";
    struct { std::string_view json; Balance balance; bool is_new; std::string_view want; } cases[] = {
        {R"({"weight": 65535})", in_turn, false, ""},
        {R"({"weight": 65536})", in_turn, false, "\"weight\" must be a whole number from 1 to 65535."},
        {R"({"weight": 1001})", by_ring, false, "\"weight\" must be a whole number from 1 to 1000."},
        {R"({"weight": 0})", in_turn, false, "\"weight\" must be a whole number from 1 to 65535."},
        {R"({"max_conns": -1})", in_turn, false, "\"max_conns\" must be a whole number from 0 to 4294967295."},
        {R"({"down": 1})", in_turn, false, "\"down\" must be true or false."},
        {R"({"backup": true})", in_turn, false, "There is no member \"backup\"."},
        {R"({"server": "127.0.0.1", "backup": true})", in_turn, true, ""},
        {R"({"server": "127.0.0.1", "backup": true})", by_hash, true, no_turns},
        {R"({"slow_start": 1})", by_address, false, no_turns},
        {R"({"slow_start": 0})", by_address, false, ""},
        {R"({"route": "12345678901234567890123456789012"})", in_turn, false, ""},
        {R"({"route": "123456789012345678901234567890123"})", in_turn, false, "\"route\" is longer than 32 bytes."},
        {R"({})", in_turn, false, "Nothing is said that could be changed."},
        {R"({"server": "127.0.0.1"})", in_turn, false, "There is no member \"server\"."},
        {R"({"server": "127.0.0.1"})", in_turn, true, ""},
    };
    for (auto& c : cases) EXPECT_EQ(mistake_of(c.json, c.balance, c.is_new), c.want) << c.json;
}

}  // namespace
}  // namespace ringx::http::api
