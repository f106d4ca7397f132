#include "net/ocsp_inquiry.h"

#include <openssl/err.h>
#include <openssl/http.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/check.h"
#include "base/format.h"

namespace ringx {
namespace {

// Responses have a few thousand bytes, with the signer's certificate in them.
constexpr unsigned long response_bytes_max = 16 * 1024;
constexpr size_t received_bytes_max = 32 * 1024;  // with the head
constexpr int line_bytes_max = 4096;

constexpr std::string_view invalid_response = "OCSP responder sent invalid response";

OwnedBio empty_memory() {
    OwnedBio bio(BIO_new(BIO_s_mem()));
    CHECK(bio != nullptr);
    return bio;
}

std::string_view content(BIO* bio) {
    char* bytes = nullptr;
    long size = BIO_get_mem_data(bio, &bytes);
    return {bytes, static_cast<size_t>(size)};
}

}  // namespace

// The HTTP of it.
class OcspInquiry::Exchange {
 public:
    Exchange(const OcspQuestion& question, const OcspResponder& responder)
        : out_(empty_memory()), in_(empty_memory()),
          http_(OSSL_HTTP_REQ_CTX_new(out_.get(), in_.get(), line_bytes_max)) {
        BIO_set_mem_eof_return(in_.get(), -1);  // more will come
        OSSL_HTTP_REQ_CTX* http = http_.get();
        CHECK(http != nullptr);
        OSSL_HTTP_REQ_CTX_set_max_response_length(http, response_bytes_max);
        CHECK(OSSL_HTTP_REQ_CTX_set_request_line(http, 1, nullptr, nullptr, responder.path.c_str()) == 1);
        CHECK(OSSL_HTTP_REQ_CTX_add1_header(http, "Host", responder.authority().c_str()) == 1);
        CHECK(OSSL_HTTP_REQ_CTX_set_expected(http, "application/ocsp-response", 1, 0, 0) == 1);
        CHECK(OSSL_HTTP_REQ_CTX_set1_req(http, "application/ocsp-request", ASN1_ITEM_rptr(OCSP_REQUEST),
                                         reinterpret_cast<const ASN1_VALUE*>(&question.request())) == 1);
    }

    enum class Progress : uint8_t { sends, receives, done, failed };
    Progress go_on() {
        ERR_clear_error();
        int result = OSSL_HTTP_REQ_CTX_nbio(http_.get());
        if (result == 1) return Progress::done;
        if (!unsent().empty()) return Progress::sends;
        return result == -1 ? Progress::receives : Progress::failed;
    }

    std::string_view unsent() const { return content(out_.get()); }
    void sent() { CHECK(BIO_reset(out_.get()) == 1); }

    // False when that is more than any response has. OpenSSL forgets between two calls what fields it has seen (3.0),
    // so it is given the head as a whole.
    bool received(std::string_view bytes) {
        received_bytes_ += bytes.size();
        if (received_bytes_ > received_bytes_max) return false;
        if (!has_head_) {
            head_ += bytes;
            has_head_ = head_.contains("\r\n\r\n") || head_.contains("\n\n");
            if (!has_head_) return true;
            bytes = head_;
        }
        CHECK(BIO_write(in_.get(), bytes.data(), static_cast<int>(bytes.size())) == static_cast<int>(bytes.size()));
        return true;
    }

    std::string response() const {
        std::string_view body = content(OSSL_HTTP_REQ_CTX_get0_mem_bio(http_.get()));
        return std::string(body.substr(0, OSSL_HTTP_REQ_CTX_get_resp_len(http_.get())));
    }

 private:
    OwnedBio out_;
    OwnedBio in_;
    std::unique_ptr<OSSL_HTTP_REQ_CTX, FreedBy<OSSL_HTTP_REQ_CTX_free>> http_;
    std::string head_;  // and what came with it
    bool has_head_ = false;
    size_t received_bytes_ = 0;
};

void OcspDesk::cancel() {
    inquiries_.each([](OcspInquiry& inquiry) { inquiry.cancel(); });
}

OcspInquiry::OcspInquiry(OcspDesk& desk, const OcspQuestion& question, const OcspResponder& responder,
                         std::shared_ptr<const ResolverRules> names, Subject subject)
    : desk_(desk), question_(question), responder_(responder), lookup_(desk.resolver_, std::move(names)),
      subject_(std::move(subject)) {
    desk_.inquiries_.push_back(*this);
    ++desk_.inquiries_count_;
}

uint64_t OcspInquiry::left_ms() const {
    uint64_t now = desk_.loop().clock().now_ms();
    return now < until_ms_ ? until_ms_ - now : 1;
}

// Each of the addresses has its share of the time.
Task<std::optional<std::string>> OcspInquiry::ask(uint64_t limit_ms) {
    limit_ms = std::min(limit_ms, limit_ms_max);
    const uint64_t end_ms = desk_.loop().clock().now_ms() + limit_ms;
    until_ms_ = end_ms;
    std::vector<Address> addresses = co_await find_addresses();
    for (size_t i = 0; i < addresses.size() && !cancelled_; ++i) {
        uint64_t now = desk_.loop().clock().now_ms();
        if (now >= end_ms) break;
        until_ms_ = now + (end_ms - now) / (addresses.size() - i);
        peer_ = addresses[i].text();
        std::optional<std::string> response = co_await ask_at(addresses[i]);
        if (response) co_return response;
    }
    co_return std::nullopt;
}

Task<std::vector<Address>> OcspInquiry::find_addresses() {
    if (auto known = Address::parse(responder_.authority(), 0)) {
        std::vector<Address> addresses(1, *known);
        co_return addresses;
    }
    NameLookup::Addresses found = co_await lookup_.find(responder_.host, responder_.port, left_ms());
    if (found) co_return std::move(found->all);
    fail_with({}, text::format("{} could not be resolved ({})", responder_.host, text_of(found.error())));
    co_return std::vector<Address>();
}

Task<std::optional<std::string>> OcspInquiry::ask_at(const Address& address) {
    using Progress = Exchange::Progress;
    int socket = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket < 0) {
        fail_with({"socket", errno}, "socket() failed");
        co_return std::nullopt;
    }
    Exchange exchange(question_, responder_);
    bool good = co_await connect(socket, address);
    Progress progress = Progress::sends;
    while (good && progress != Progress::done) {
        progress = exchange.go_on();
        if (progress == Progress::sends) good = co_await send(socket, exchange);
        if (progress == Progress::receives) good = co_await receive(socket, exchange);
        if (progress == Progress::failed) {
            fail_with({}, text::format("{}{}", invalid_response, take_openssl_errors()));
            good = false;
        }
    }
    desk_.loop().engine().close(socket);
    if (!good) co_return std::nullopt;
    co_return exchange.response();
}

Task<bool> OcspInquiry::connect(int socket, const Address& address) {
    Wait wait(desk_.loop(), Operation::Kind::connect, socket, "connect", left_ms());
    wait.address = address.get();
    wait.bytes = address.length();
    waiting_ = &wait;
    Result<int> connected = co_await wait;
    waiting_ = nullptr;
    if (!connected) fail_with(connected.error(), "connect() failed");
    co_return connected && !cancelled_;
}

Task<bool> OcspInquiry::send(int socket, Exchange& exchange) {
    std::string_view bytes = exchange.unsent();
    iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    Wait wait(desk_.loop(), Operation::Kind::send, socket, "send", left_ms());
    wait.message = &message;
    waiting_ = &wait;
    Result<int> sent = co_await wait;
    waiting_ = nullptr;
    bool whole = sent && static_cast<size_t>(*sent) == bytes.size();
    if (!sent) fail_with(sent.error(), "send() failed");
    if (sent && !whole) fail_with({}, "OCSP responder prematurely closed connection");
    exchange.sent();
    co_return whole && !cancelled_;
}

Task<bool> OcspInquiry::receive(int socket, Exchange& exchange) {
    Wait wait(desk_.loop(), Operation::Kind::receive, socket, "recv", left_ms());
    waiting_ = &wait;
    Result<int> got = co_await wait;
    waiting_ = nullptr;
    if (!got) {
        fail_with(got.error(), "recv() failed");
        co_return false;
    }
    if (*got == 0) {
        fail_with({}, "OCSP responder prematurely closed connection");
        co_return false;
    }
    Lease lease = wait.lease();
    bool fits = exchange.received(lease.view());
    if (!fits) fail_with({}, invalid_response);
    co_return fits && !cancelled_;
}

void OcspInquiry::fail_with(Error error, std::string_view what) const {
    if (cancelled_) return;
    report(error, error.number == ETIMEDOUT ? "OCSP responder timed out" : what);
}

void OcspInquiry::report(Error error, std::string_view what) const {
    auto describe = [](const void* object, LogTail& tail) {
        const auto& inquiry = *static_cast<const OcspInquiry*>(object);
        tail.add("responder", inquiry.responder_.host);
        if (!inquiry.peer_.empty()) tail.add("peer", inquiry.peer_);
        if (!inquiry.subject_.certificate.empty()) tail.quote("certificate", inquiry.subject_.certificate);
    };
    LogContext context{subject_.context.connection, describe, this, "requesting certificate status"};
    subject_.log().write(Level::error, context, error, "{}", what);
}

}  // namespace ringx
