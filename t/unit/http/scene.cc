#include "t/unit/http/scene.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>

#include "http/text.h"

namespace ringx::http {
namespace {

// Longer than any timeout that a test waits for.
constexpr uint64_t patience_ms = 10'000;

std::pair<Fd, Fd> connected_pair(int domain) {
    int ends[2];
    if (domain == AF_UNIX) {
        CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
        return {Fd(ends[0]), Fd(ends[1])};
    }
    Fd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    CHECK(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    CHECK(listen(listener.get(), 1) == 0);
    CHECK(getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    Fd theirs(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    CHECK(connect(theirs.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    Fd ours(accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    CHECK(ours && fcntl(theirs.get(), F_SETFL, O_NONBLOCK) == 0);
    return {std::move(ours), std::move(theirs)};
}

}  // namespace

void Client::turn() {
    if (!socket || over) return;
    while (!says.empty()) {
        size_t bytes = std::min(says.size(), says_max);
        ssize_t sent = send(socket.get(), says.data(), bytes, MSG_NOSIGNAL);
        if (sent < 0) break;  // full, or the server has left: then its last words are still to be heard
        says.erase(0, static_cast<size_t>(sent));
        if (says_max != SIZE_MAX) break;
    }
    char bytes[16384];
    for (size_t left = hears_max; left > 0;) {
        ssize_t got = recv(socket.get(), bytes, std::min(left, sizeof bytes), 0);
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0) {
            over = true;
            error = got < 0 ? errno : 0;
            return;
        }
        heard.append(bytes, static_cast<size_t>(got));
        left -= static_cast<size_t>(got);
    }
}

Scene::Scene(std::string_view configuration, Options options) : options_(options) {
    EngineSettings settings;
    settings.choice = options.engine;
    settings.receive_buffers = options.buffers;
    settings.receive_buffer_bytes = options.buffer_bytes;
    settings.sq_entries = 8;
    settings.cq_entries = 16;
    engine = FaultyEngine::open(loop, settings);
    CHECK(engine != nullptr);
    engine->batch_bytes = options.batch_bytes;
    signal(SIGPIPE, SIG_IGN);  // as workers do: sendfile(2) has no flag against it
    turn();  // the engine sets itself up
    buffers_at_start_ = engine->buffers().available();
    use(configuration);
    start();
}

Scene::~Scene() { finish(); }

void Scene::start() {
    server = std::make_unique<HttpServer>(WorkerContext{.loop = loop,
                                                        .number = 0,
                                                        .connections_max = 512,
                                                        .log = nullptr,
                                                        .metrics = writer_,
                                                        .counters = writer_.own<Counters>("0"),
                                                        .ticket_keys = ticket_keys_,
                                                        .lives = &lives_,
                                                        .life = life_});
    server->use(site_);
}

void Scene::finish() {
    clients_.clear();
    server->end();
    EXPECT_TRUE(turn_until([&] { return server->connections() == 0; })) << "a connection does not end";
    server.reset();
    EXPECT_TRUE(turn_until([&] { return engine->in_flight() == 0; })) << "an operation does not end";
    EXPECT_TRUE(turn_until([&] { return engine->buffers().available() == buffers_at_start_; }))
        << "a buffer is not given back";
}

void Scene::restart() {
    finish();
    engine->heal();
    start();
}

void Scene::use(std::string_view configuration) {
    site_ = scene_site(configuration);
    key_ = site_->listens().front().key;
    if (server) server->use(site_);
}

Client& Scene::connect(std::string_view says) {
    auto [ours, theirs] = connected_pair(options_.domain);
    int size = options_.send_buffer;
    if (size > 0) CHECK(setsockopt(ours.get(), SOL_SOCKET, SO_SNDBUF, &size, sizeof size) == 0);
    Client& client = clients_.emplace_back();
    client.socket = std::move(theirs);
    client.server_fd = ours.get();
    client.says = says;
    server->accepted(std::move(ours), key_);
    return client;
}

void Scene::turn_others() {
    for (Client& client : clients_) client.turn();
    for (const std::function<void()>& turn : others_) turn();
}

void Scene::turn() {
    turn_others();
    loop.turn(0);
}

bool Scene::turn_until(const std::function<bool()>& done) {
    uint64_t until = loop.clock().now_ms() + patience_ms;
    for (int turns = 0; !done(); ++turns) {
        if (loop.clock().now_ms() > until) return false;
        turn_others();
        // Most things happen within a few turns. What does not waits for a timer.
        loop.turn(turns % 100 < 98 ? 0 : 1);
    }
    return true;
}

std::string Reply::field(std::string_view name) const {
    for (size_t at = 0; at < head.size();) {
        size_t end = std::min(head.find("\r\n", at), head.size());
        std::string_view line = std::string_view(head).substr(at, end - at);
        at = end + 2;
        size_t colon = line.find(':');
        if (colon == std::string_view::npos || !equals_ignore_case(line.substr(0, colon), name)) continue;
        return std::string(line.substr(std::min(line.size(), colon + 2)));
    }
    return {};
}

namespace {

// Takes a chunked body from the front of `text`. True when it is whole.
bool take_chunks(std::string_view& text, std::string& body) {
    for (;;) {
        size_t line = text.find("\r\n");
        if (line == std::string_view::npos) return false;
        size_t size = 0;
        auto read = std::from_chars(text.data(), text.data() + line, size, 16);
        EXPECT_TRUE(read.ec == std::errc() && read.ptr == text.data() + line) << text.substr(0, line);
        std::string_view chunk = text.substr(line + 2);
        if (chunk.size() < size + 2) {
            body += chunk.substr(0, size);
            return false;
        }
        EXPECT_EQ(chunk.substr(size, 2), "\r\n");
        body += chunk.substr(0, size);
        text = chunk.substr(size + 2);
        if (size == 0) return true;
    }
}

void take_body(std::string_view& text, Reply& reply) {
    std::string length = reply.field("Content-Length");
    if (reply.field("Transfer-Encoding") == "chunked") {
        EXPECT_TRUE(length.empty());
        reply.whole = take_chunks(text, reply.body);
        if (!reply.whole) text = {};
        return;
    }
    size_t size = text.size();
    if (!length.empty()) size = std::stoul(length);
    reply.body = text.substr(0, size);
    reply.whole = reply.body.size() == size;
    text.remove_prefix(reply.body.size());
}

}  // namespace

std::vector<Reply> replies_in(std::string_view heard, const std::vector<size_t>& heads) {
    std::vector<Reply> replies;
    while (!heard.empty()) {
        Reply& reply = replies.emplace_back();
        size_t end = heard.find("\r\n\r\n");
        reply.head = heard.substr(0, end);
        std::string_view start = "HTTP/1.1 ";
        EXPECT_EQ(heard.substr(0, start.size()), start.substr(0, heard.size()));
        if (end == std::string_view::npos) break;
        std::from_chars(heard.data() + start.size(), heard.data() + end, reply.status);
        heard.remove_prefix(end + 4);
        bool is_head = std::ranges::find(heads, replies.size() - 1) != heads.end();
        bool bodiless = reply.status < 200 || reply.status == 204 || reply.status == 304 || is_head;
        reply.whole = bodiless;
        if (!bodiless) take_body(heard, reply);
    }
    return replies;
}

std::string without_dates(std::string text) {
    constexpr std::string_view field = "\r\nDate: ";
    for (size_t at = text.find(field); at != std::string::npos; at = text.find(field, at + 1)) {
        for (size_t i = at + field.size(); i < text.size() && text[i] != '\r'; ++i) text[i] = '.';
    }
    return text;
}

}  // namespace ringx::http
