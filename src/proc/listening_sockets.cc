#include "proc/listening_sockets.h"

#include <linux/filter.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <set>

namespace ringx::proc {

namespace {

// nginx's: an old server needs a moment to let go of its addresses.
constexpr int tries_max = 5;
constexpr int pause_ms = 500;

unsigned sockets_of(const Listen& listen, unsigned workers) {
    return listen.address.family() == AF_UNIX ? 1 : workers;
}

void say_failed(Journal& journal, const Listen& listen, Error error) {
    journal.write(Level::emerg, error, "{}() to {} failed", error.call, listen.key);
}

// A classic BPF program that chooses among the first `workers` sockets of a group by chance.
Result<> steer(int socket, unsigned workers) {
    sock_filter program[] = {
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<uint32_t>(SKF_AD_OFF + SKF_AD_RANDOM)},
        {BPF_ALU | BPF_MOD | BPF_K, 0, 0, workers},
        {BPF_RET | BPF_A, 0, 0, 0},
    };
    sock_fprog attached{static_cast<unsigned short>(std::size(program)), program};
    if (setsockopt(socket, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &attached, sizeof attached) != 0) {
        return fail("setsockopt");
    }
    return {};
}

// The file of a server that was killed: nobody listens there any more, and it would be in our way for ever.
void remove_if_abandoned(const Address& address, Journal& journal) {
    if (address.family() != AF_UNIX) return;
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket || connect(socket.get(), address.get(), address.length()) == 0 || errno != ECONNREFUSED) return;
    journal.write(Level::notice, "removing {}, which a server left behind", address.text());
    remove_socket_file(address);
}

void steer_to_all(int socket) {
    int none = 0;
    setsockopt(socket, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &none, sizeof none);  // ENOENT: it was so
}

}  // namespace

// Whether we hold a socket of that port already: then the question whether an address is free would meet ourselves.
bool ListeningSockets::has_port(const Address& address) const {
    return std::ranges::any_of(sockets_, [&](const auto& entry) {
        const Address& ours = entry.second.listen.address;
        return ours.family() != AF_UNIX && ours.port() == address.port();
    });
}

bool ListeningSockets::may_open(std::span<const Listen> listens, Journal& journal) const {
    std::set<std::string_view> keys;
    for (const Listen& listen : listens) {
        if (!keys.insert(listen.key).second) {
            say_failed(journal, listen, Error{"bind", EADDRINUSE});
            return false;
        }
    }
    for (int attempt = 1;; ++attempt) {
        bool in_use = false;
        for (const Listen& listen : listens) {
            if (!sockets_.contains(listen.key)) remove_if_abandoned(listen.address, journal);
            if (sockets_.contains(listen.key) || has_port(listen.address)) continue;
            auto is_free = check_address_is_free(listen.address);
            if (is_free) continue;
            say_failed(journal, listen, is_free.error());
            if (is_free.error().number != EADDRINUSE) return false;
            in_use = true;
        }
        if (!in_use) return true;
        if (attempt == tries_max) {
            journal.write(Level::emerg, "still could not bind()");
            return false;
        }
        poll(nullptr, 0, pause_ms);
    }
}

bool ListeningSockets::open_missing(const Listen& listen, unsigned workers, std::vector<Opened>& opened,
                                    Journal& journal) const {
    auto group = sockets_.find(listen.key);
    size_t there = group == sockets_.end() ? 0 : group->second.sockets.size();
    for (size_t i = there; i < sockets_of(listen, workers); ++i) {
        auto socket = open_listening_socket(listen);
        if (!socket) {
            say_failed(journal, listen, socket.error());
            return false;
        }
        opened.push_back({&listen, std::move(*socket)});
    }
    return true;
}

bool ListeningSockets::open(std::span<const Listen> listens, unsigned workers, Journal& journal) {
    if (!may_open(listens, journal)) return false;
    std::vector<Opened> opened;
    for (const Listen& listen : listens) {
        if (open_missing(listen, workers, opened, journal)) continue;
        for (const Opened& one : opened) {
            if (!sockets_.contains(one.listen->key)) remove_socket_file(one.listen->address);
        }
        return false;
    }
    for (Opened& one : opened) {
        auto& group = sockets_.try_emplace(one.listen->key, Group{*one.listen, {}}).first->second;
        if (!group.sockets.empty()) steer_to_all(group.sockets[0].get());
        group.sockets.push_back(std::move(one.socket));
    }
    for (const Listen& listen : listens) {
        Group& group = sockets_.at(listen.key);
        if (group.listen.options == listen.options) continue;
        group.listen.options = listen.options;
        for (const Fd& socket : group.sockets) {
            auto updated = update_listening_socket(socket.get(), listen);
            if (updated) continue;
            Error error = updated.error();
            journal.write(Level::alert, error, "{}() for {} failed, ignored", error.call, listen.key);
            break;
        }
    }
    return true;
}

void ListeningSockets::keep_only(std::span<const Listen> listens, unsigned workers) {
    std::set<std::string_view> wanted;
    for (const Listen& listen : listens) wanted.insert(listen.key);
    for (auto at = sockets_.begin(); at != sockets_.end();) {
        Group& group = at->second;
        if (!wanted.contains(at->first)) {
            remove_socket_file(group.listen.address);
            at = sockets_.erase(at);
            continue;
        }
        if (group.sockets.size() > sockets_of(group.listen, workers)) {
            group.sockets.resize(sockets_of(group.listen, workers));
        }
        ++at;
    }
}

void ListeningSockets::steer_to_first(unsigned workers, Journal& journal) {
    for (auto& [key, group] : sockets_) {
        if (group.sockets.size() <= sockets_of(group.listen, workers)) continue;
        auto steered = steer(group.sockets[0].get(), workers);
        if (!steered) journal.write(Level::warn, steered.error(), "cannot steer new connections of {}", key);
    }
}

std::vector<int> ListeningSockets::of_worker(std::span<const Listen> listens, unsigned worker) const {
    std::vector<int> fds;
    for (const Listen& listen : listens) {
        auto& sockets = sockets_.at(listen.key).sockets;
        fds.push_back(sockets[std::min<size_t>(worker, sockets.size() - 1)].get());
    }
    return fds;
}

void ListeningSockets::close_and_remove() {
    for (auto& [key, group] : sockets_) remove_socket_file(group.listen.address);
    sockets_.clear();
}

bool ListeningSockets::test(std::span<const Listen> listens, Journal& journal) {
    for (const Listen& listen : listens) {
        auto is_free = check_address_is_free(listen.address);
        if (is_free || is_free.error().number == EADDRINUSE) continue;
        say_failed(journal, listen, is_free.error());
        return false;
    }
    return true;
}

}  // namespace ringx::proc
