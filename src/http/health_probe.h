// http/health_probe.h - one health check of one server: connect, ask, and look at the answer.
//
// It lives in the frame of whoever awaits run(). Connecting has the time that requests have for it, and all that
// follows together has the time they have for one step of an answer: a server that lets its answer drip is not well.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "http/health_check.h"
#include "http/request.h"
#include "net/upstream_connection.h"

namespace ringx::http {

struct HealthOutcome {
    bool passed = false;
    // Of one that failed, for the log.
    std::string_view doing = {};  // "connecting to upstream"
    Error error = {};
    std::string detail = {};      // may be empty
};

class HealthProbe {
 public:
    // `request` is one of nobody's, in the block of the check. All of them outlive it.
    HealthProbe(Request& request, const HealthCheck& check, const ringx::Peer& peer);
    HealthProbe(const HealthProbe&) = delete;
    HealthProbe& operator=(const HealthProbe&) = delete;
    ~HealthProbe();

    Task<HealthOutcome> run();
    // Ends it early: what run() gives says nothing of the server then.
    void cancel();

 private:
    Task<bool> connect();
    Task<bool> secure(const UpstreamTls::Goal& goal);
    Task<bool> ask();
    Task<bool> send(std::string_view bytes);
    Task<bool> read_head();
    bool understand_head(bool& failed);
    Task<bool> read_body();
    bool judge();
    bool fail_with(std::string_view doing, Error error, std::string detail = {});
    void end_connection(bool reusable);
    void note_try(uint64_t started_us);
    uint64_t left_ms() const;

    Request& request_;
    const HealthCheck& check_;
    const ringx::Peer& peer_;
    Address to_;
    UpstreamPool& pool_;
    HealthTalk talk_;
    std::string group_, key_;  // of connections that are kept
    std::unique_ptr<UpstreamConnection> connection_;
    Wait* connecting_ = nullptr;
    UpstreamHandshake* securing_ = nullptr;
    bool was_idle_ = false;
    bool cancelled_ = false;
    uint64_t until_ms_ = 0;

    std::string in_;  // what was received: the head, and what came with it
    UpstreamHead head_;
    size_t head_bytes_ = 0;
    std::string body_;  // the beginning of it, where that matters
    HealthOutcome outcome_;
};

}  // namespace ringx::http
