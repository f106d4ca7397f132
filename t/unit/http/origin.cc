#include "t/unit/http/origin.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace ringx::http {
namespace {

bool is_body_whole(bool is_chunked, const ChunkedDecoder& chunks, size_t left) {
    return is_chunked ? chunks.is_done() : left == 0;
}

void check_body(std::string_view bytes) {
    EXPECT_EQ(bytes.find_first_not_of('b'), bytes.npos) << "no body: " << bytes.substr(0, 200);
}

}  // namespace

Origin::Origin(const std::string& path, Speaks speaks) : path_(path) {
    listener_ = Fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    CHECK(path.size() < sizeof address.sun_path);
    std::memcpy(address.sun_path, path.data(), path.size());
    CHECK(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    CHECK(listen(listener_.get(), 64) == 0);
    if (speaks == Speaks::tls) tls_ = tls_test::server_ctx(tls_test::good_server(), TLS1_3_VERSION);
}

Origin::~Origin() { (void)unlink(path_.c_str()); }

void Origin::turn() {
    for (;;) {
        Fd socket(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!socket) break;
        Talk& talk = talks_.emplace_back();
        talk.socket = std::move(socket);
        if (tls_ != nullptr) talk.tls = std::make_unique<tls_test::Server>(tls_.get());
    }
    for (Talk& talk : talks_) {
        hear(talk);
        understand(talk);
        say(talk);
    }
    talks_.remove_if([](const Talk& talk) { return !talk.socket; });
}

bool Origin::is_idle() const {
    return std::ranges::all_of(talks_, [](const Talk& talk) {
        return talk.acts == nullptr && talk.heard.empty() && talk.says.empty() && talk.sealed.empty();
    });
}

void Origin::hear(Talk& talk) const {
    char bytes[16384];
    for (size_t left = hears_max; left > 0 && !talk.over;) {
        ssize_t got = recv(talk.socket.get(), bytes, std::min(left, sizeof bytes), 0);
        if (got < 0 && errno == EAGAIN) break;
        talk.over = got <= 0;
        if (talk.over) break;
        left -= static_cast<size_t>(got);
        std::string_view text(bytes, static_cast<size_t>(got));
        if (talk.tls == nullptr) {
            talk.heard += text;
            continue;
        }
        talk.tls->receive(text);
        if (SSL_is_init_finished(talk.tls->ssl()) || talk.tls->shake_hands()) talk.heard += talk.tls->read();
        talk.sealed += talk.tls->sent();
    }
}

// Goes on with the request, and with the next one when all was done for it.
void Origin::understand(Talk& talk) const {
    while (talk.socket && !talk.ends && !talk.echoes) {
        if (talk.acts == nullptr) begin_request(talk);
        if (talk.acts == nullptr) break;
        take_body(talk);
        act(talk);
        bool is_whole = is_body_whole(talk.is_chunked, talk.chunks, talk.body_left);
        if (!is_whole || talk.act < talk.acts->size() || talk.echoes) break;
        talk.acts = nullptr;
        talk.served = true;
    }
    if (!talk.echoes) return;
    talk.says += std::exchange(talk.heard, {});
}

void Origin::begin_request(Talk& talk) const {
    size_t end = talk.heard.find("\r\n\r\n");
    if (end == talk.heard.npos) return;
    std::string head = talk.heard.substr(0, end + 2);
    talk.heard.erase(0, end + 4);
    size_t target = head.find(' '), version = head.find(" HTTP/1.1\r\n");
    bool is_request = version != head.npos && (head.starts_with("GET /") || head.starts_with("HEAD /") ||
                                               head.starts_with("POST /"));
    EXPECT_TRUE(is_request) << "no request: " << head;
    if (!is_request) {
        talk.ends = true;
        return;
    }
    std::string name = head.substr(target + 1, version - target - 1);
    name.erase(0, name.rfind('/') + 1);
    auto found = plays_.find(name);
    CHECK(found != plays_.end());
    talk.acts = talk.served ? &found->second.later : &found->second.first;
    talk.act = 0;
    talk.chunks = ChunkedDecoder();
    talk.is_chunked = head.contains("\r\nTransfer-Encoding: chunked\r\n");
    constexpr std::string_view length = "\r\nContent-Length: ";
    size_t at = head.find(length);
    talk.body_left = at == head.npos ? 0 : std::stoul(head.substr(at + length.size()));
}

void Origin::take_body(Talk& talk) const {
    if (!talk.is_chunked) {
        size_t bytes = std::min(talk.body_left, talk.heard.size());
        check_body(std::string_view(talk.heard).substr(0, bytes));
        talk.body_left -= bytes;
        talk.heard.erase(0, bytes);
        return;
    }
    while (!talk.heard.empty() && !talk.chunks.is_done()) {
        ChunkedDecoder::Step step = talk.chunks.feed(talk.heard);
        check_body(step.data);
        EXPECT_NE(step.kind, ChunkedDecoder::Step::Kind::bad) << step.reason;
        if (step.kind == ChunkedDecoder::Step::Kind::bad) talk.ends = true;
        if (talk.ends) return;
        talk.heard.erase(0, step.consumed);
    }
}

// Does what is due.
void Origin::act(Talk& talk) const {
    bool is_whole = is_body_whole(talk.is_chunked, talk.chunks, talk.body_left);
    while (talk.act < talk.acts->size() && !talk.ends && !talk.echoes) {
        const Act& next = (*talk.acts)[talk.act];
        if (next.when == Act::When::body && !is_whole) return;
        ++talk.act;
        talk.says += next.says;
        talk.ends = next.then == Act::Then::closes;
        talk.echoes = next.then == Act::Then::echoes;
    }
}

void Origin::say(Talk& talk) const {
    if (!talk.socket) return;
    if (talk.tls != nullptr && !talk.says.empty()) {
        talk.tls->write(std::exchange(talk.says, {}));
        talk.sealed += talk.tls->sent();
    }
    std::string& out = talk.tls != nullptr ? talk.sealed : talk.says;
    ssize_t sent = out.empty() ? 0 : send(talk.socket.get(), out.data(), std::min(out.size(), says_max), MSG_NOSIGNAL);
    bool is_broken = sent < 0 && errno != EAGAIN;
    if (sent > 0) out.erase(0, static_cast<size_t>(sent));
    bool is_done = out.empty() && (talk.ends || talk.over);
    if (is_done || is_broken) talk.socket.reset();
}

}  // namespace ringx::http
