#include "net/tls_channel.h"

#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "base/check.h"
#include "net/records.h"

namespace ringx {
namespace {

// A small record can be used by the other side as soon as its few packets have come; a large one costs less. So a
// stream begins with small ones, and again after a pause, when the network's window has become small (as in TCP slow
// start).
constexpr size_t large_record_bytes = record_plain_bytes_max;
constexpr uint64_t small_records_until = 64 * 1024;
constexpr uint64_t pause_ms = 1000;

// An answer that is longer leaves without waiting for the end of the connection.
constexpr size_t held_bytes_max = 16 * 1024;

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
    static TlsChannel& channel_of(BIO* bio) { return *static_cast<TlsChannel*>(BIO_get_data(bio)); }

    static int read(BIO* bio, char* to, int bytes) {
        BIO_clear_retry_flags(bio);
        int got = channel_of(bio).read(to, static_cast<size_t>(bytes));
        if (got < 0) BIO_set_retry_read(bio);
        return got;
    }
    static int write(BIO* bio, const char* from, int bytes) {
        channel_of(bio).write({from, static_cast<size_t>(bytes)});
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

TlsChannel::TlsChannel(SSL_CTX* context, int socket) : ssl_(SSL_new(context)), socket_(socket) {
    CHECK(ssl_ != nullptr);
    SSL_set_app_data(ssl_.get(), this);
    BIO* bio = BIO_new(TlsBio::method());
    CHECK(bio != nullptr);
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
}

// It forgets sessions of connections that have no proper end.
void TlsChannel::end_openssl() {
    if (ssl_ != nullptr) SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    ssl_.reset();
}

int TlsChannel::read(char* to, size_t bytes) {
    if (rest().empty()) return -1;
    size_t taken = std::min(bytes, rest().size());
    std::memcpy(to, rest().data(), taken);
    read_ += taken;
    return static_cast<int>(taken);
}

void TlsChannel::write(std::string_view bytes) {
    if (error_ != 0) return;
    bool is_first = unsent_.empty();
    bool may_wait = !is_settled_ || (follows_ == Follows::end && unsent_.size() + bytes.size() <= held_bytes_max);
    holds_back_ = may_wait && (is_first || holds_back_);
    bool leaves = !holds_back_ && is_settled_ && socket_ >= 0;
    if (leaves && is_first) {
        ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), send_flags());
        if (sent < 0 && errno != EAGAIN && errno != EINTR) error_ = errno;
        if (sent > 0) bytes.remove_prefix(static_cast<size_t>(sent));
    }
    if (error_ == 0) unsent_ += bytes;
    if (leaves && !is_first) push();
}

int TlsChannel::send_flags() const {
    return MSG_NOSIGNAL | MSG_DONTWAIT | (follows_ != Follows::nothing ? MSG_MORE : 0);
}

bool TlsChannel::push() {
    holds_back_ = false;
    size_t sent = 0;
    while (sent < unsent_.size()) {
        ssize_t now = ::send(socket_, unsent_.data() + sent, unsent_.size() - sent, send_flags());
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
    return unsent_.empty();
}

void TlsChannel::push(Lease lease) {
    CHECK(rest().empty());
    received_ = std::move(lease);
    read_ = 0;
}

void TlsChannel::give_back() {
    if (rest().empty()) {
        received_.release();
    } else if (received_.is_wanted()) {
        received_ = Lease(std::make_unique<std::string>(rest()));
    } else {
        return;
    }
    read_ = 0;
}

ReceiveFilter::State TlsChannel::state() {
    if (state_ == State::hungry) {
        read_with_openssl();
        give_back();
    }
    return state_;
}

Result<Lease> TlsChannel::take() {
    CHECK(state_ == State::ready);
    if (!plain_.empty()) {
        state_ = State::hungry;
        return std::move(plain_);
    }
    if (closed_) return Lease();
    return fail("SSL_read", EPROTO);
}

void TlsChannel::take_fault() {
    fault_code_ = ERR_peek_error();
    fault_ = take_openssl_errors();
}

TlsChannel::Progress TlsChannel::do_handshake() {
    int result = SSL_do_handshake(ssl_.get());
    if (result == 1) return Progress::done;
    if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ) return Progress::hungry;
    take_fault();
    return Progress::failed;
}

int TlsChannel::read_some(char* to, size_t bytes) { return SSL_read(ssl_.get(), to, static_cast<int>(bytes)); }

// Decrypts what there is, at most one record or two: who wants more asks again.
void TlsChannel::read_with_openssl() {
    size_t here = rest().size();
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
    if (!closed_) take_fault();
    state_ = State::ready;
}

size_t TlsChannel::record_bytes() const {
    return streamed_ < small_records_until ? small_record_bytes : large_record_bytes;
}

size_t TlsChannel::send(std::span<const iovec> parts, Follows follows, uint64_t now_ms) {
    if (error_ != 0) return 0;
    if (now_ms - std::exchange(sent_at_ms_, now_ms) >= pause_ms) streamed_ = 0;
    PartReader rest(parts);
    follows_ = follows;
    size_t taken = send_parts(rest);
    follows_ = Follows::nothing;
    return taken;
}

bool TlsChannel::write_some(std::string_view bytes) {
    size_t written = 0;
    return SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written) == 1;
}

size_t TlsChannel::send_with_openssl(PartReader& parts) {
    const Follows behind_all = follows_;
    char storage[large_record_bytes];
    size_t taken = 0;
    ERR_clear_error();
    while (!parts.empty() && taken < send_bytes_max && error_ == 0) {
        std::string_view record = take_together(parts, record_bytes(), storage);
        taken += record.size();
        streamed_ += record.size();
        follows_ = parts.empty() ? behind_all : Follows::more;
        bool is_written = write_some(record);
        if (!is_written && error_ == 0) error_ = EPIPE;  // the other side has broken the protocol before
    }
    return taken;
}

void TlsChannel::send_close_notify() {
    ERR_clear_error();
    (void)SSL_shutdown(ssl_.get());
    ERR_clear_error();
}

}  // namespace ringx
