// t/unit/http/upstream_test.cc - groups as the configuration names them, and what binds requests to one of their peers.
//
// A request is served by choosing a peer for it, and by learning from that; nobody connects anywhere.
#include "http/upstream.h"

#include <gtest/gtest.h>

#include "http/server_settings.h"
#include "t/unit/http/sample_site.h"

namespace ringx::http {
namespace {

class UpstreamTest : public testing::Test {
 protected:
    // A site with this in its http block; zones have memory.
    void load(std::string_view http) {
        site_ = std::make_unique<SampleSite>(std::string(http) + " server { listen 1; }");
        ASSERT_EQ(site_->mistakes(), std::vector<std::string>());
        site_->worker->lives = &lives_;
        site_->worker->life = life_;
        for (const auto& zone : named_zones.in(site_->tree().root()).all()) {
            zone->memory = *SharedZone::create("test", zone->bytes);
        }
    }
    const Upstream* find(std::string_view name, uint16_t port = 80, bool has_port = false) {
        return upstreams.in(*http_settings.in(site_->tree().root()).http).find(name, port, has_port);
    }
    // The peer that a request is given, and what it learns from that.
    const ringx::Peer& serve(Request& request) {
        const Upstream& upstream = *find("u");
        PeerChoice choice(upstream.roster(request), upstream.wish(request));
        const ringx::Peer* peer = choice.next(request.worker->clock.now_ms());
        CHECK(peer != nullptr);
        (void)choice.done({}, request.worker->clock.now_ms());
        upstream.sticky->learn(request, *peer, false);
        upstream.sticky->learn(request, *peer, true);
        return *peer;
    }
    uint16_t port_for(std::string_view target, std::string_view cookie = {}) {
        std::string head = "GET " + std::string(target) + " HTTP/1.1\nHost: a\n";
        if (!cookie.empty()) head += "Cookie: " + std::string(cookie) + "\n";
        return serve(site_->request(head + "\n")).address.port();
    }
    std::string cookie_for(const ringx::Peer& peer) {
        return std::string(find("u")->sticky->cookie_for(site_->request("GET /?d=b HTTP/1.1\nHost: a\n\n"), peer));
    }

    Lives lives_;
    Life life_ = lives_.begin();
    std::unique_ptr<SampleSite> site_;
};

constexpr std::string_view three = "server 127.0.0.1:1 route=a; server 127.0.0.1:2 route=b; server 127.0.0.1:3;";

TEST_F(UpstreamTest, blocks_are_found_by_name_whatever_its_case) {
    load("upstream Backend { server 127.0.0.1:1 weight=3; server [::1] backup; keepalive 5; }");
    const Upstream* found = find("bACKEND");
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->name, "Backend");
    EXPECT_EQ(found->group->servers[0].rules.weight, 3u);
    EXPECT_EQ(found->group->servers[1].addresses[0].text(), "[::1]:80");
    EXPECT_EQ(*found->keepalive, 5u);
    EXPECT_FALSE(found->keepalive_local);
    EXPECT_EQ(find("backend", 80, true), nullptr) << "a block has no port";
    EXPECT_EQ(find("other"), nullptr);
}

TEST_F(UpstreamTest, a_cookie_binds_to_the_peer_that_set_it) {
    load("upstream u { sticky cookie srv; " + std::string(three) + " }");
    for (int i = 0; i < 3; ++i) EXPECT_EQ(port_for("/", "x=y; srv=b"), 2);
    const ringx::Peer& third = find("u")->roster(site_->request())->peers()[2];
    EXPECT_EQ(port_for("/", "srv=" + third.route), 3);
    EXPECT_EQ(cookie_for(third), "srv=" + third.route);
    EXPECT_NE(port_for("/"), port_for("/")) << "without cookie in turn";
    EXPECT_NE(port_for("/", "srv=none"), port_for("/", "srv=none"));
}

TEST_F(UpstreamTest, the_cookie_has_the_attributes_that_were_asked_for) {
    struct {
        std::string_view parameters, want;
    } cases[] = {
        {"", ""},
        {"path=/a secure httponly domain=.x", "; domain=.x; httponly; secure; path=/a"},
        {"expires=max", "; expires=Thu, 31-Dec-37 23:55:55 GMT; max-age=315360000"},
        {"samesite=Lax domain=$arg_none", "; samesite=Lax"},
        {"samesite=$arg_d domain=$arg_d", "; domain=b; samesite=strict"},
        {"samesite=$arg_none", ""},
    };
    for (const auto& c : cases) {
        load("upstream u { sticky cookie srv " + std::string(c.parameters) + "; " + std::string(three) + " }");
        const ringx::Peer first = find("u")->roster(site_->request())->peers()[0];
        EXPECT_EQ(cookie_for(first), "srv=a" + std::string(c.want));
    }
    load("upstream u { sticky cookie srv expires=1h; " + std::string(three) + " }");
    const ringx::Peer first = find("u")->roster(site_->request())->peers()[0];
    std::string cookie = cookie_for(first);
    EXPECT_TRUE(cookie.starts_with("srv=a; expires=")) << cookie;
    EXPECT_TRUE(cookie.ends_with(" GMT; max-age=3600")) << cookie;
}

TEST_F(UpstreamTest, the_first_route_with_a_value_binds) {
    load("upstream u { sticky route $arg_one $arg_two; ip_hash; " + std::string(three) + " }");
    EXPECT_EQ(port_for("/?two=b"), 2);
    EXPECT_EQ(port_for("/?one=a&two=b"), 1);
    EXPECT_EQ(port_for("/?one=&two=b"), 2);
    EXPECT_EQ(cookie_for(find("u")->roster(site_->request())->peers()[0]), "");
}

TEST_F(UpstreamTest, sessions_are_learnt_from_answers) {
    load("upstream u { sticky learn create=$arg_new lookup=$cookie_id zone=z:64k; " + std::string(three) + " }");
    uint16_t given = port_for("/?new=s1"), other = port_for("/?new=s2");
    EXPECT_NE(given, other);
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(port_for("/", "id=s1"), given);
        EXPECT_EQ(port_for("/", "id=s2"), other);
    }
    uint16_t unknown = port_for("/", "id=s3");
    EXPECT_NE(port_for("/", "id=s3"), unknown) << "a lookup begins no session";
    (void)port_for("/?new=" + std::string(5000, 'x'));
    EXPECT_EQ(port_for("/", "id=s1"), given);
}

TEST_F(UpstreamTest, a_session_goes_on_with_another_peer_when_its_own_cannot_be_asked) {
    load("upstream u { sticky learn create=$arg_new lookup=$cookie_id zone=z:64k header; " + std::string(three) + " }");
    EXPECT_EQ(port_for("/?new=s1"), 1);
    auto roster = find("u")->roster(site_->request());
    roster->set_healthy(0, false, 1);
    uint16_t next = port_for("/", "id=s1");
    EXPECT_NE(next, 1);
    roster->set_healthy(0, true, 2);
    EXPECT_EQ(port_for("/", "id=s1"), next);
}

TEST_F(UpstreamTest, keys_are_evaluated_for_the_request) {
    load("upstream u { hash $arg_k consistent; sticky route $arg_none; " + std::string(three) + " }");
    Request& request = site_->request("GET /?k=key HTTP/1.1\nHost: a\n\n");
    EXPECT_EQ(find("u")->wish(request).key, "key");
    EXPECT_EQ(find("u")->wish(request).route, "");
    EXPECT_EQ(port_for("/?k=1"), port_for("/?k=1"));
}

}  // namespace
}  // namespace ringx::http
