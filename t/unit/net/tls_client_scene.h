// net/tls_client_scene.h - our side of TLS in memory, with an upstream server of OpenSSL's.
//
// What either wants to send stays until it is delivered.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "t/unit/net/tls_authority.h"

namespace ringx::tls_test {

inline std::shared_ptr<const TlsClientContext> context_of(const TlsClientSettings& settings) {
    auto made = TlsClientContext::make(settings);
    EXPECT_TRUE(made) << made.error();
    return *made;
}

// Reads all that can be read. Ends with "<end>" or "<fault>" when there will be no more.
inline std::string read_all(TlsClient& tls) {
    std::string text;
    while (tls.state() == ReceiveFilter::State::ready) {
        Result<Lease> got = tls.take();
        if (!got || got->empty()) return text + (got ? "<end>" : "<fault>");
        text += got->view();
    }
    return text;
}

inline std::string received(TlsClient& tls, std::string_view bytes, size_t piece = 100000) {
    std::string text;
    while (!bytes.empty() && !text.ends_with('>')) {
        tls.push(lease_of(bytes.substr(0, piece)));
        bytes.remove_prefix(std::min(piece, bytes.size()));
        text += read_all(tls);
    }
    return text;
}

// Goes on until the client's side is done or has failed. What the server said behind it is read.
template <typename Peer>
TlsClient::Progress shake_hands(TlsClient& tls, Peer& server, size_t piece = 100000) {
    TlsClient::Progress progress = tls.shake_hands();
    for (int round = 0; round < 4 && progress == TlsClient::Progress::hungry; ++round) {
        server.receive(tls.take_unsent());
        server.shake_hands();
        for (std::string bytes = server.sent(); !bytes.empty() && progress == TlsClient::Progress::hungry;) {
            tls.push(lease_of(std::string_view(bytes).substr(0, piece)));
            bytes.erase(0, piece);
            progress = tls.shake_hands();
        }
    }
    server.receive(tls.take_unsent());
    server.shake_hands();
    return progress;
}

// What comes of it: "" or a sentence.
template <typename Peer>
std::string outcome(TlsClient& tls, Peer& server, size_t piece = 100000) {
    if (shake_hands(tls, server, piece) != TlsClient::Progress::done) return "failed" + tls.fault();
    auto judged = tls.settle();
    if (!judged) return judged.error();
    EXPECT_EQ(received(tls, server.sent(), piece), "");  // tickets
    return "";
}

// A connection of its own to that server.
inline std::string outcome_with(const TlsClientSettings& settings, const Holder& holder, std::string_view name,
                         int version = TLS1_3_VERSION) {
    TlsClientSessions sessions;
    OwnedSslCtx ctx = tls_test::server_ctx(holder, version);
    Server server(ctx.get());
    TlsClient tls(context_of(settings), sessions, -1, name, "127.0.0.1:443");
    std::string what = outcome(tls, server);
    EXPECT_EQ(sessions.keys(), what.empty() ? 1u : 0u) << what;
    return what;
}

inline void send(TlsClient& tls, std::string text) {
    for (size_t sent = 0; sent < text.size();) {
        iovec parts[] = {{text.data() + sent, 0}, {text.data() + sent, text.size() - sent}};
        size_t taken = tls.send(parts, Follows::nothing, 0);
        ASSERT_GT(taken, 0u);
        sent += taken;
    }
}

// Everything with TLS 1.2 and with 1.3.
class BothVersions : public testing::TestWithParam<int> {
 protected:
    bool is_tls_1_3() const { return GetParam() == TLS1_3_VERSION; }

    TlsClientSessions sessions;
    OwnedSslCtx ctx = tls_test::server_ctx(good_server(), GetParam());
};

}  // namespace ringx::tls_test
