#include "proc/control.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/format.h"

namespace ringx::proc {

namespace {

constexpr std::string_view reload_request = "reload";
constexpr size_t answer_bytes_max = 65536;  // fits the send buffer of every system
constexpr size_t clients_max = 16;

struct Name {
    sockaddr_un address{};
    socklen_t length = 0;
};

// The file's inode keeps apart masters that see each other's sockets but not each other's processes.
std::optional<Name> socket_name(const std::string& pid_path, pid_t master) {
    struct stat status;
    if (stat(pid_path.c_str(), &status) != 0) return std::nullopt;
    std::string text = text::format("ringx-control-{}-{}-{}", static_cast<uint64_t>(status.st_dev),
                                    static_cast<uint64_t>(status.st_ino), master);
    Name name;
    name.address.sun_family = AF_UNIX;
    memcpy(name.address.sun_path + 1, text.data(), text.size());  // the zero before it makes it abstract
    name.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
    return name;
}

std::optional<ucred> peer_of(const Fd& socket) {
    ucred peer;
    socklen_t length = sizeof peer;
    if (getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return std::nullopt;
    return peer;
}

bool may_ask(const Fd& client) {
    auto peer = peer_of(client);
    return peer && (peer->uid == 0 || peer->uid == geteuid());
}

}  // namespace

Result<> Control::open(const std::string& pid_path) {
    close();
    auto name = socket_name(pid_path, getpid());
    if (!name) return fail("stat");
    Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return fail("socket");
    if (bind(socket.get(), reinterpret_cast<sockaddr*>(&name->address), name->length) != 0) return fail("bind");
    if (listen(socket.get(), clients_max) != 0) return fail("listen");
    listening_ = std::move(socket);
    return {};
}

void Control::close() {
    listening_.reset();
    clients_.clear();
}

std::vector<int> Control::fds() const {
    std::vector<int> fds;
    if (listening_) fds.push_back(listening_.get());
    for (const Fd& client : clients_) fds.push_back(client.get());
    return fds;
}

std::vector<Fd> Control::take_requests() {
    std::vector<Fd> asking;
    if (!listening_) return asking;
    for (;;) {
        Fd client(accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!client) break;
        if (may_ask(client) && clients_.size() < clients_max) clients_.push_back(std::move(client));
    }
    for (auto at = clients_.begin(); at != clients_.end();) {
        char bytes[64];
        ssize_t size = recv(at->get(), bytes, sizeof bytes, 0);
        if (size < 0 && errno == EAGAIN) {
            ++at;
            continue;
        }
        if (size > 0 && std::string_view(bytes, static_cast<size_t>(size)) == reload_request) {
            asking.push_back(std::move(*at));
        }
        at = clients_.erase(at);
    }
    return asking;
}

void Control::answer(const Fd& client, bool good, std::string_view text) {
    std::string packet = (good ? "+" : "-") + std::string(text.substr(0, answer_bytes_max));
    send(client.get(), packet.data(), packet.size(), MSG_NOSIGNAL);  // who has hung up does not want to know
}

std::optional<ControlAnswer> ask_for_reload(const std::string& pid_path, pid_t master) {
    auto name = socket_name(pid_path, master);
    Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    if (!name || !socket) return std::nullopt;
    if (connect(socket.get(), reinterpret_cast<sockaddr*>(&name->address), name->length) != 0) return std::nullopt;
    auto peer = peer_of(socket);
    if (!peer || peer->pid != master) return std::nullopt;
    if (send(socket.get(), reload_request.data(), reload_request.size(), MSG_NOSIGNAL) < 0) return std::nullopt;

    std::string packet(answer_bytes_max + 1, '\0');
    ssize_t size;
    do size = recv(socket.get(), packet.data(), packet.size(), 0);
    while (size < 0 && errno == EINTR);
    if (size <= 0) return std::nullopt;
    return ControlAnswer{packet[0] == '+', packet.substr(1, static_cast<size_t>(size) - 1)};
}

}  // namespace ringx::proc
