// net/address.h - a socket address: IPv4, IPv6 or a path.
//
// Its text is canonical, so two addresses are the same when their texts are.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringx {

class Address {
 public:
    Address() : any_{} {}
    // REQUIRES: `length` bytes at `from` are a complete address of family AF_INET, AF_INET6 or AF_UNIX.
    Address(const sockaddr* from, socklen_t length);

    // "*:80", "80", "127.0.0.1:80", "127.0.0.1", "[::1]:80", "unix:/path"; a name is not an address. `port` serves when
    // the text has none. Nothing when it is malformed.
    static std::optional<Address> parse(std::string_view text, uint16_t port);

    // The same, and "name:80" too: all addresses the name has now. Empty when it is malformed or unknown. May block.
    static std::vector<Address> resolve(std::string_view text, uint16_t port);

    static Address of_peer(int socket);    // getpeername(2); family AF_UNSPEC when it is gone
    static Address of_socket(int socket);  // getsockname(2)

    sa_family_t family() const { return any_.ss_family; }
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&any_); }
    socklen_t length() const;
    bool is_wildcard() const;

    uint16_t port() const;  // 0 for a path
    Address with_port(uint16_t port) const;  // a path as it is
    // "127.0.0.1", "::1", "unix:" (as $remote_addr shows it).
    std::string host_text() const;
    // "127.0.0.1:80", "[::1]:80", "unix:/path": as log lines and `listen` show it; also the key of a listening socket.
    std::string text() const;

    friend bool operator==(const Address& a, const Address& b) { return a.text() == b.text(); }

 private:
    union {
        sockaddr_storage any_;
        sockaddr_in v4_;
        sockaddr_in6 v6_;
        sockaddr_un path_;
    };
};

// Writes four bytes in network order as "127.0.0.1" and gives the end; there is room for INET_ADDRSTRLEN. For logs:
// inet_ntop(3) takes as long as the rest of a line.
char* write_ipv4(const uint8_t* bytes, char* out);

}  // namespace ringx
