// t/fuzz/tls_fuzz.cc - a server's handshake, and records after it, with a client whose bytes were changed on the way.
//
// The first byte chooses the version and how the bytes are cut; then pairs of bytes change those of a real client: how
// many are left as they are, and what the next one is xored with. Without pairs everything must work. What follows a
// zero byte is sent as it is. Whatever comes, the server's side says done, hungry or failed, and does not grow.
#include <cstdint>
#include <string>

#include "net/client_hello.h"
#include "t/fuzz/mangler.h"
#include "t/unit/net/tls_scene.h"

using namespace ringx;

namespace {

constexpr size_t unsent_bytes_max = 1 << 20;

// False when the conversation is over.
bool take_all(Tls& tls) {
    while (tls.state() == ReceiveFilter::State::ready) {
        Result<Lease> got = tls.take();
        if (!got || got->empty()) return false;
    }
    return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const tls_test::Identity identity;
    static const auto context = TlsContext::make(tls_test::settings_of(identity));
    CHECK(context.has_value());
    if (size == 0) return 0;
    std::string_view input(reinterpret_cast<const char*>(data), size);
    bool is_new = (input[0] & 1) != 0;
    size_t piece = (input[0] & 2) != 0 ? 1 + (static_cast<unsigned char>(input[0]) >> 2) : 100000;
    Mangler mangler(input.substr(1));

    TicketKeys keys;
    keys.rotate(TicketKeys::Moment(), std::chrono::minutes(5));
    Tls tls(*context, keys, -1, "");
    tls_test::Client client(is_new ? TLS1_3_VERSION : TLS1_2_VERSION);
    Tls::Progress progress = Tls::Progress::hungry;
    bool goes_on = true;
    auto give = [&](std::string_view bytes) {
        while (!bytes.empty() && goes_on) {
            tls.push(tls_test::lease_of(bytes.substr(0, piece)));
            bytes.remove_prefix(std::min(piece, bytes.size()));
            if (progress == Tls::Progress::hungry) {
                progress = tls.shake_hands();
                if (progress == Tls::Progress::done) tls.settle(false);
            }
            if (progress == Tls::Progress::failed) goes_on = false;
            if (progress == Tls::Progress::done && goes_on) goes_on = take_all(tls);
        }
        CHECK(tls.unsent().size() < unsent_bytes_max);
        client.receive(tls.take_unsent());
    };
    std::string hello;
    for (int round = 0; round < 4 && goes_on; ++round) {
        bool is_ready = client.shake_hands();
        if (is_ready) client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        std::string bytes = mangler.mangle(client.sent());
        if (round == 0) (void)read_client_hello(bytes);
        give(bytes);
    }
    if (!mangler.touched()) CHECK(progress == Tls::Progress::done);
    (void)read_client_hello(mangler.rest());
    give(mangler.rest());
    return 0;
}
