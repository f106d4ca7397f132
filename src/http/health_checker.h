// http/health_checker.h - a worker's care for the health of upstream servers: it asks them before requests do.
//
// Each check of each server is a conversation of its own. One worker makes it, and all act upon what it finds
// (net/peers): the others look after each interval whether it still lives. Nobody waits for a check. A reload begins
// with what is known; only who has to be checked first, and not `persistent`ly, is checked anew by the worker whose
// turn it was.
#pragma once

#include <memory>
#include <string>

#include "base/list.h"
#include "event/task.h"
#include "http/health_check.h"
#include "http/request.h"
#include "net/peers.h"

namespace ringx::http {

class HealthProbe;
class HttpServer;
struct HealthOutcome;

class HealthChecker {
 public:
    explicit HealthChecker(HttpServer& server);
    HealthChecker(const HealthChecker&) = delete;
    HealthChecker& operator=(const HealthChecker&) = delete;
    ~HealthChecker();

    // From now on the checks of this generation are made. REQUIRES: nobody has asked `peers` for its groups yet.
    void use(std::shared_ptr<const Site> site, WorkerPeers& peers);
    // Ends what is under way; other workers go on with it.
    void end();
    // How many checks of servers are cared for, those that are being ended included.
    size_t count() const { return count_; }

 private:
    static constexpr uint64_t look_again_ms = 500;

    struct Care;
    struct Look;

    void stop_caring();
    void look_after(const HealthCheck& check, bool anew);
    Conversation look_for_news();
    Conversation care_for(const HealthCheck& check, std::string server, std::string peer, bool anew);
    Task<void> make(Care& care, std::shared_ptr<PeerRoster> roster, size_t peer);
    void note(Care& care, const PeerRoster& checked, const HealthOutcome& outcome);
    uint64_t pause_ms(const HealthRules& rules);

    HttpServer& server_;
    Peer nobody_;  // whom requests come from that nobody has made
    std::shared_ptr<const Site> site_;  // null: nothing is checked
    WorkerPeers* peers_ = nullptr;
    Dice dice_;
    List<Care> cares_;
    Look* look_ = nullptr;  // null: no group can have news
    size_t count_ = 0;
};

}  // namespace ringx::http
