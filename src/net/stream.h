// net/stream.h - a connection's socket with one face for plain bytes and TLS.
//
// Reading goes through the receiver, sending through calls shaped like send(2) that never wait. Nobody above knows
// which of the two it is, unless he asks. What TLS has taken and the socket has not waits in it: push().
#pragma once

#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "event/wait.h"
#include "net/tls_channel.h"

namespace ringx {

class Stream : private BatchSender {
 public:
    Stream(Loop& loop, int socket) : receiver_(loop, socket) {}
    ~Stream() { settle(); }

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
        settle();
        if (!is_sent_as_it_is()) return send_secure(parts, follows);
        if (unsent_ != nullptr && push_unsent() < 0) return -1;
        if (follows == Follows::others && tls_ == nullptr) {
            if (size_t taken = send_with_others(parts)) return static_cast<ssize_t>(taken);
        }
        bool is_followed = follows == Follows::more || follows == Follows::end;
        int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (is_followed ? MSG_MORE : 0);
        if (parts.size() == 1) return ::send(fd(), parts[0].iov_base, parts[0].iov_len, flags);
        msghdr message{};
        message.msg_iov = const_cast<iovec*>(parts.data());
        message.msg_iovlen = parts.size();
        return sendmsg(fd(), &message, flags);
    }
    // What is sent goes straight to the socket, so files can be sent with sendfile(2) on fd().
    bool is_sent_as_it_is() const { return tls_ == nullptr || tls_->kernel_seals(); }

    // Sends what was taken and has not left. 0, or -1 with errno.
    int push() {
        if (!has_unsent()) return 0;
        return unsent_ != nullptr ? push_unsent() : push_secure();
    }
    // What is to leave with others leaves now: for whoever does something with the socket itself.
    void settle() {
        Engine& engine = receiver_.loop().engine();
        if (batch_number_ == engine.batch_number()) engine.send_batch();
    }
    // What was sent with the end behind it waits for that, and nothing else does.
    bool awaits_end() const { return tls_ != nullptr && tls_->holds_back(); }
    // Whoever waits for bytes to receive is interrupted when there comes to be something.
    bool has_unsent() const { return unsent_ != nullptr || (tls_ != nullptr && tls_->has_unsent()); }

 private:
    // What did not leave with others.
    struct Unsent {
        std::string bytes;
        size_t sent = 0;
        int error = 0;  // what it failed with; EAGAIN is none
    };

    ssize_t send_secure(std::span<const iovec> parts, Follows follows);
    int push_secure();
    size_t send_with_others(std::span<const iovec> parts);
    int push_unsent();
    void not_sent(std::string_view rest, int error) override;

    Receiver receiver_;
    std::unique_ptr<TlsChannel> tls_;
    std::unique_ptr<Unsent> unsent_;
    uint32_t batch_number_ = 0;  // of the last batch that something was sent with
};

}  // namespace ringx
