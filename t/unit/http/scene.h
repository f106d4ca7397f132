// http/scene.h - an http server on one loop, and clients that speak to it over real sockets, turn by turn.
//
// The server is the worker's own, made from a configuration text. Nothing happens but in turn(): each client sends and
// hears what its socket takes and has, then the loop has one turn. At the end the server is ended, and whatever it has
// left behind (a connection, an operation, a buffer) fails the test. One scene serves many rounds: the kernel takes
// rings apart in its own time, and they count as locked memory until then.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/lives.h"
#include "event/loop.h"
#include "http/server.h"
#include "t/unit/http/faulty_engine.h"
#include "t/unit/http/scene_site.h"

namespace ringx::http {

struct SceneOptions {
    EngineSettings::Choice engine = EngineSettings::Choice::epoll;
    uint32_t buffers = 64;
    uint32_t buffer_bytes = 256;
    int domain = AF_UNIX;
    int send_buffer = 0;  // SO_SNDBUF of the server's sockets; 0: the system's
    std::optional<size_t> batch_bytes = {};  // of FaultyEngine
};

struct Client {
    Fd socket;
    int server_fd = -1;                // the other end, which the server owns
    std::string says;                  // what is still to be sent
    size_t says_max = SIZE_MAX;        // in one turn
    std::string heard;
    size_t hears_max = SIZE_MAX;       // in one turn
    bool over = false;                 // the server has ended the conversation
    int error = 0;                     // with this error; 0: in order

    void turn();
    void leave() { socket.reset(); }
};

class Scene {
 public:
    using Options = SceneOptions;

    explicit Scene(std::string_view configuration, Options options = {});
    Scene(const Scene&) = delete;
    Scene& operator=(const Scene&) = delete;
    ~Scene();

    // A client of the first address that is listened on.
    Client& connect(std::string_view says = {});
    void turn();
    // Somebody else has a turn after the clients, as long as the scene lasts.
    void join(std::function<void()> turn) { others_.push_back(std::move(turn)); }
    // Turns until `done`, or nothing seems to come any more: then false.
    bool turn_until(const std::function<bool()>& done);

    // Goes through a reload.
    void use(std::string_view configuration);
    // Ends the server as at the end of a test, heals the engine, and begins anew.
    void restart();

    Loop loop;
    std::unique_ptr<HttpServer> server;
    FaultyEngine* engine = nullptr;

 private:
    void start();
    void finish();
    void turn_others();

    Options options_;
    std::unique_ptr<Metrics> metrics_ = *Metrics::create();
    Metrics::Writer writer_ = metrics_->claim();
    TicketKeys ticket_keys_;
    Lives lives_;
    Life life_ = lives_.begin();
    std::shared_ptr<const Site> site_;
    std::string key_;
    uint32_t buffers_at_start_ = 0;
    std::list<Client> clients_;
    std::vector<std::function<void()>> others_;
};

// A response as a client understands it.
struct Reply {
    int status = 0;
    std::string head;   // without its final empty line
    std::string body;   // decoded
    bool whole = false;

    // The value of a field, or empty.
    std::string field(std::string_view name) const;
};

// The replies in what was heard; 1xx ones are replies too. A response to HEAD has no body: name them by their index.
// What is no HTTP fails the test.
std::vector<Reply> replies_in(std::string_view heard, const std::vector<size_t>& heads = {});

// The same text with all dates alike.
std::string without_dates(std::string text);

}  // namespace ringx::http
