// t/fuzz/tls_client_fuzz.cc - our side of TLS towards an upstream server whose bytes were changed on the way.
//
// The first byte chooses the version, how the bytes are cut, and whether the server asks for new keys (or, in TLS 1.2,
// to shake hands again) behind its answer; then a script changes what a real server says. What follows it is sent as it
// is. Without changes everything must work. Whatever comes, our side says done, hungry or failed, hands up what the
// server sealed and nothing else, and does not grow.
#include <cstdint>
#include <string>

#include "t/fuzz/mangler.h"
#include "t/unit/net/tls_authority.h"

using namespace ringx;

namespace {

constexpr size_t unsent_bytes_max = 1 << 20;
const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

// One conversation of both sides.
class Talk {
 public:
    Talk(std::shared_ptr<const TlsClientContext> context, SSL_CTX* theirs, size_t piece)
        : tls_(std::move(context), sessions_, -1, "a.test", "here"), server_(theirs), piece_(piece) {
        (void)tls_.shake_hands();
    }

    bool goes_on() const { return goes_on_; }
    bool is_done() const { return is_done_; }
    const std::string& got() const { return got_; }
    tls_test::Server& server() { return server_; }

    void give(std::string_view bytes) {
        while (!bytes.empty() && goes_on_) {
            tls_.push(tls_test::lease_of(bytes.substr(0, piece_)));
            bytes.remove_prefix(std::min(piece_, bytes.size()));
            if (!is_done_) go_on();
            if (is_done_) read();
        }
        CHECK(tls_.unsent().size() < unsent_bytes_max);
    }
    void carry_to_server() { server_.receive(tls_.take_unsent()); }

 private:
    void go_on() {
        TlsClient::Progress progress = tls_.shake_hands();
        if (progress == TlsClient::Progress::done) is_done_ = tls_.settle().has_value();
        goes_on_ = progress == TlsClient::Progress::hungry || is_done_;
    }
    void read() {
        while (goes_on_ && tls_.state() == ReceiveFilter::State::ready) {
            Result<Lease> taken = tls_.take();
            goes_on_ = taken && !taken->empty();
            if (goes_on_) got_ += taken->view();
        }
    }

    TlsClientSessions sessions_;
    TlsClient tls_;
    tls_test::Server server_;
    size_t piece_;
    std::string got_;
    bool goes_on_ = true;
    bool is_done_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const auto context = TlsClientContext::make(tls_test::strict());
    CHECK(context.has_value());
    static const OwnedSslCtx servers[] = {tls_test::server_ctx(tls_test::good_server(), TLS1_2_VERSION),
                                          tls_test::server_ctx(tls_test::good_server(), TLS1_3_VERSION)};
    if (size == 0) return 0;
    std::string_view input(reinterpret_cast<const char*>(data), size);
    bool is_new = (input[0] & 1) != 0, asks = (input[0] & 4) != 0;
    size_t piece = (input[0] & 2) != 0 ? 1 + (static_cast<unsigned char>(input[0]) >> 3) : 100000;
    Mangler mangler(input.substr(1));

    Talk talk(*context, servers[is_new ? 1 : 0].get(), piece);
    bool has_answered = false;
    for (int round = 0; round < 4 && talk.goes_on(); ++round) {
        talk.carry_to_server();
        bool is_ready = talk.server().shake_hands();
        if (is_ready && !has_answered) {
            has_answered = true;
            talk.server().write(answer);
            if (asks && is_new) SSL_key_update(talk.server().ssl(), SSL_KEY_UPDATE_REQUESTED);
            if (asks && !is_new) SSL_renegotiate(talk.server().ssl());
            talk.server().shake_hands();
        }
        talk.give(mangler.mangle(talk.server().sent()));
    }
    if (!mangler.touched()) CHECK(talk.is_done() && talk.got() == answer);
    CHECK(answer.starts_with(talk.got()));
    talk.give(mangler.rest());
    CHECK(answer.starts_with(talk.got()));
    return 0;
}
