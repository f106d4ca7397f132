#include "t/unit/net/name_server.h"

#include "base/check.h"

namespace ringx {
namespace {

std::string number16(unsigned n) { return {static_cast<char>(n >> 8), static_cast<char>(n)}; }
unsigned read16(const std::string& text, size_t at) {
    return static_cast<unsigned>(static_cast<uint8_t>(text[at])) << 8 | static_cast<uint8_t>(text[at + 1]);
}

bool wait_for(int fd) {
    pollfd one{fd, POLLIN, 0};
    return poll(&one, 1, 1000) > 0;
}

}  // namespace

NameServer::NameServer() {
    for (bool done = false; !done;) {  // one port of both kinds
        datagrams_ = Fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        listener_ = Fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        Address any = *Address::parse("127.0.0.1", 0);
        CHECK(bind(datagrams_.get(), any.get(), any.length()) == 0);
        address_ = Address::of_socket(datagrams_.get());
        done = bind(listener_.get(), address_.get(), address_.length()) == 0;
    }
    CHECK(listen(listener_.get(), 64) == 0);
    thread_ = std::thread([this] { serve(); });
}

NameServer::~NameServer() {
    over_ = true;
    thread_.join();
}

void NameServer::knows(Told record) {
    std::lock_guard lock(mutex_);
    records_.push_back(std::move(record));
}

void NameServer::does(std::function<Replies(const Asked&, std::string)> change) {
    std::lock_guard lock(mutex_);
    change_ = std::move(change);
}

std::vector<Asked> NameServer::asked() const {
    std::lock_guard lock(mutex_);
    return asked_;
}

std::string NameServer::wire(std::string_view name) {
    std::string out;
    while (!name.empty()) {
        std::string_view label = name.substr(0, name.find('.'));
        out += static_cast<char>(label.size());
        out += label;
        name.remove_prefix(std::min(label.size() + 1, name.size()));
    }
    return out + '\0';
}

std::string NameServer::v4(const char* address) {
    in_addr bytes{};
    CHECK(inet_pton(AF_INET, address, &bytes) == 1);
    return std::string(reinterpret_cast<const char*>(&bytes), sizeof bytes);
}

std::string NameServer::v6(const char* address) {
    in6_addr bytes{};
    CHECK(inet_pton(AF_INET6, address, &bytes) == 1);
    return std::string(reinterpret_cast<const char*>(&bytes), sizeof bytes);
}

std::string NameServer::service(unsigned priority, unsigned weight, unsigned port, std::string_view host) {
    return number16(priority) + number16(weight) + number16(port) + wire(host);
}

// Everything of this name and this type, and all aliases; NXDOMAIN when nothing has the name.
std::string NameServer::answer(const Asked& asked) const {
    std::string sections;
    unsigned count = 0;
    bool exists = false;
    for (const Told& told : records_) {
        exists |= told.owner == asked.name;
        if (told.owner != asked.name || (told.type != asked.type && told.type != 5)) continue;
        sections += wire(told.owner) + number16(told.type) + number16(1) + number16(told.ttl >> 16) +
                    number16(told.ttl & 0xffff) + number16(static_cast<unsigned>(told.data.size())) + told.data;
        ++count;
    }
    return number16(asked.id) + number16(exists ? 0x8180 : 0x8183) + number16(1) + number16(count) + number16(0) +
           number16(0) + asked.question + sections;
}

NameServer::Replies NameServer::replies(const std::string& query, bool is_tcp, uint16_t port) {
    Asked asked{.name = {}, .is_tcp = is_tcp, .port = port, .id = static_cast<uint16_t>(read16(query, 0)),
                .question = {}};
    size_t at = 12;
    while (query.at(at) != 0) {
        auto length = static_cast<uint8_t>(query[at]);
        if (!asked.name.empty()) asked.name += '.';
        asked.name += query.substr(at + 1, length);
        at += size_t{1} + length;
    }
    asked.type = read16(query, at + 1);
    asked.question = query.substr(12, at + 5 - 12);
    std::lock_guard lock(mutex_);
    asked_.push_back(asked);
    std::string right = answer(asked);
    return change_ ? change_(asked, std::move(right)) : once(std::move(right));
}

void NameServer::serve() {
    char bytes[4096];
    while (!over_) {
        pollfd both[] = {{datagrams_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
        if (poll(both, 2, 5) <= 0) continue;
        if (both[1].revents != 0) serve_stream();
        if (both[0].revents == 0) continue;
        sockaddr_storage from{};
        socklen_t length = sizeof from;
        ssize_t got = recvfrom(datagrams_.get(), bytes, sizeof bytes, 0, reinterpret_cast<sockaddr*>(&from), &length);
        if (got <= 0) continue;
        uint16_t port = Address(reinterpret_cast<sockaddr*>(&from), length).port();
        for (const std::string& reply : replies(std::string(bytes, static_cast<size_t>(got)), false, port)) {
            sendto(datagrams_.get(), reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), length);
        }
    }
}

void NameServer::serve_stream() {
    Fd peer(accept(listener_.get(), nullptr, nullptr));
    char bytes[4096];
    std::string heard;
    while (heard.size() < 2 || heard.size() < 2 + read16(heard, 0)) {
        ssize_t got = wait_for(peer.get()) ? recv(peer.get(), bytes, sizeof bytes, 0) : 0;
        if (got <= 0) return;
        heard.append(bytes, static_cast<size_t>(got));
    }
    uint16_t port = Address::of_peer(peer.get()).port();
    for (const std::string& reply : replies(heard.substr(2), true, port)) {
        std::string framed = number16(static_cast<unsigned>(reply.size())) + reply;
        for (char c : framed) send(peer.get(), &c, 1, MSG_NOSIGNAL);  // in pieces
    }
}

}  // namespace ringx
