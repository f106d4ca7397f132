#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "net/kernel_tls.h"
#include "net/key_schedule.h"

namespace ringx {
namespace {

// Who asks and does not read is not answered any more when so much waits.
constexpr size_t answered_until_bytes = 4096;

}  // namespace

Tls::Tls(std::shared_ptr<const TlsContext> context, const TicketKeys& ticket_keys, int socket,
         std::string_view server_name)
    : TlsChannel(context->ssl_ctx(), socket),
      context_(std::move(context)),
      ticket_keys_(ticket_keys),
      secrets_(std::make_unique<TrafficSecrets>()),
      server_name_(server_name) {
    SSL_set_accept_state(ssl_.get());
    reads_early_ = context_->early_data();
}

// OpenSSL may ask the context until then.
Tls::~Tls() { end_openssl(); }

void Tls::write(std::string_view bytes) {
    if (!is_settled_ && error_ == 0) written_.add(bytes);
    TlsChannel::write(bytes);
}

bool Tls::push() {
    if (unsent_saying_) say(*std::exchange(unsent_saying_, std::nullopt));
    return TlsChannel::push() && !unsent_saying_;
}

Tls::Progress Tls::shake_hands() {
    ERR_clear_error();
    SecretsWatch watch(secrets_.get());
    written_ = RecordCounter();
    if (reads_early_) {
        read_with_openssl();
        if (state_ == State::ready) return plain_.empty() ? Progress::failed : Progress::done;
        if (reads_early_) return Progress::hungry;
    }
    return do_handshake();
}

void Tls::settle(bool in_kernel) {
    is_settled_ = true;
    info_ = TlsInfo::of(ssl_.get(), context_->tells_offer());
    if (int fragment = SSL_SESSION_get_max_fragment_length(SSL_get0_session(ssl_.get()));
        fragment >= TLSEXT_max_fragment_length_512 && fragment <= TLSEXT_max_fragment_length_4096) {
        record_bytes_max_ = static_cast<uint16_t>(256u << fragment);  // RFC 6066 section 4
    }
    if (is_early_ || context_->pads_records()) return;
    auto keys = keys_after_handshake(ssl_.get(), *secrets_, written_.records());
    if (!keys) return;
    // OpenSSL reads no more than a record at a time. Of the last one in TLS 1.2 it may have left something: the
    // beginning of what it would take for the next handshake.
    bool is_at_border = SSL_has_pending(ssl_.get()) == 0;
    records_ = std::make_unique<RecordLayer>(*keys);
    if (in_kernel && context_->wants_kernel()) {
        CHECK(unsent_.empty());
        kernel_error_ = let_kernel_seal(socket_, keys->write);
        kernel_seals_ = kernel_error_ == 0;
    }
    end_openssl();
    secrets_.reset();
    if (!is_at_border) end_with({.alert = Alert::unexpected_message, .reason = SSL_R_UNEXPECTED_MESSAGE});
}

void Tls::forget_session() const { context_->forget_session(info_.version, info_.session_id); }

ReceiveFilter::State Tls::state() {
    if (state_ == State::hungry) {
        records_ != nullptr ? read_records() : read_with_openssl();
        give_back();
    }
    return state_;
}

// For early data, too.
int Tls::read_some(char* to, size_t bytes) {
    if (reads_early_) {
        size_t got = 0;
        int result = SSL_read_early_data(ssl_.get(), to, bytes, &got);
        if (result == SSL_READ_EARLY_DATA_ERROR) return -1;
        reads_early_ = result == SSL_READ_EARLY_DATA_SUCCESS;
        is_early_ = is_early_ || reads_early_;
        if (reads_early_) return static_cast<int>(got);
        if (!is_settled_) return 0;  // what follows the handshake is not for OpenSSL to read
    }
    int got = TlsChannel::read_some(to, bytes);
    if (SSL_is_init_finished(ssl_.get()) == 1) is_early_ = false;
    return got;
}

// Opens records until one has something for who reads.
void Tls::read_records() {
    while (state_ == State::hungry) {
        if (rest().empty() || !read_record(rest())) return;
    }
}

// Goes on with a record. False: all of `rest` was used, and more is needed.
bool Tls::read_record(std::string_view rest) {
    std::string_view begun = partial_ == nullptr ? rest : std::string_view(*partial_);
    size_t size = record_header_bytes;
    if (begun.size() >= record_header_bytes) {
        auto whole = records_->size_of(begun);
        if (!whole) {
            end_with(whole.error());
            return true;
        }
        size = *whole;
    }
    if (partial_ == nullptr && size > record_header_bytes && rest.size() >= size) {
        // Where it lies; what is behind it stays there.
        read_ += size;
        RecordLayer::Meaning meaning = records_->read(received_.bytes().subspan(read_ - size, size));
        bool is_last = read_ == received_.view().size();
        if (is_last) read_ = 0;
        use(meaning, is_last ? std::move(received_) : Lease());
        return true;
    }
    if (partial_ == nullptr) partial_ = std::make_unique<std::string>();
    size_t more = std::min(size - partial_->size(), rest.size());
    partial_->append(rest.substr(0, more));
    read_ += more;
    if (partial_->size() < size) return false;
    if (size == record_header_bytes) return read_ < received_.view().size();
    Lease whole(std::move(partial_));
    RecordLayer::Meaning meaning = records_->read(whole.bytes());
    use(meaning, std::move(whole));
    return true;
}

// What it tells may lie in `whole`, which nobody else needs then; otherwise it is copied.
void Tls::use(RecordLayer::Meaning meaning, Lease whole) {
    using Kind = RecordLayer::Kind;
    switch (meaning.kind) {
        case Kind::nothing: break;
        case Kind::data:
            if (whole.empty()) {
                plain_ = Lease(std::make_unique<std::string>(meaning.data));
            } else {
                whole.narrow(static_cast<size_t>(meaning.data.data() - whole.view().data()), meaning.data.size());
                plain_ = std::move(whole);
            }
            state_ = State::ready;
            return;
        case Kind::end: end(); closed_ = true; return;
        case Kind::renegotiates:
            if (unsent_.size() < answered_until_bytes) say(Saying::alert(Alert::no_renegotiation));
            break;
        case Kind::fault: end_with(meaning); return;
    }
    // The kernel's keys stay as they are.
    if (kernel_seals_ && records_->owes_key_update()) {
        end_with({.alert = Alert::unexpected_message, .reason = SSL_R_BAD_KEY_UPDATE});
    }
}

// Whatever comes behind it is ignored (RFC 8446 section 6.1).
void Tls::end() {
    received_.release();
    read_ = 0;
    state_ = State::ready;
}

void Tls::end_with(RecordLayer::Meaning fault) {
    ERR_clear_error();
    ERR_raise(ERR_LIB_SSL, fault.reason);
    fault_ = take_openssl_errors();
    forget_session();  // before the client knows
    if (fault.alert != Alert::close_notify) say(Saying::alert(fault.alert));
    is_broken_ = true;
    end();
}

size_t Tls::record_bytes() const {
    size_t bytes = context_->record_bytes_max() > 0 ? context_->record_bytes_max() : TlsChannel::record_bytes();
    return std::min<size_t>(bytes, record_bytes_max_);
}

size_t Tls::send_parts(PartReader& parts) {
    if (is_broken_) error_ = EPIPE;
    if (error_ != 0) return 0;
    return records_ != nullptr ? send_records(parts) : send_with_openssl(parts);
}

size_t Tls::send_records(PartReader& parts) {
    CHECK(!kernel_seals_);  // or nonces would be used twice
    if (records_->owes_key_update()) {
        say(Saying::key_update());
        records_->change_sealing_keys();
    }
    // Small records have room; those that were configured to be smaller have to share it.
    constexpr size_t records_max = send_bytes_max / small_record_bytes;
    char sealed[send_bytes_max + records_max * RecordSealer::bytes_around_max];
    size_t size = 0, taken = 0;
    while (taken < send_bytes_max) {
        size_t bytes = parts.count(std::min(record_bytes(), send_bytes_max - taken));
        if (bytes == 0 || size + bytes + RecordSealer::bytes_around_max > sizeof sealed) break;
        size += records_->sealer().seal(RecordType::data, parts, bytes, sealed + size);
        taken += bytes;
        streamed_ += bytes;
    }
    if (!parts.empty()) follows_ = Follows::more;
    write({sealed, size});
    return taken;
}

bool Tls::write_some(std::string_view bytes) {
    if (!is_early_) return TlsChannel::write_some(bytes);
    size_t written = 0;
    return SSL_write_early_data(ssl_.get(), bytes.data(), bytes.size(), &written) == 1;
}

void Tls::say(const Saying& saying) {
    if (error_ != 0) return;
    if (kernel_seals_) {
        if (send_kernel_record(socket_, saying.type, saying.view()) >= 0) return;
        if (errno == EAGAIN || errno == EINTR) unsent_saying_ = saying;
        else error_ = errno;
        return;
    }
    std::string_view text = saying.view();
    iovec part{const_cast<char*>(text.data()), text.size()};
    PartReader parts({&part, 1});
    char sealed[sizeof saying.storage + RecordSealer::bytes_around_max];
    write({sealed, records_->sealer().seal(saying.type, parts, text.size(), sealed)});
}

void Tls::send_close_notify() {
    if (is_broken_) return;
    if (records_ != nullptr) return say(Saying::alert(Alert::close_notify));
    TlsChannel::send_close_notify();
}

}  // namespace ringx
