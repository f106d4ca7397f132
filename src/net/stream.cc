#include "net/stream.h"

namespace ringx {

int Stream::push_secure() {
    if (tls_->push()) return 0;
    errno = tls_->error() != 0 ? tls_->error() : EAGAIN;
    return -1;
}

ssize_t Stream::send_secure(std::span<const iovec> parts, Follows follows) {
    bool is_full = has_unsent() && !tls_->holds_back();
    if (is_full && push_secure() < 0) return -1;
    size_t taken = tls_->send(parts, follows, receiver_.loop().clock().now_ms());
    if (tls_->error() == 0) return static_cast<ssize_t>(taken);
    errno = tls_->error();
    return -1;
}

}  // namespace ringx
