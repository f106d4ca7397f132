// t/unit/net/ocsp_inquiry_test.cc - a question goes out and a response comes back, in pieces and through every error.
//
// The responder is a thread with a real socket. Each operation and each answer of the engine fails once, and the
// inquiry is cancelled in every turn: it always ends, by a response or without one, and leaves nothing in flight.
#include "net/ocsp_inquiry.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>

#include "t/unit/http/on_faulty_engine.h"

namespace ringx {
namespace {

// The shortest that OpenSSL takes for a response: it does not look into it here.
const std::string body = "\x30\x03\x0a\x01\x06";
const std::string good = "HTTP/1.0 200 OK\r\nContent-Type: application/ocsp-response\r\n\r\n" + body;

// Says the same to everybody who has asked.
class Answerer {
 public:
    explicit Answerer(Fd listener) : listener_(std::move(listener)), thread_([this] { serve(); }) {}
    ~Answerer() {
        over_ = true;
        thread_.join();
    }

    // From the next one on who asks hears this, in pieces of so many bytes.
    void say(std::string text, size_t piece_bytes = SIZE_MAX) {
        std::lock_guard lock(mutex_);
        says_ = std::move(text);
        piece_bytes_ = piece_bytes;
    }

    std::atomic<int> heard_requests = 0;

 private:
    bool wait(int fd) {
        pollfd one{fd, POLLIN, 0};
        while (!over_) {
            if (poll(&one, 1, 10) > 0) return true;
        }
        return false;
    }
    // True when that is a whole request: who closes with bytes unread resets the connection.
    static bool is_request(const std::string& heard) {
        constexpr std::string_view length = "Content-Length: ";
        size_t head_end = heard.find("\r\n\r\n"), at = heard.find(length);
        if (head_end == heard.npos || at == heard.npos) return false;
        return heard.size() >= head_end + 4 + strtoul(heard.c_str() + at + length.size(), nullptr, 10);
    }
    void hear(int fd) {
        char bytes[4096];
        std::string heard;
        while (!is_request(heard)) {
            if (!wait(fd)) return;
            ssize_t got = recv(fd, bytes, sizeof bytes, 0);
            if (got <= 0) return;
            heard.append(bytes, static_cast<size_t>(got));
        }
        ++heard_requests;
    }
    void say_all(int fd) {
        std::unique_lock lock(mutex_);
        std::string says = says_;
        size_t piece_bytes = std::min(piece_bytes_, says.size());
        lock.unlock();
        for (size_t at = 0; at < says.size(); at += piece_bytes) {
            std::string_view piece = std::string_view(says).substr(at, piece_bytes);
            if (send(fd, piece.data(), piece.size(), MSG_NOSIGNAL) < 0) return;
        }
    }
    void serve() {
        while (wait(listener_.get())) {
            Fd peer(accept(listener_.get(), nullptr, nullptr));
            if (!peer) continue;
            hear(peer.get());
            say_all(peer.get());
        }
    }

    std::mutex mutex_;  // guards what it says
    std::string says_ = good;
    size_t piece_bytes_ = SIZE_MAX;
    Fd listener_;
    std::atomic<bool> over_ = false;
    std::thread thread_;
};

OwnedX509 certificate(const char* name, long serial) {
    static const OwnedKey key(EVP_EC_gen("P-256"));
    OwnedX509 made(X509_new());
    for (X509_NAME* one : {X509_get_subject_name(made.get()), X509_get_issuer_name(made.get())}) {
        X509_NAME_add_entry_by_txt(one, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
    }
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), serial);
    X509_set_pubkey(made.get(), key.get());
    return made;
}

struct Ending {
    bool over = false;
    std::optional<std::string> response;
};

Conversation ask(OcspInquiry& inquiry, uint64_t limit_ms, Ending& ending) {
    ending.response = co_await inquiry.ask(limit_ms);
    ending.over = true;
}

class Inquiry : public OnFaultyEngine {
 protected:
    void SetUp() override {
        OnFaultyEngine::SetUp();
        if (engine == nullptr) return;
        resolver = std::make_unique<Resolver>(loop);
        desk = std::make_unique<OcspDesk>(loop, *resolver);
        uint16_t port = 0;
        Fd listener = listen_tcp(port);
        responder = {"127.0.0.1", port, "/"};
        answerer = std::make_unique<Answerer>(std::move(listener));
    }

    // Asks once; `in_turn` is called before each turn with the inquiry and the number of the turn.
    std::optional<std::string> play(const std::function<void(OcspInquiry&, size_t)>& in_turn = {}) {
        OcspInquiry inquiry(*desk, question, responder, nullptr, {.log = [this]() -> const Log& { return log; }});
        Ending ending;
        ask(inquiry, limit_ms, ending);
        size_t turns = 0;
        EXPECT_TRUE(until([&] {
            if (in_turn) in_turn(inquiry, ++turns);
            return ending.over;
        }));
        EXPECT_EQ(engine->in_flight(), 0u);
        return ending.response;
    }

    OwnedX509 issuer = certificate("issuer", 1);
    OwnedX509 subject = certificate("subject", 2);
    OcspQuestion question{*subject, *issuer, nullptr};
    OcspResponder responder;
    Log log;
    uint64_t limit_ms = OcspInquiry::limit_ms_max;
    std::unique_ptr<Resolver> resolver;
    std::unique_ptr<OcspDesk> desk;
    std::unique_ptr<Answerer> answerer;
};

TEST_P(Inquiry, a_response_may_come_in_pieces) {
    for (size_t bytes : {SIZE_MAX, size_t{1}, size_t{7}}) {
        answerer->say(good, bytes);
        EXPECT_EQ(play(), body) << bytes;
    }
    EXPECT_EQ(answerer->heard_requests, 3);
}

TEST_P(Inquiry, what_follows_a_response_is_no_part_of_it) {
    answerer->say(good + "more");
    EXPECT_EQ(play(), body);
}

TEST_P(Inquiry, what_is_no_response_is_not_given) {
    for (std::string_view says : {
             "", "HTTP/1.0 200 OK\r\n\r\n",
             "HTTP/1.0 200 OK\r\nContent-Type: application/ocsp-response\r\n\r\n\x30\x03",
             "HTTP/1.0 500 No\r\nContent-Type: application/ocsp-response\r\n\r\n\x30\x03\x0a\x01\x06",
             "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n\x30\x03\x0a\x01\x06", "SSH-2.0\r\n", "\r\n\r\n",
             "HTTP/1.0 200 OK\r\nContent-Type: application/ocsp-response\r\nContent-Length: 999999\r\n\r\n"}) {
        answerer->say(std::string(says));
        EXPECT_EQ(play(), std::nullopt) << says;
    }
}

TEST_P(Inquiry, nothing_is_read_without_end) {
    for (const char* unit : {"X: y\r\n", "X", "\r\n"}) {
        std::string endless = "HTTP/1.0 200 OK\r\n";
        while (endless.size() < (1 << 20)) endless += unit;
        answerer->say(std::move(endless));
        EXPECT_EQ(play(), std::nullopt) << unit;
    }
}

TEST_P(Inquiry, each_operation_may_fail) {
    for (size_t n = 1;; ++n) {
        engine->heal();
        engine->fail_operation(n, ECONNRESET);
        auto response = play();
        if (engine->faults() == 0) {
            EXPECT_GT(n, 3u);
            EXPECT_EQ(response, body);
            return;
        }
        EXPECT_EQ(response, std::nullopt) << n;
    }
}

TEST_P(Inquiry, each_answer_may_be_an_error) {
    for (size_t n = 1;; ++n) {
        engine->heal();
        engine->fail_answer(n, ECONNRESET);
        auto response = play();
        if (engine->faults() == 0) {
            EXPECT_GT(n, 3u);
            return;
        }
        EXPECT_EQ(response, std::nullopt) << n;
    }
}

TEST_P(Inquiry, it_may_be_cancelled_in_every_turn) {
    for (size_t n = 1;; ++n) {
        bool was_cancelled = false;
        auto response = play([&](OcspInquiry& inquiry, size_t turn) {
            if (turn != n) return;
            desk->cancel();
            was_cancelled = inquiry.cancelled();
        });
        if (!was_cancelled) return;
        bool came_first = response.has_value();
        EXPECT_TRUE(!came_first || *response == body) << n;
    }
}

TEST_P(Inquiry, its_time_is_bounded) {
    uint16_t port = 0;
    Fd silent = listen_tcp(port);
    responder.port = port;
    limit_ms = 20;
    EXPECT_EQ(play(), std::nullopt);
}

TEST_P(Inquiry, a_name_is_looked_up) {
    responder.host = "localhost";
    EXPECT_EQ(play(), body);
    responder.host = "nobody.invalid";
    EXPECT_EQ(play(), std::nullopt);
}

using engine_test::engine_name;
FOR_BOTH_ENGINES(Inquiry);

}  // namespace
}  // namespace ringx
