#include "net/listener.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace ringx {
namespace {

constexpr int backlog_min = 511;   // nginx's
constexpr int backlog_max = 4096;  // what newer kernels allow; deeper queues only hide an overload
constexpr mode_t socket_mode = 0666;

Result<> set(int fd, int level, int option, int value) {
    if (setsockopt(fd, level, option, &value, sizeof value) < 0) return fail("setsockopt");
    return {};
}

// What listen(2) would cut a longer backlog to.
int system_backlog() {
    Fd file(open("/proc/sys/net/core/somaxconn", O_RDONLY | O_CLOEXEC));
    std::array<char, 16> text;
    ssize_t bytes = read(file.get(), text.data(), text.size());
    int backlog = backlog_min;
    if (bytes > 0) std::from_chars(text.data(), text.data() + bytes, backlog);
    return backlog;
}

int backlog_of(const ListenOptions& options) {
    return options.backlog > 0 ? options.backlog : std::clamp(system_backlog(), backlog_min, backlog_max);
}

struct Option {
    bool wanted;
    int level;
    int name;
    int value;
};

Result<> set_all(int fd, std::initializer_list<Option> options) {
    for (const Option& option : options) {
        if (!option.wanted) continue;
        if (auto done = set(fd, option.level, option.name, option.value); !done) return done;
    }
    return {};
}

bool is_inet(const Address& address) { return address.family() == AF_INET || address.family() == AF_INET6; }

// Accepted sockets inherit all of these from the listening one.
Result<> set_options(int fd, const Listen& listen) {
    const ListenOptions& o = listen.options;
    bool inet = is_inet(listen.address);
    using Keepalive = ListenOptions::Keepalive;
    return set_all(fd, {
        {o.rcvbuf > 0, SOL_SOCKET, SO_RCVBUF, o.rcvbuf},
        {o.sndbuf > 0, SOL_SOCKET, SO_SNDBUF, o.sndbuf},
        {inet && o.keepalive != Keepalive::system, SOL_SOCKET, SO_KEEPALIVE, o.keepalive == Keepalive::on},
        {inet && o.keepidle > 0, IPPROTO_TCP, TCP_KEEPIDLE, o.keepidle},
        {inet && o.keepintvl > 0, IPPROTO_TCP, TCP_KEEPINTVL, o.keepintvl},
        {inet && o.keepcnt > 0, IPPROTO_TCP, TCP_KEEPCNT, o.keepcnt},
        {inet, IPPROTO_TCP, TCP_NODELAY, o.tcp_nodelay},
        {inet && o.fastopen >= 0, IPPROTO_TCP, TCP_FASTOPEN, o.fastopen},
        {inet, IPPROTO_TCP, TCP_DEFER_ACCEPT, o.deferred},
    });
}

// Who may share the address is settled before bind(2).
Result<> bind_socket(int fd, const Listen& listen, bool share) {
    bool inet = is_inet(listen.address);
    auto done = set_all(fd, {
        {inet, SOL_SOCKET, SO_REUSEADDR, 1},
        {inet && share, SOL_SOCKET, SO_REUSEPORT, 1},
        {listen.address.family() == AF_INET6, IPPROTO_IPV6, IPV6_V6ONLY, listen.options.ipv6only},
    });
    if (!done) return done;
    if (bind(fd, listen.address.get(), listen.address.length()) < 0) return fail("bind");
    return {};
}

Result<Fd> make_socket(const Address& address, bool multipath = false) {
    int protocol = multipath && is_inet(address) ? IPPROTO_MPTCP : 0;
    Fd fd(socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
    if (!fd) return fail("socket");
    return fd;
}

std::string path_of(const Address& address) { return address.text().substr(strlen("unix:")); }

}  // namespace

Result<Fd> open_listening_socket(const Listen& listen) {
    auto fd = make_socket(listen.address, listen.options.multipath);
    if (!fd) return fd;
    if (auto bound = bind_socket(fd->get(), listen, true); !bound) return std::unexpected(bound.error());
    // Whoever may reach the directory may connect: the umask is for files.
    if (listen.address.family() == AF_UNIX && chmod(path_of(listen.address).c_str(), socket_mode) < 0) {
        return fail("chmod");
    }
    if (auto updated = update_listening_socket(fd->get(), listen); !updated) return std::unexpected(updated.error());
    return fd;
}

Result<> update_listening_socket(int fd, const Listen& listen) {
    if (auto done = set_options(fd, listen); !done) return done;
    if (::listen(fd, backlog_of(listen.options)) < 0) return fail("listen");
    return {};
}

Result<> check_address_is_free(const Address& address) {
    if (!is_inet(address)) return {};  // bind(2) refuses a path that exists
    auto fd = make_socket(address);
    if (!fd) return std::unexpected(fd.error());
    return bind_socket(fd->get(), Listen{.address = address, .options = {}, .key = {}}, false);
}

void remove_socket_file(const Address& address) {
    if (address.family() != AF_UNIX) return;
    std::string path = path_of(address);
    if (!path.empty()) unlink(path.c_str());
}

}  // namespace ringx
