#include "net/dns_exchange.h"

#include <sys/random.h>
#include <sys/socket.h>

#include "base/check.h"

namespace ringx {
namespace {

// Who guesses gets this many tries for each socket.
constexpr int strays_max = 64;
constexpr uint8_t code_format_error = 1, code_unimplemented = 4;

uint16_t random_id() {
    uint16_t id = 0;
    CHECK(getrandom(&id, sizeof id, 0) == sizeof id);
    return id;
}

int make_socket(const Address& server, int type) {
    return ::socket(server.family(), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

// A datagram leaves at once or not at all.
Result<> send_query(int socket, const Address& server, const DnsQuestion& question) {
    if (::connect(socket, server.get(), server.length()) < 0) return fail("connect");
    std::string query = make_dns_query(question);
    if (::send(socket, query.data(), query.size(), MSG_NOSIGNAL) < 0) return fail("send");
    return {};
}

}  // namespace

uint64_t DnsExchange::left_ms() const {
    uint64_t now = loop_.clock().now_ms();
    return now < until_ms_ ? until_ms_ - now : 1;
}

Task<Result<int>> DnsExchange::wait_for(Wait& wait) {
    waiting_ = &wait;
    Result<int> result = co_await wait;
    waiting_ = nullptr;
    if (cancelled_) co_return fail("cancel", ECANCELED);
    co_return result;
}

Task<Result<DnsAnswer>> DnsExchange::ask(const Address& server, DnsType type, std::string name, uint64_t limit_ms) {
    if (cancelled_) co_return fail("cancel", ECANCELED);
    until_ms_ = loop_.clock().now_ms() + limit_ms;
    question_ = DnsQuestion();
    question_.type = type;
    question_.name = std::move(name);
    Result<DnsAnswer> answer = co_await ask_by_datagram(server);
    // There are still servers that do not know EDNS (RFC 6891 section 7).
    if (answer && (answer->code == code_format_error || answer->code == code_unimplemented)) {
        question_.datagram_bytes = 0;
        answer = co_await ask_by_datagram(server);
    }
    if (answer && answer->truncated) answer = co_await ask_by_stream(server);
    co_return answer;
}

Task<Result<DnsAnswer>> DnsExchange::ask_by_datagram(const Address& server) {
    int socket = make_socket(server, SOCK_DGRAM);
    if (socket < 0) co_return fail("socket");
    question_.id = random_id();
    Result<> sent = send_query(socket, server, question_);
    Result<DnsAnswer> answer;
    if (sent) answer = co_await receive_answer(socket);
    if (!sent) answer = std::unexpected(sent.error());
    loop_.engine().close(socket);
    co_return answer;
}

Task<Result<DnsAnswer>> DnsExchange::receive_answer(int socket) {
    for (int strays = 0; strays < strays_max; ++strays) {
        Wait wait(loop_, Operation::Kind::receive, socket, "recv", left_ms());
        Result<int> got = co_await wait_for(wait);
        if (!got) co_return std::unexpected(got.error());
        Lease lease = wait.lease();
        auto answer = read_dns_answer(lease.view(), question_);
        if (answer) co_return std::move(*answer);
    }
    co_return fail("recv", EBADMSG);
}

Task<Result<DnsAnswer>> DnsExchange::ask_by_stream(const Address& server) {
    int socket = make_socket(server, SOCK_STREAM);
    if (socket < 0) co_return fail("socket");
    question_.id = random_id();
    Result<> done = co_await converse(socket, server);
    loop_.engine().close(socket);
    if (!done) co_return std::unexpected(done.error());
    auto answer = read_dns_answer(received_, question_);
    bool is_whole = answer && !answer->truncated;
    if (!is_whole) co_return fail("recv", EBADMSG);
    co_return std::move(*answer);
}

// Leaves the message in received_ (RFC 1035 section 4.2.2: its length goes before it).
Task<Result<>> DnsExchange::converse(int socket, const Address& server) {
    Wait connecting(loop_, Operation::Kind::connect, socket, "connect", left_ms());
    connecting.address = server.get();
    connecting.bytes = server.length();
    Result<int> connected = co_await wait_for(connecting);
    if (!connected) co_return std::unexpected(connected.error());

    std::string query = make_dns_query(question_);
    query.insert(0, {static_cast<char>(query.size() >> 8), static_cast<char>(query.size() & 0xff)});
    iovec part{query.data(), query.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    Wait sending(loop_, Operation::Kind::send, socket, "send", left_ms());
    sending.message = &message;
    Result<int> sent = co_await wait_for(sending);
    if (!sent) co_return std::unexpected(sent.error());
    bool is_sent = static_cast<size_t>(*sent) == query.size();
    if (!is_sent) co_return fail("send", ECONNRESET);

    received_.resize(2);
    Result<> got = co_await receive(socket, received_);
    if (!got) co_return got;
    received_.resize(size_t{static_cast<uint8_t>(received_[0])} << 8 | static_cast<uint8_t>(received_[1]));
    got = co_await receive(socket, received_);
    co_return got;
}

// Fills all of it.
Task<Result<>> DnsExchange::receive(int socket, std::string& into) {
    for (size_t at = 0; at < into.size();) {
        Wait wait(loop_, Operation::Kind::receive_into, socket, "recv", left_ms());
        wait.data = into.data() + at;
        wait.bytes = static_cast<uint32_t>(into.size() - at);
        Result<int> got = co_await wait_for(wait);
        if (!got) co_return std::unexpected(got.error());
        if (*got == 0) co_return fail("recv", ECONNRESET);
        at += static_cast<size_t>(*got);
    }
    co_return Result<>();
}

}  // namespace ringx
