#include "http/health_checker.h"

#include <algorithm>

#include "base/check.h"
#include "base/siphash.h"
#include "event/wait.h"
#include "http/core_settings.h"
#include "http/health_probe.h"
#include "http/server.h"

namespace ringx::http {

// One check of one server. It lives in the frame of its conversation.
struct HealthChecker::Care : ListNode {
    Care(HealthChecker& of, const HealthCheck& what, std::string server_name, std::string peer_text)
        : all(of), site(of.site_), check(what), server(std::move(server_name)), peer(std::move(peer_text)) {
        all.cares_.push_back(*this);
        ++all.count_;
    }
    ~Care() {
        unlink();
        --all.count_;
    }

    bool is_for(const ringx::Peer& other) const { return other.text == peer && other.server->name == server; }
    // Its peers, of which there is more than one when an address was written twice.
    template <typename Call>
    void for_each(PeerRoster& roster, Call call) const {
        for (size_t i = 0; i < roster.peers().size(); ++i) {
            if (is_for(roster.peers()[i])) call(i);
        }
    }
    size_t first_of(const PeerRoster& roster) const {
        size_t at = 0;
        while (at < roster.peers().size() && !is_for(roster.peers()[at])) ++at;
        return at;
    }
    std::shared_ptr<PeerRoster> roster() const { return all.peers_->roster(check.upstream->group); }
    uint64_t now_ms() const { return all.server_.clock().now_ms(); }
    void end() {
        over = true;
        if (probe != nullptr) probe->cancel();
        if (pause != nullptr) pause->cancel();
    }

    HealthChecker& all;
    std::shared_ptr<const Site> site;  // keeps the check
    const HealthCheck& check;
    std::string server;
    std::string peer;
    CheckStreak streak;
    HealthProbe* probe = nullptr;
    Sleep* pause = nullptr;
    bool over = false;
};

// That a worker looks for news. It lives in the frame of its conversation.
struct HealthChecker::Look {
    explicit Look(HealthChecker& of) : all(of) {
        all.look_ = this;
        ++all.count_;
    }
    ~Look() {
        if (all.look_ == this) all.look_ = nullptr;
        --all.count_;
    }
    void end() {
        all.look_ = nullptr;
        if (pause != nullptr) pause->cancel();
    }
    bool is_over() const { return all.look_ != this; }

    HealthChecker& all;
    Sleep* pause = nullptr;
};

HealthChecker::HealthChecker(HttpServer& server) : server_(server), dice_(HashSeed::random().words[0]) {}

HealthChecker::~HealthChecker() { CHECK(cares_.empty()); }

void HealthChecker::stop_caring() {
    if (look_ != nullptr) look_->end();
    cares_.each([](Care& care) { care.end(); });
}

void HealthChecker::use(std::shared_ptr<const Site> site, WorkerPeers& peers) {
    bool anew = site_ != nullptr;
    stop_caring();
    site_ = std::move(site);
    peers_ = &peers;
    const HealthChecks& checks = site_->health_checks();
    for (const auto& check : checks.all()) peers.use_checks(check->upstream->group, checks.of(*check->upstream));
    for (const auto& check : checks.all()) look_after(*check, anew);
    peers.watch([this](const std::shared_ptr<const PeerGroup>& group) {
        if (site_ == nullptr) return;
        for (const auto& check : site_->health_checks().all()) {
            if (check->upstream->group == group) look_after(*check, false);
        }
    });
    auto may_change = [](const auto& check) { return check->upstream->plans != nullptr; };
    if (std::ranges::any_of(checks.all(), may_change)) look_for_news();
}

void HealthChecker::end() {
    cares_.each([](Care& care) {
        if (care.over) return;
        auto roster = care.roster();
        care.for_each(*roster, [&](size_t peer) { roster->give_up_turn(peer, care.now_ms()); });
    });
    stop_caring();
    site_ = nullptr;
}

// Begins to care for the peers nobody cares for yet.
void HealthChecker::look_after(const HealthCheck& check, bool anew) {
    auto roster = peers_->roster(check.upstream->group);
    for (const ringx::Peer& peer : roster->peers()) {
        bool is_known = false;
        cares_.each([&](Care& care) { is_known |= !care.over && &care.check == &check && care.is_for(peer); });
        if (!is_known) care_for(check, peer.server->name, peer.text, anew);
    }
}

// What is said of a group at run time reaches a worker when it asks for the roster, which an idle one would not do.
Conversation HealthChecker::look_for_news() {
    Look look(*this);
    while (!look.is_over()) {
        Sleep pause(server_.loop(), look_again_ms);
        look.pause = &pause;
        co_await pause;
        look.pause = nullptr;
        if (look.is_over()) break;
        for (const auto& check : site_->health_checks().all()) (void)peers_->roster(check->upstream->group);
    }
}

uint64_t HealthChecker::pause_ms(const HealthRules& rules) {
    auto jitter_ms = static_cast<uint64_t>(rules.jitter.count());
    uint64_t late_ms = jitter_ms == 0 ? 0 : dice_.roll() % (jitter_ms + 1);
    return static_cast<uint64_t>(rules.interval.count()) + late_ms;
}

Conversation HealthChecker::care_for(const HealthCheck& check, std::string server, std::string peer, bool anew) {
    Care care(*this, check, std::move(server), std::move(peer));
    anew = anew && check.rules.mandatory && !check.rules.persistent;
    while (!care.over) {
        auto roster = care.roster();
        size_t at = care.first_of(*roster);
        if (at == roster->peers().size()) break;  // it is no server of the group any more
        if (roster->take_turn(at, care.now_ms())) {
            if (std::exchange(anew, false)) {
                care.for_each(*roster, [&](size_t i) { roster->forget_check(i, check.number, care.now_ms()); });
            }
            co_await make(care, std::move(roster), at);
            if (care.over) break;
        }
        anew = false;  // whoever has the turn sees to it
        Sleep pause(server_.loop(), pause_ms(check.rules));
        care.pause = &pause;
        co_await pause;
        care.pause = nullptr;
    }
}

Task<void> HealthChecker::make(Care& care, std::shared_ptr<PeerRoster> roster, size_t peer) {
    Request& request = server_.take_uncounted_request(nobody_);
    request.site = care.site;
    request.block = care.check.block;
    request.core = &core_settings.in(*request.block);
    request.started_us = server_.clock().now_us();
    request.head.method = Method::get;
    request.head.method_text = "GET";
    {
        HealthProbe probe(request, care.check, roster->peers()[peer]);
        care.probe = &probe;
        HealthOutcome outcome = co_await probe.run();
        care.probe = nullptr;
        if (!care.over) note(care, *roster, outcome);
    }
    server_.give_back(request);
}

void HealthChecker::note(Care& care, const PeerRoster& checked, const HealthOutcome& outcome) {
    auto roster = care.roster();  // it may be another one by now
    size_t at = care.first_of(*roster);
    if (at == roster->peers().size()) return;
    roster->peers()[at].counts.each([&](PeerMetrics& metrics) {
        metrics.checks.add(1);
        metrics.failed_checks.add(outcome.passed ? 0 : 1);
    });
    PeerState state = roster->state(at, care.now_ms());
    uint32_t bit = uint32_t{1} << care.check.number;
    using Known = CheckStreak::Known;
    Known known = (state.unhealthy & bit) == 0 ? Known::healthy
                  : (state.checked & bit) != 0 ? Known::unhealthy
                                               : Known::nothing;
    std::optional<bool> healthy = care.streak.note(outcome.passed, known, care.check.rules.streak);
    if (!healthy) return;
    bool is_news = false;
    care.for_each(*roster, [&](size_t i) {
        is_news |= roster->set_healthy(i, *healthy, care.now_ms(), care.check.number);
    });
    if (!is_news) return;
    const Log& log = care.site->log();
    std::string_view match = care.check.rules.match, group = checked.group().name;
    if (*healthy) {
        log.write(Level::notice, "peer is healthy, health check \"{}\" of peer {} in upstream \"{}\"", match, care.peer,
                  group);
        return;
    }
    std::string detail = outcome.detail.empty() ? "" : ": " + outcome.detail;
    log.write(Level::warn, outcome.error, "peer is unhealthy while {}{}, health check \"{}\" of peer {} in upstream "
              "\"{}\"", outcome.doing, detail, match, care.peer, group);
}

}  // namespace ringx::http
