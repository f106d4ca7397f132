// http/origin.h - a server behind the one of a scene: what it says is written down, and when.
//
// It listens on a path, and has its turns with the clients of the scene. Requests are known by what follows the last
// slash of their targets; each has its acts, done one after the other. What comes to it must be requests, with bodies
// of which each byte is a `b`: anything else fails the test, and so nothing of one request can get into another.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "http/chunked.h"
#include "t/unit/net/tls_authority.h"

namespace ringx::http {

struct Act {
    enum class When : uint8_t { body, head };  // of the request has come whole
    // A close is a reset if there is something that was not read.
    enum class Then : uint8_t { goes_on, closes, echoes };
    std::string says = {};
    When when = When::body;
    Then then = Then::goes_on;
};

class Origin {
 public:
    enum class Speaks : uint8_t { plain, tls };
    explicit Origin(const std::string& path, Speaks speaks = Speaks::plain);
    Origin(const Origin&) = delete;
    Origin& operator=(const Origin&) = delete;
    ~Origin();

    // What is done for the request called `name`, and on a connection that has served another one before.
    void on(const std::string& name, std::vector<Act> acts) { on(name, acts, acts); }
    void on(const std::string& name, std::vector<Act> first, std::vector<Act> later) {
        plays_[name] = {std::move(first), std::move(later)};
    }
    size_t hears_max = SIZE_MAX;  // of a connection in one turn
    size_t says_max = SIZE_MAX;   // likewise

    void turn();

    // Those that are open.
    size_t connections() const { return talks_.size(); }
    // Nothing was begun on any of them and not ended.
    bool is_idle() const;

 private:
    struct Play {
        std::vector<Act> first, later;
    };
    struct Talk {
        Fd socket;
        std::unique_ptr<tls_test::Server> tls;  // null: it is plain
        std::string sealed;                     // on its way, as it is sent
        std::string says;
        std::string heard;                      // and not understood yet
        const std::vector<Act>* acts = nullptr;  // of the current request; null: none has begun
        size_t act = 0;
        ChunkedDecoder chunks;
        size_t body_left = 0;
        bool is_chunked = false;
        bool served = false;  // a request before this one
        bool echoes = false;
        bool over = false;    // no more will be heard
        bool ends = false;    // when all was said
    };

    void hear(Talk& talk) const;
    void understand(Talk& talk) const;
    void begin_request(Talk& talk) const;
    void take_body(Talk& talk) const;
    void act(Talk& talk) const;
    void say(Talk& talk) const;

    std::string path_;
    Fd listener_;
    OwnedSslCtx tls_;  // null: it is plain
    std::map<std::string, Play> plays_;
    std::list<Talk> talks_;
};

}  // namespace ringx::http
