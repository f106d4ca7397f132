#include "net/stream.h"

namespace ringx {

int Stream::push_secure() {
    if (tls_->push()) return 0;
    errno = tls_->error() != 0 ? tls_->error() : EAGAIN;
    return -1;
}

ssize_t Stream::send_secure(std::span<const iovec> parts, Follows follows) {
    if (follows == Follows::others) follows = Follows::nothing;
    bool is_full = has_unsent() && !tls_->holds_back();
    if (is_full && push_secure() < 0) return -1;
    size_t taken = tls_->send(parts, follows, receiver_.loop().clock().now_ms());
    if (tls_->error() == 0) return static_cast<ssize_t>(taken);
    errno = tls_->error();
    return -1;
}

// How much was taken: all, or nothing.
size_t Stream::send_with_others(std::span<const iovec> parts) {
    constexpr size_t bytes_max = 8 * 1024;  // more is dearer to copy than a call of its own
    size_t bytes = 0;
    for (const iovec& part : parts) bytes += part.iov_len;
    Engine& engine = receiver_.loop().engine();
    if (bytes > bytes_max || !engine.send_with_batch(*this, fd(), parts, bytes)) return 0;
    batch_number_ = engine.batch_number();
    return bytes;
}

void Stream::not_sent(std::string_view rest, int error) {
    unsent_ = std::make_unique<Unsent>(std::string(rest), 0, error == EAGAIN ? 0 : error);
    receiver_.interrupt();
}

int Stream::push_unsent() {
    std::string_view rest = std::string_view(unsent_->bytes).substr(unsent_->sent);
    if (unsent_->error != 0) {
        errno = unsent_->error;
        return -1;
    }
    ssize_t sent = ::send(fd(), rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) return -1;
    unsent_->sent += static_cast<size_t>(sent);
    if (unsent_->sent == unsent_->bytes.size()) {
        unsent_ = nullptr;
        return 0;
    }
    errno = EAGAIN;
    return -1;
}

}  // namespace ringx
