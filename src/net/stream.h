// net/stream.h - a connection's socket with one face for plain bytes and TLS.
//
// Reading goes through the receiver, sending through calls shaped like send(2) that never wait. Nobody above knows
// which of the two it is, unless he asks. What TLS has taken and the socket has not waits in it: push().
#pragma once

#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <memory>
#include <span>

#include "event/wait.h"
#include "net/tls_channel.h"

namespace ringx {

class Stream {
 public:
    Stream(Loop& loop, int socket) : receiver_(loop, socket) {}

    Receiver& receiver() { return receiver_; }
    int fd() const { return receiver_.fd; }

    // From now on everything is encrypted. The handshake is done.
    void secure(std::unique_ptr<TlsChannel> tls) {
        tls_ = std::move(tls);
        receiver_.set_filter(tls_.get());
    }
    TlsChannel* tls() const { return tls_.get(); }

    // As sendmsg(2): how many bytes were taken, or -1 with errno. EAGAIN: wait until the socket takes more.
    ssize_t send(std::span<const iovec> parts, Follows follows) {
        if (!is_sent_as_it_is()) return send_secure(parts, follows);
        int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (follows != Follows::nothing ? MSG_MORE : 0);
        if (parts.size() == 1) return ::send(fd(), parts[0].iov_base, parts[0].iov_len, flags);
        msghdr message{};
        message.msg_iov = const_cast<iovec*>(parts.data());
        message.msg_iovlen = parts.size();
        return sendmsg(fd(), &message, flags);
    }
    // What is sent goes straight to the socket, so files can be sent with sendfile(2) on fd().
    bool is_sent_as_it_is() const { return tls_ == nullptr || tls_->kernel_seals(); }

    // Sends what was taken and has not left. 0, or -1 with errno.
    int push() { return has_unsent() ? push_secure() : 0; }
    // What was sent with the end behind it waits for that, and nothing else does.
    bool awaits_end() const { return tls_ != nullptr && tls_->holds_back(); }
    bool has_unsent() const { return tls_ != nullptr && tls_->has_unsent(); }

 private:
    ssize_t send_secure(std::span<const iovec> parts, Follows follows);
    int push_secure();

    Receiver receiver_;
    std::unique_ptr<TlsChannel> tls_;
};

}  // namespace ringx
