#include "proc/channel.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace ringx::proc {

namespace {

constexpr size_t fds_at_once = 250;  // the kernel's SCM_MAX_FD is 253

struct Packet {
    uint32_t kind;
    uint32_t number;
    uint32_t fds_in_all;
};

union Control {
    char bytes[CMSG_SPACE(fds_at_once * sizeof(int))];
    cmsghdr aligned;
};

Result<> send_packet(int to, Packet packet, std::span<const int> fds) {
    Control control{};
    iovec data{&packet, sizeof packet};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    if (!fds.empty()) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(fds.size_bytes());
        cmsghdr* head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(fds.size_bytes());
        memcpy(CMSG_DATA(head), fds.data(), fds.size_bytes());
    }
    ssize_t sent;
    do sent = sendmsg(to, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0) return fail("sendmsg");
    return {};
}

void take_fds(msghdr& message, std::vector<Fd>& into) {
    for (cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr; head = CMSG_NXTHDR(&message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
        size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; ++i) {
            int fd;
            memcpy(&fd, CMSG_DATA(head) + i * sizeof fd, sizeof fd);
            into.emplace_back(fd);
        }
    }
}

}  // namespace

Result<> Channel::make_pair(Channel& one, Channel& other) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) return fail("socketpair");
    one = Channel(Fd(pair[0]));
    other = Channel(Fd(pair[1]));
    return {};
}

Result<> Channel::send(Message::Kind kind, uint32_t number, std::span<const int> fds) {
    Packet packet{static_cast<uint32_t>(kind), number, static_cast<uint32_t>(fds.size())};
    do {
        auto part = fds.first(std::min(fds.size(), fds_at_once));
        if (auto sent = send_packet(fd_.get(), packet, part); !sent) return sent;
        fds = fds.subspan(part.size());
    } while (!fds.empty());
    return {};
}

Result<Message> Channel::receive() {
    for (;;) {
        Packet packet;
        Control control;
        iovec data{&packet, sizeof packet};
        msghdr message{};
        message.msg_iov = &data;
        message.msg_iovlen = 1;
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        ssize_t got = recvmsg(fd_.get(), &message, MSG_CMSG_CLOEXEC);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail("recvmsg");
        if (got != sizeof packet) return fail("recvmsg", ECONNRESET);
        if (!partial_) {
            partial_.emplace(static_cast<Message::Kind>(packet.kind), packet.number);
            fds_missing_ = packet.fds_in_all;
        }
        take_fds(message, partial_->fds);
        // Out of descriptors, the kernel drops those it cannot give.
        if ((message.msg_flags & MSG_CTRUNC) != 0) partial_->incomplete = true;
        fds_missing_ -= std::min(fds_missing_, fds_at_once);
        if (fds_missing_ > 0) continue;
        Message whole = std::move(*partial_);
        partial_.reset();
        return whole;
    }
}

}  // namespace ringx::proc
