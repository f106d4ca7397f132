// net/record_layer.h - what both sides of a TLS connection say after its handshake: data, the end, new keys, faults.
//
// Bytes only. Whole records come in, what they mean comes out; what is to be said goes out as records. A server's side:
// RFC 8446 sections 4.6 and 6, RFC 5246 section 7.
#pragma once

#include <array>
#include <cstdint>

#include "net/records.h"

namespace ringx {

// Something to be said that is no data.
struct Saying {
    RecordType type;
    std::array<char, 5> storage;
    uint8_t bytes;

    static Saying alert(Alert alert);
    // That the keys which seal change behind it, and that the other side's need not.
    static Saying key_update();
    std::string_view view() const { return {storage.data(), bytes}; }
};

class RecordLayer {
 public:
    explicit RecordLayer(const ConnectionKeys& keys) : opener_(keys.read), sealer_(keys.write) {}

    enum class Kind : uint8_t {
        nothing,       // for us
        data,
        end,           // no more will come
        renegotiates,  // wants to shake hands again, in TLS 1.2
        fault,
    };
    struct Meaning {
        Kind kind = Kind::nothing;
        std::string_view data = {};
        Alert alert = Alert::close_notify;  // to be sent: why it is a fault
        int reason = 0;                     // the fault, as OpenSSL's reason code
    };
    // How long the record is that begins here, or why it is a fault.
    std::expected<size_t, Meaning> size_of(std::string_view header) const;
    // What a whole record means. It is changed, and the data lie within it.
    Meaning read(std::span<char> record);

    // Before more data are sent our keys have to change: the other side wants it, or they are worn.
    bool owes_key_update() const { return owes_key_update_ || sealer_.is_worn(); }
    // The saying about it was sealed.
    void change_sealing_keys() {
        sealer_.change_keys();
        owes_key_update_ = false;
    }
    RecordSealer& sealer() { return sealer_; }

 private:
    Meaning read_alert(std::string_view message) const;
    Meaning read_handshake(std::string_view message);

    RecordOpener opener_;
    RecordSealer sealer_;
    std::array<char, 5> key_update_{};  // TLS 1.3: what has come of one
    uint8_t key_update_bytes_ = 0;
    uint8_t idle_records_ = 0;          // without data, one after the other
    bool owes_key_update_ = false;
};

}  // namespace ringx
