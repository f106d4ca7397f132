// net/dns_message.h - questions to name servers and what they answer (RFC 1035): bytes only.
//
// A name is dotted text in lower case without a dot at its end. Whatever a server sends is hostile until it was read:
// every byte of the sections that count is looked at, pointers lead backwards only, and an answer to another question
// than the one asked is none. A name that no host can have (a dot or a blank inside a label) makes its record
// worthless, not the message.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/address.h"

namespace ringx {

// What fits into one packet everywhere, and so is not truncated by the way (DNS flag day 2020).
constexpr uint16_t dns_datagram_bytes = 1232;
constexpr size_t dns_message_bytes_max = 65535;

enum class DnsType : uint16_t { a = 1, cname = 5, aaaa = 28, srv = 33 };

struct DnsQuestion {
    uint16_t id = 0;
    DnsType type = DnsType::a;
    std::string name;
    uint16_t datagram_bytes = dns_datagram_bytes;  // the largest answer that is read; 0: as before EDNS, 512
};

// The name as answers are compared by; nothing when it is none: empty or too long, with empty or too long labels, or
// with bytes that no host's name has. A dot at the end is left out.
std::optional<std::string> dns_name(std::string_view text);

// REQUIRES: the name is one, as dns_name() gives it.
std::string make_dns_query(const DnsQuestion& question);

struct DnsRecord {
    std::string owner;
    DnsType type = DnsType::a;
    uint32_t ttl = 0;     // seconds
    Address address;      // a, aaaa; its port is 0
    std::string target;   // cname, srv; empty: the root
    uint16_t priority = 0, weight = 0, port = 0;  // srv
};

struct DnsAnswer {
    uint8_t code = 0;        // RCODE: 0 without error, 3 there is no such name
    bool truncated = false;  // to be asked again over TCP; then there are no records
    std::vector<DnsRecord> records;              // of the answer section
    std::optional<uint32_t> negative_ttl;        // for how long that which is not there is not (RFC 2308 section 5)
};

// Why a message is not read.
enum class DnsFault : uint8_t { malformed, not_an_answer, other_question };

std::expected<DnsAnswer, DnsFault> read_dns_answer(std::string_view bytes, const DnsQuestion& question);

// What an answer says about a name: the records of the type, of the name itself or of the one it is an alias of.
struct DnsFinding {
    std::string name;  // the last of the aliases
    std::vector<const DnsRecord*> records;
    uint32_t ttl = ~uint32_t{0};  // the least of all on the way
    size_t aliases = 0;
};
// Nothing when the aliases lead around, or are too many.
std::optional<DnsFinding> find_in(const DnsAnswer& answer, std::string_view name, DnsType type);

// As many aliases as one name may have before it is taken for a loop.
constexpr size_t dns_aliases_max = 16;

}  // namespace ringx
