// t/fuzz/tls_records_fuzz.cc - what a client with good keys says after a handshake, in records nobody would make.
//
// The first byte chooses the version and how the bytes are cut. Steps follow: data, a record of any type, new keys, a
// record that is changed on its way, bytes that are no record, and an answer of the server's. Whatever comes, what is
// handed up is what was sealed as data, in order, and all of it when every record was as it should be; and the client
// understands the answers.
#include <cstdint>
#include <string>

#include "t/unit/net/tls_scene.h"

using namespace ringx;

namespace {

constexpr int idle_records_max = 32;  // RecordLayer's
constexpr size_t unsent_bytes_max = 1 << 20;

class Script {
 public:
    explicit Script(std::string_view bytes) : bytes_(bytes) {}

    bool empty() const { return bytes_.empty(); }
    unsigned char byte() {
        if (bytes_.empty()) return 0;
        auto first = static_cast<unsigned char>(bytes_[0]);
        bytes_.remove_prefix(1);
        return first;
    }
    // A few bytes as they stand here, or many that are alike.
    std::string text() {
        unsigned char size = byte();
        if (size >= 128) return std::string((size - 127u) * 128u, static_cast<char>(byte()));
        std::string taken(bytes_.substr(0, size));
        bytes_.remove_prefix(taken.size());
        return taken;
    }

 private:
    std::string_view bytes_;
};

// A line of a key log: NAME RANDOM SECRET, see SSL_CTX_set_keylog_callback(3).
void note(TrafficSecrets& secrets, std::string_view line) {
    bool is_clients = line.starts_with("CLIENT_TRAFFIC_SECRET_0 ");
    if (!is_clients && !line.starts_with("SERVER_TRAFFIC_SECRET_0 ")) return;
    std::string hex(line.substr(line.rfind(' ') + 1));
    long bytes = 0;
    unsigned char* secret = OPENSSL_hexstr2buf(hex.c_str(), &bytes);
    CHECK(secret != nullptr);
    Bytes noted(secret, static_cast<size_t>(bytes));
    is_clients ? secrets.note_client(noted) : secrets.note_server(noted);
    OPENSSL_free(secret);
}

// Both sides, after the handshake.
class Talk {
 public:
    Talk(std::shared_ptr<const TlsContext> context, const TicketKeys& keys, int version, size_t piece)
        : tls_(std::move(context), keys, -1, ""), client_(version), piece_(piece) {
        SSL_CTX* ctx = SSL_get_SSL_CTX(client_.ssl());
        SSL_CTX_set_app_data(ctx, &secrets_);
        SSL_CTX_set_keylog_callback(ctx, [](const SSL* ssl, const char* line) {
            note(*static_cast<TrafficSecrets*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl))), line);
        });
        for (auto progress = Tls::Progress::hungry; progress != Tls::Progress::done;) {
            client_.shake_hands();
            tls_.push(tls_test::lease_of(client_.sent()));
            progress = tls_.shake_hands();
            CHECK(progress != Tls::Progress::failed);
            client_.receive(tls_.take_unsent());
        }
        tls_.settle(false);
        CHECK(client_.shake_hands());
        auto keys_of_both = keys_after_handshake(client_.ssl(), secrets_, 0);
        CHECK(keys_of_both.has_value());
        sealer_ = std::make_unique<RecordSealer>(keys_of_both->read);
    }

    std::string seal(RecordType type, std::string text) {
        if (text.empty()) text.assign(1, 0);  // the sealer makes no empty ones
        iovec part{text.data(), text.size()};
        PartReader parts({&part, 1});
        std::string record(text.size() + RecordSealer::bytes_around_max, '\0');
        record.resize(sealer_->seal(type, parts, text.size(), record.data()));
        return record;
    }
    void change_keys() { sealer_->change_keys(); }
    bool is_new() const { return sealer_->is_tls_1_3(); }

    void give(std::string_view bytes) {
        while (!bytes.empty() && !is_over_) {
            tls_.push(tls_test::lease_of(bytes.substr(0, piece_)));
            bytes.remove_prefix(std::min(piece_, bytes.size()));
            while (!is_over_ && tls_.state() == ReceiveFilter::State::ready) {
                Result<Lease> taken = tls_.take();
                is_over_ = !taken || taken->empty();
                if (!is_over_) got += taken->view();
            }
        }
        CHECK(tls_.unsent().size() < unsent_bytes_max);
        client_.receive(tls_.take_unsent());
    }
    // False when the server cannot say anything any more.
    bool answer(std::string text) {
        iovec part{text.data(), text.size()};
        size_t taken = tls_.send({&part, 1}, Follows::nothing, 0);
        if (tls_.error() != 0) return false;
        CHECK(taken == text.size());
        client_.receive(tls_.take_unsent());
        return client_.read() == text;
    }
    bool is_broken() const { return !tls_.fault().empty(); }

    std::string got;

 private:
    Tls tls_;
    tls_test::Client client_;
    TrafficSecrets secrets_;
    std::unique_ptr<RecordSealer> sealer_;
    size_t piece_;
    bool is_over_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const tls_test::Identity identity;
    static const auto context = TlsContext::make(tls_test::settings_of(identity));
    static TicketKeys keys;
    static const bool has_keys = (keys.rotate(TicketKeys::Moment(), std::chrono::minutes(5)), true);
    CHECK(context.has_value() && has_keys);
    Script script({reinterpret_cast<const char*>(data), size});
    unsigned char how = script.byte();
    size_t piece = (how & 2) != 0 ? 1 + (how >> 2) : 100000;
    Talk talk(*context, keys, (how & 1) != 0 ? TLS1_3_VERSION : TLS1_2_VERSION, piece);

    std::string sealed;  // as data
    bool is_clean = true;
    int idle_records = 0;
    for (int step = 0; step < 100 && !script.empty(); ++step) {
        switch (script.byte() % 6) {
            case 0: {
                std::string text = script.text();
                if (text.empty()) text.assign(1, 'x');
                sealed += text;
                idle_records = 0;
                talk.give(talk.seal(RecordType::data, text));
                break;
            }
            case 1: {
                auto type = static_cast<RecordType>(script.byte());
                std::string text = script.text();
                is_clean = false;
                bool is_padding = static_cast<int>(type) == 0;  // the type is what stands before it
                if (type != RecordType::data && !is_padding) talk.give(talk.seal(type, text));
                break;
            }
            case 2: {
                if (!talk.is_new()) break;
                char wants_ours = static_cast<char>(script.byte() & 1);
                talk.give(talk.seal(RecordType::handshake, {24, 0, 0, 1, wants_ours}));
                talk.change_keys();
                is_clean = is_clean && ++idle_records <= idle_records_max;
                break;
            }
            case 3: {
                std::string record = talk.seal(RecordType::data, script.text());
                size_t at = script.byte() % record.size();
                record[at] = static_cast<char>(record[at] ^ (script.byte() | 1));
                bool is_in_version = at == 1 || at == 2;  // nobody looks at it in TLS 1.2
                is_clean = false;
                if (!is_in_version) talk.give(record);
                break;
            }
            case 4:
                is_clean = false;
                talk.give(script.text());
                break;
            case 5: {
                std::string text = script.text();
                bool is_heard = text.empty() || talk.answer(text);
                CHECK(is_heard || !is_clean);
                break;
            }
        }
        CHECK(sealed.starts_with(talk.got));
    }
    if (is_clean) CHECK(talk.got == sealed && !talk.is_broken());
    return 0;
}
