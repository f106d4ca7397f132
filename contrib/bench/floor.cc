// contrib/bench/floor.cc - the least a server can do: it receives and sends, and knows no HTTP.
//
//   floor PORT FILE      sends what the file holds for each head that comes, those of one receive in one go; if that
//                        says "Connection: close", closes the connection after it
//   floor PORT :ORIGIN   passes all bytes on, each client's over a connection of its own to this port
//
// With io_uring, in one thread, on 127.0.0.1. What the rows of side_by_side cost here is the kernel's work and what a
// loop of events takes. A load it is not made for ends it with a failed CHECK: a head that comes in parts, or a client
// that does not read.
#include <arpa/inet.h>
#include <liburing.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/fd.h"
#include "event/uring_ring.h"

namespace ringx {
namespace {

constexpr std::string_view end_of_head = "\r\n\r\n";
constexpr size_t answers_max = 64;  // in one send

struct Peer {
    Fd socket;
    Peer* other = nullptr;  // whom its bytes are for, where they are passed on
};

class Floor {
 public:
    Floor(int listener, std::string_view answer, uint16_t origin) : answer_(answer), origin_(origin) {
        CHECK(ring_.open({}) && buffers_.open(ring_.get(), pool_));
        ring_.register_descriptor();
        for (size_t i = 0; i < answers_max; ++i) answers_ += answer;
        closes_ = answer.find("Connection: close\r\n") != answer.npos;
        io_uring_sqe* sqe = next_sqe();
        io_uring_prep_multishot_accept(sqe, listener, nullptr, nullptr, SOCK_NONBLOCK);
        io_uring_sqe_set_data(sqe, nullptr);
    }

    [[noreturn]] void run() {
        for (;;) {
            CHECK(io_uring_submit_and_wait(ring_.get(), 1) >= 0);
            io_uring_cqe* cqe;
            while (io_uring_peek_cqe(ring_.get(), &cqe) == 0) {
                auto* peer = static_cast<Peer*>(io_uring_cqe_get_data(cqe));
                int result = cqe->res;
                uint32_t flags = cqe->flags;
                io_uring_cqe_seen(ring_.get(), cqe);
                if (peer == nullptr) accepted(result);
                else received(*peer, result, flags);
            }
            buffers_.top_up();
        }
    }

 private:
    io_uring_sqe* next_sqe() {
        io_uring_sqe* sqe = io_uring_get_sqe(ring_.get());
        if (sqe != nullptr) return sqe;
        io_uring_submit(ring_.get());
        sqe = io_uring_get_sqe(ring_.get());
        CHECK(sqe != nullptr);
        return sqe;
    }

    Peer& add(int socket) {
        int on = 1;
        CHECK(socket >= 0 && setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
        return peers_.emplace_back(Fd(socket));
    }

    void arm(Peer& peer) {
        io_uring_sqe* sqe = next_sqe();
        if (closes_) io_uring_prep_recv(sqe, peer.socket.get(), nullptr, 0, 0);
        else io_uring_prep_recv_multishot(sqe, peer.socket.get(), nullptr, 0, 0);
        sqe->flags |= IOSQE_BUFFER_SELECT;
        sqe->buf_group = BufferRing::group;
        io_uring_sqe_set_data(sqe, &peer);
    }

    void accepted(int socket) {
        Peer& client = add(socket);
        if (origin_ != 0) {
            sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(origin_), .sin_addr = {htonl(INADDR_LOOPBACK)},
                                .sin_zero = {}};
            Peer& server = add(::socket(AF_INET, SOCK_STREAM, 0));
            CHECK(connect(server.socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
            client.other = &server;
            server.other = &client;
            arm(server);
        }
        arm(client);
    }

    // Places of those that are gone are not used again: the program does not outlive its load.
    void received(Peer& peer, int result, uint32_t flags) {
        if ((flags & IORING_CQE_F_BUFFER) != 0) {
            int32_t buffer = buffers_.used(static_cast<int32_t>(flags >> IORING_CQE_BUFFER_SHIFT), result);
            std::string_view bytes(pool_.memory(buffer), static_cast<size_t>(result));
            if (peer.other != nullptr) send(*peer.other, bytes);
            else answer(peer, bytes);
            pool_.give_back(buffer);
            if (closes_) return peer.socket.reset();
        } else if (result != -ENOBUFS) {
            if (peer.other != nullptr) shutdown(peer.other->socket.get(), SHUT_RDWR);
            peer.socket.reset();
            return;
        }
        if ((flags & IORING_CQE_F_MORE) == 0) arm(peer);
    }

    void answer(Peer& peer, std::string_view heads) {
        CHECK(heads.ends_with(end_of_head));
        size_t count = 0;
        for (size_t at = 0; at < heads.size(); at = heads.find(end_of_head, at) + end_of_head.size()) ++count;
        CHECK(count <= answers_max);
        send(peer, std::string_view(answers_).substr(0, count * answer_.size()));
    }

    void send(Peer& peer, std::string_view bytes) {
        ssize_t sent = ::send(peer.socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        CHECK(sent == static_cast<ssize_t>(bytes.size()) || errno == EPIPE || errno == ECONNRESET || errno == EBADF);
    }

    std::string_view answer_;
    uint16_t origin_;
    std::string answers_;
    bool closes_ = false;
    std::deque<Peer> peers_;
    BufferPool pool_{1024, 4096};
    BufferRing buffers_;
    Ring ring_;
};

int listen_on(uint16_t port) {
    sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)},
                        .sin_zero = {}};
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    bool listens = setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                   bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                   listen(listener, 1024) == 0;
    if (listens) return listener;
    std::perror("floor: cannot listen");
    std::exit(1);
}

}  // namespace
}  // namespace ringx

int main(int count, char** arguments) {
    using namespace ringx;
    if (count != 3) {
        std::fputs("usage: floor PORT FILE | floor PORT :ORIGIN\n", stderr);
        return 1;
    }
    if (auto why = io_uring_unavailable()) {
        std::fprintf(stderr, "floor: %s\n", why->c_str());
        return 1;
    }
    std::string_view what = arguments[2];
    uint16_t origin = 0;
    std::string answer;
    if (what.starts_with(':')) {
        origin = static_cast<uint16_t>(std::strtoul(arguments[2] + 1, nullptr, 10));
    } else {
        std::ifstream file(arguments[2], std::ios::binary);
        answer.assign(std::istreambuf_iterator<char>(file), {});
        if (answer.empty()) {
            std::fprintf(stderr, "floor: there is nothing in %s\n", arguments[2]);
            return 1;
        }
    }
    Floor(listen_on(static_cast<uint16_t>(std::strtoul(arguments[1], nullptr, 10))), answer, origin).run();
}
