#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "net/kernel_tls.h"

namespace ringx {
namespace {

// What is encrypted at a time: several records leave before the socket is asked again, and what it does not take is
// held in memory.
constexpr size_t send_bytes_max = 64 * 1024;

// A small record can be used by the client as soon as its few packets have come; a large one costs less. So a stream
// begins with small ones, and again after a pause, when the network's window has become small (as in TCP slow start).
constexpr size_t small_record_bytes = 4096;
constexpr size_t large_record_bytes = record_plain_bytes_max;
constexpr uint64_t small_records_until = 64 * 1024;
constexpr uint64_t pause_ms = 1000;

// Who asks and does not read is not answered any more when so much waits.
constexpr size_t answered_until_bytes = 4096;

// Room for the records of one send(). Those smaller than small ones have to share it.
constexpr size_t sealed_bytes_max =
    send_bytes_max + send_bytes_max / small_record_bytes * RecordSealer::bytes_around_max;

// The next bytes; small parts are put together in `storage`, where there is room for them.
std::string_view take_together(PartReader& parts, size_t bytes_max, char* storage) {
    std::string_view first = parts.take(bytes_max);
    if (first.size() == bytes_max || parts.empty()) return first;
    size_t bytes = first.copy(storage, first.size());
    while (bytes < bytes_max && !parts.empty()) {
        std::string_view more = parts.take(bytes_max - bytes);
        bytes += more.copy(storage + bytes, more.size());
    }
    return {storage, bytes};
}

}  // namespace

// OpenSSL's way to the bytes: it reads what was pushed and writes to the socket, or to what waits for it.
struct TlsBio {
    static Tls& tls_of(BIO* bio) { return *static_cast<Tls*>(BIO_get_data(bio)); }

    static int read(BIO* bio, char* to, int bytes) {
        BIO_clear_retry_flags(bio);
        int got = tls_of(bio).read(to, static_cast<size_t>(bytes));
        if (got < 0) BIO_set_retry_read(bio);
        return got;
    }
    static int write(BIO* bio, const char* from, int bytes) {
        tls_of(bio).write({from, static_cast<size_t>(bytes)});
        return bytes;
    }
    static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

    static const BIO_METHOD* method() {
        static const BIO_METHOD* const made = [] {
            BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "ringx");
            CHECK(method != nullptr);
            BIO_meth_set_read(method, read);
            BIO_meth_set_write(method, write);
            BIO_meth_set_ctrl(method, control);
            return method;
        }();
        return made;
    }
};

Tls::Tls(std::shared_ptr<const TlsContext> context, const TicketKeys& ticket_keys, int socket,
         std::string_view server_name)
    : context_(std::move(context)),
      ticket_keys_(ticket_keys),
      ssl_(SSL_new(context_->ssl_ctx())),
      secrets_(std::make_unique<TrafficSecrets>()),
      socket_(socket),
      server_name_(server_name) {
    CHECK(ssl_ != nullptr);
    SSL_set_app_data(ssl_.get(), this);
    BIO* bio = BIO_new(TlsBio::method());
    CHECK(bio != nullptr);
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_accept_state(ssl_.get());
    reads_early_ = context_->early_data();
}

// Whatever has ended the connection, its session may be resumed. OpenSSL forgets those of connections that have no
// proper end.
Tls::~Tls() {
    if (ssl_ != nullptr) SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

int Tls::read(char* to, size_t bytes) {
    std::string_view rest = received_.view().substr(read_);
    if (rest.empty()) return -1;
    size_t taken = std::min(bytes, rest.size());
    std::memcpy(to, rest.data(), taken);
    read_ += taken;
    return static_cast<int>(taken);
}

void Tls::write(std::string_view bytes) {
    if (error_ != 0) return;
    bool is_first = unsent_.empty();
    if (!is_settled_) written_.add(bytes);
    if (is_settled_ && is_first && socket_ >= 0) {
        ssize_t sent = ::send(socket_, bytes.data(), bytes.size(),
                              MSG_NOSIGNAL | MSG_DONTWAIT | (more_follows_ ? MSG_MORE : 0));
        if (sent < 0 && errno != EAGAIN && errno != EINTR) error_ = errno;
        if (sent > 0) bytes.remove_prefix(static_cast<size_t>(sent));
    }
    if (error_ == 0) unsent_ += bytes;
    if (is_settled_ && !is_first && socket_ >= 0) push();
}

bool Tls::push() {
    if (unsent_saying_) say(*std::exchange(unsent_saying_, std::nullopt));
    size_t sent = 0;
    while (sent < unsent_.size()) {
        ssize_t now = ::send(socket_, unsent_.data() + sent, unsent_.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (now < 0 && errno == EINTR) continue;
        if (now < 0) {
            if (errno != EAGAIN) error_ = errno;
            break;
        }
        sent += static_cast<size_t>(now);
    }
    if (sent == unsent_.size()) {
        unsent_ = std::string();  // unlike clear(), this gives its memory back
    } else {
        unsent_.erase(0, sent);
    }
    return !has_unsent();
}

Tls::Progress Tls::shake_hands() {
    ERR_clear_error();
    written_ = RecordCounter();
    if (reads_early_) {
        read_with_openssl();
        if (state_ == State::ready) return plain_.empty() ? Progress::failed : Progress::done;
        if (reads_early_) return Progress::hungry;
    }
    int result = SSL_do_handshake(ssl_.get());
    if (result == 1) return Progress::done;
    if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ) return Progress::hungry;
    fault_ = take_openssl_errors();
    return Progress::failed;
}

void Tls::push(Lease lease) {
    CHECK(read_ == received_.view().size());
    received_ = std::move(lease);
    read_ = 0;
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
    SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);  // as at the end: keep the session
    ssl_.reset();
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

void Tls::give_back() {
    std::string_view rest = received_.view().substr(read_);
    if (rest.empty()) {
        received_.release();
    } else if (received_.is_wanted()) {
        received_ = Lease(std::make_unique<std::string>(rest));
    } else {
        return;
    }
    read_ = 0;
}

// As SSL_read(), for early data too. 0 before settle(): there are none, and the handshake goes on.
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
    int got = SSL_read(ssl_.get(), to, static_cast<int>(bytes));
    if (SSL_is_init_finished(ssl_.get()) == 1) is_early_ = false;
    return got;
}

// Decrypts what there is, at most one record or two: who wants more asks again.
void Tls::read_with_openssl() {
    size_t here = received_.view().size() - read_;
    if (here == 0 && SSL_has_pending(ssl_.get()) == 0) return;
    size_t bytes_max = std::min<size_t>(large_record_bytes, here + static_cast<size_t>(SSL_pending(ssl_.get())));
    ERR_clear_error();
    auto text = std::make_unique<std::string>();
    int got = 0;
    text->resize_and_overwrite(std::max<size_t>(bytes_max, 1), [&](char* to, size_t bytes) {
        got = read_some(to, bytes);
        return static_cast<size_t>(std::max(got, 0));
    });
    if (got == 0 && !is_settled_) return;
    if (got > 0) {
        plain_ = Lease(std::move(text));
        state_ = State::ready;
        return;
    }
    int error = SSL_get_error(ssl_.get(), got);
    if (error == SSL_ERROR_WANT_READ) return;
    closed_ = error == SSL_ERROR_ZERO_RETURN;
    if (!closed_) fault_ = take_openssl_errors();
    state_ = State::ready;
}

// Opens records until one has something for who reads.
void Tls::read_records() {
    while (state_ == State::hungry) {
        std::string_view rest = received_.view().substr(read_);
        if (rest.empty() || !read_record(rest)) return;
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

Result<Lease> Tls::take() {
    CHECK(state_ == State::ready);
    if (!plain_.empty()) {
        state_ = State::hungry;
        return std::move(plain_);
    }
    if (closed_) return Lease();
    return fail("SSL_read", EPROTO);
}

size_t Tls::record_bytes() const {
    size_t bytes = streamed_ < small_records_until ? small_record_bytes : large_record_bytes;
    if (context_->record_bytes_max() > 0) bytes = context_->record_bytes_max();
    return std::min<size_t>(bytes, record_bytes_max_);
}

size_t Tls::send(std::span<const iovec> parts, bool more_follows, uint64_t now_ms) {
    if (is_broken_) error_ = EPIPE;
    if (error_ != 0) return 0;
    if (now_ms - std::exchange(sent_at_ms_, now_ms) >= pause_ms) streamed_ = 0;
    PartReader rest(parts);
    return records_ != nullptr ? send_records(rest, more_follows) : send_with_openssl(rest, more_follows);
}

size_t Tls::send_records(PartReader& parts, bool more_follows) {
    CHECK(!kernel_seals_);  // or nonces would be used twice
    if (records_->owes_key_update()) {
        say(Saying::key_update());
        records_->change_sealing_keys();
    }
    char sealed[sealed_bytes_max];
    size_t size = 0, taken = 0;
    while (taken < send_bytes_max) {
        size_t bytes = parts.count(std::min(record_bytes(), send_bytes_max - taken));
        if (bytes == 0 || size + bytes + RecordSealer::bytes_around_max > sizeof sealed) break;
        size += records_->sealer().seal(RecordType::data, parts, bytes, sealed + size);
        taken += bytes;
        streamed_ += bytes;
    }
    more_follows_ = more_follows || !parts.empty();
    write({sealed, size});
    more_follows_ = false;
    return taken;
}

size_t Tls::send_with_openssl(PartReader& parts, bool more_follows) {
    char storage[large_record_bytes];
    size_t taken = 0;
    ERR_clear_error();
    while (!parts.empty() && taken < send_bytes_max && error_ == 0) {
        std::string_view record = take_together(parts, record_bytes(), storage);
        taken += record.size();
        streamed_ += record.size();
        more_follows_ = more_follows || (!parts.empty() && taken < send_bytes_max);
        size_t written = 0;
        int result = is_early_ ? SSL_write_early_data(ssl_.get(), record.data(), record.size(), &written)
                               : SSL_write_ex(ssl_.get(), record.data(), record.size(), &written);
        if (result == 0 && error_ == 0) error_ = EPIPE;  // the client has broken the protocol before
    }
    more_follows_ = false;
    return taken;
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
    ERR_clear_error();
    (void)SSL_shutdown(ssl_.get());
    ERR_clear_error();
}

}  // namespace ringx
