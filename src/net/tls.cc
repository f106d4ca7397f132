#include "net/tls.h"

#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace ringx {
namespace {

// What is encrypted at a time: several records leave before the socket is asked again, and what it does not take is
// held in memory.
constexpr size_t send_bytes_max = 64 * 1024;

// A small record can be used by the client as soon as its few packets have come; a large one costs less. So a stream
// begins with small ones, and again after a pause, when the network's window has become small (as in TCP slow start).
constexpr size_t small_record_bytes = 4096;
constexpr size_t large_record_bytes = 16384;
constexpr uint64_t small_records_until = 64 * 1024;
constexpr uint64_t pause_ms = 1000;

// Takes bytes off a list of parts; small ones are put together.
class PartReader {
 public:
    explicit PartReader(std::span<const iovec> parts) : parts_(parts) { skip_used(); }

    bool empty() const { return parts_.empty(); }
    // The next bytes, at most so many; `storage` has room for them.
    std::string_view take(size_t bytes_max, char* storage) {
        std::string_view first = front().substr(0, bytes_max);
        advance(first.size());
        if (first.size() == bytes_max || parts_.empty()) return first;
        size_t bytes = first.copy(storage, first.size());
        while (bytes < bytes_max && !parts_.empty()) {
            std::string_view more = front().substr(0, bytes_max - bytes);
            bytes += more.copy(storage + bytes, more.size());
            advance(more.size());
        }
        return {storage, bytes};
    }

 private:
    std::string_view front() const {
        return std::string_view(static_cast<const char*>(parts_[0].iov_base), parts_[0].iov_len).substr(used_);
    }
    void advance(size_t bytes) {
        used_ += bytes;
        skip_used();
    }
    void skip_used() {
        while (!parts_.empty() && used_ == parts_[0].iov_len) {
            parts_ = parts_.subspan(1);
            used_ = 0;
        }
    }

    std::span<const iovec> parts_;
    size_t used_ = 0;
};

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
Tls::~Tls() { SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); }

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
    if (unsent_.empty() && socket_ >= 0) {
        ssize_t sent = ::send(socket_, bytes.data(), bytes.size(),
                              MSG_NOSIGNAL | MSG_DONTWAIT | (more_follows_ ? MSG_MORE : 0));
        if (sent < 0 && errno != EAGAIN && errno != EINTR) error_ = errno;
        if (sent > 0) bytes.remove_prefix(static_cast<size_t>(sent));
    }
    if (error_ == 0) unsent_ += bytes;
}

bool Tls::push() {
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
    return unsent_.empty();
}

Tls::Progress Tls::shake_hands() {
    ERR_clear_error();
    if (reads_early_) {
        read_plain();
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

ReceiveFilter::State Tls::state() {
    if (state_ == State::hungry) {
        read_plain();
        give_back();
    }
    return state_;
}

void Tls::give_back() {
    if (read_ < received_.view().size()) return;
    received_.release();
    read_ = 0;
}

// As SSL_read(), for early data too.
int Tls::read_some(char* to, size_t bytes) {
    if (reads_early_) {
        size_t got = 0;
        int result = SSL_read_early_data(ssl_.get(), to, bytes, &got);
        if (result == SSL_READ_EARLY_DATA_ERROR) return -1;
        reads_early_ = result == SSL_READ_EARLY_DATA_SUCCESS;
        if (reads_early_) return static_cast<int>(got);
    }
    return SSL_read(ssl_.get(), to, static_cast<int>(bytes));
}

// Decrypts what there is, at most one record or two: who wants more asks again.
void Tls::read_plain() {
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
    if (context_->record_bytes_max() > 0) return std::min<size_t>(context_->record_bytes_max(), large_record_bytes);
    return streamed_ < small_records_until ? small_record_bytes : large_record_bytes;
}

size_t Tls::send(std::span<const iovec> parts, bool more_follows, uint64_t now_ms) {
    if (now_ms - std::exchange(sent_at_ms_, now_ms) >= pause_ms) streamed_ = 0;
    PartReader rest(parts);
    char storage[large_record_bytes];
    size_t taken = 0;
    ERR_clear_error();
    while (!rest.empty() && taken < send_bytes_max && error_ == 0) {
        std::string_view record = rest.take(record_bytes(), storage);
        taken += record.size();
        streamed_ += record.size();
        more_follows_ = more_follows || (!rest.empty() && taken < send_bytes_max);
        size_t written = 0;
        int result = is_early() ? SSL_write_early_data(ssl_.get(), record.data(), record.size(), &written)
                                : SSL_write_ex(ssl_.get(), record.data(), record.size(), &written);
        if (result == 0 && error_ == 0) error_ = EPIPE;  // the client has broken the protocol before
    }
    more_follows_ = false;
    return taken;
}

void Tls::send_close_notify() {
    ERR_clear_error();
    (void)SSL_shutdown(ssl_.get());
    ERR_clear_error();
}

}  // namespace ringx
