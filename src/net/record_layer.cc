#include "net/record_layer.h"

#include <openssl/sslerr.h>

#include "base/check.h"

namespace ringx {
namespace {

using Kind = RecordLayer::Kind;
using Meaning = RecordLayer::Meaning;

// Records without data cost the other side less than us.
constexpr uint8_t idle_records_max = 32;

constexpr char warning_level = 1;
constexpr char fatal_level = 2;
constexpr char key_update_type = 24;

Meaning fault(Alert alert, int reason) { return {.kind = Kind::fault, .alert = alert, .reason = reason}; }

// What is wrong with a record that could not be opened.
Meaning fault_of(Alert alert) {
    switch (alert) {
        case Alert::record_overflow: return fault(alert, SSL_R_DATA_LENGTH_TOO_LONG);
        case Alert::bad_record_mac: return fault(alert, SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC);
        default: return fault(alert, SSL_R_BAD_RECORD_TYPE);
    }
}

}  // namespace

Saying Saying::alert(Alert alert) {
    bool is_fatal = alert != Alert::close_notify && alert != Alert::no_renegotiation;
    return {RecordType::alert, {is_fatal ? fatal_level : warning_level, static_cast<char>(alert)}, 2};
}

Saying Saying::key_update() { return {RecordType::handshake, {key_update_type, 0, 0, 1, 0}, 5}; }

std::expected<size_t, Meaning> RecordLayer::size_of(std::string_view header) const {
    auto size = opener_.size_of(header);
    if (!size) return std::unexpected(fault_of(size.error()));
    return *size;
}

Meaning RecordLayer::read(std::span<char> record) {
    auto opened = opener_.open(record);
    if (!opened) return fault_of(opened.error());
    std::string_view message(opened->bytes.data(), opened->bytes.size());
    if (opened->type != RecordType::handshake && key_update_bytes_ > 0) {
        return fault(Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE);
    }
    bool has_data = opened->type == RecordType::data && !message.empty();
    idle_records_ = has_data ? 0 : static_cast<uint8_t>(idle_records_ + 1);
    if (idle_records_ > idle_records_max) return fault(Alert::unexpected_message, SSL_R_RECORD_TOO_SMALL);
    switch (opened->type) {
        case RecordType::data: return has_data ? Meaning{.kind = Kind::data, .data = message} : Meaning();
        case RecordType::alert: return read_alert(message);
        case RecordType::handshake: return read_handshake(message);
        default: return fault(Alert::unexpected_message, SSL_R_UNEXPECTED_RECORD);
    }
}

Meaning RecordLayer::read_alert(std::string_view message) const {
    if (message.empty()) return fault(Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE);  // RFC 8446 section 5.1
    if (message.size() != 2) return fault(Alert::decode_error, SSL_R_INVALID_ALERT);
    auto alert = static_cast<Alert>(message[1]);
    if (alert == Alert::close_notify) return {.kind = Kind::end};
    // TLS 1.3 has no other warnings (RFC 8446 section 6).
    bool is_warning = opener_.is_tls_1_3() ? alert == Alert::user_canceled : message[0] == warning_level;
    if (is_warning) return {};
    // Nothing is to be said to that.
    return fault(Alert::close_notify, SSL_AD_REASON_OFFSET + static_cast<unsigned char>(message[1]));
}

Meaning RecordLayer::read_handshake(std::string_view message) {
    if (!opener_.is_tls_1_3()) return {.kind = Kind::renegotiates};
    if (message.empty()) return fault(Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE);
    // Behind it the keys are others, so nothing may follow in the same record.
    size_t room = key_update_.size() - key_update_bytes_;
    if (message.size() > room) return fault(Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE);
    message.copy(key_update_.data() + key_update_bytes_, message.size());
    key_update_bytes_ = static_cast<uint8_t>(key_update_bytes_ + message.size());
    if (key_update_[0] != key_update_type) return fault(Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE);
    if (key_update_bytes_ < key_update_.size()) return {};
    key_update_bytes_ = 0;
    bool has_size = key_update_[1] == 0 && key_update_[2] == 0 && key_update_[3] == 1;
    if (!has_size) return fault(Alert::decode_error, SSL_R_BAD_KEY_UPDATE);
    if (key_update_[4] != 0 && key_update_[4] != 1) return fault(Alert::illegal_parameter, SSL_R_BAD_KEY_UPDATE);
    opener_.change_keys();
    owes_key_update_ = owes_key_update_ || key_update_[4] == 1;
    return {};
}

}  // namespace ringx
