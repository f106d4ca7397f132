#include "http/forwarded_for.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <string>

namespace ringx::http {
namespace {

bool is_separator(char c) { return c == ' ' || c == ','; }

// Takes the last element off a list; the separators around it are spaces and commas alike, as in nginx.
std::string_view take_last(std::string_view& list) {
    while (list.size() > 1 && is_separator(list.back())) list.remove_suffix(1);
    size_t begin = list.size();
    while (begin > 0 && !is_separator(list[begin - 1])) --begin;
    std::string_view last = list.substr(begin);
    list = list.substr(0, begin);
    return last;
}

bool is_trusted(const Address& address, std::span<const Cidr> trusted) {
    return std::ranges::any_of(trusted, [&](const Cidr& cidr) { return cidr.contains(address); });
}

}  // namespace

std::optional<Address> parse_client_address(std::string_view text) {
    std::string host(text);
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    if (inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
        return Address(reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
    }
    // What else an address of a `listen` may be, such as a port alone, is none of a client.
    bool has_host = text.starts_with('[') || (!text.empty() && text[0] >= '0' && text[0] <= '9' && text.contains('.'));
    return has_host ? Address::parse(text, 0) : std::nullopt;
}

std::optional<Address> forwarded_for(const Address& peer, std::span<const std::string_view> values,
                                     std::span<const Cidr> trusted, bool recursive) {
    std::optional<Address> found;
    for (size_t i = values.size(); i-- > 0;) {
        std::string_view list = values[i];
        do {
            if (!is_trusted(found.value_or(peer), trusted)) return found;
            auto before = parse_client_address(take_last(list));
            if (!before) return found;
            found = before;
            if (!recursive) return found;
        } while (!list.empty());
    }
    return found;
}

}  // namespace ringx::http
