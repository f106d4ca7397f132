#include "net/dns_message.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"

namespace ringx {
namespace {

constexpr size_t head_bytes = 12;
constexpr size_t label_bytes_max = 63;
constexpr size_t name_bytes_max = 255;  // on the wire, with the lengths and the root
constexpr uint16_t class_in = 1;
constexpr uint16_t type_soa = 6, type_opt = 41;
// Flags: QR, four bits of opcode, AA, TC, RD | RA, Z, AD, CD, four bits of RCODE.
constexpr uint16_t is_response = 0x8000, opcode_bits = 0x7800, is_truncated = 0x0200, wants_recursion = 0x0100;
constexpr uint16_t code_bits = 0x000f;

void put16(std::string& out, uint16_t number) {
    out += static_cast<char>(number >> 8);
    out += static_cast<char>(number & 0xff);
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// Printable ASCII but the dot: more than hosts' names may have, and nothing that could be taken for something else.
bool is_label_byte(char c) { return c > ' ' && c < 0x7f && c != '.' && c != '\\'; }

// Walks through a message; false from any read_… means that it is malformed.
class Reader {
 public:
    explicit Reader(std::string_view bytes) : bytes_(bytes) {}

    size_t at() const { return at_; }
    bool read16(uint16_t& number) {
        if (bytes_.size() - at_ < 2) return false;
        number = static_cast<uint16_t>(byte(at_) << 8 | byte(at_ + 1));
        at_ += 2;
        return true;
    }
    bool read32(uint32_t& number) {
        uint16_t high = 0, low = 0;
        if (!read16(high) || !read16(low)) return false;
        number = uint32_t{high} << 16 | low;
        return true;
    }
    bool read_bytes(size_t count, std::string_view& bytes) {
        if (bytes_.size() - at_ < count) return false;
        bytes = bytes_.substr(at_, count);
        at_ += count;
        return true;
    }
    bool go_to(size_t at) {
        if (at > bytes_.size()) return false;
        at_ = at;
        return true;
    }
    bool read_name(std::string& name, bool& usable);

 private:
    uint8_t byte(size_t at) const { return static_cast<uint8_t>(bytes_[at]); }

    std::string_view bytes_;
    size_t at_ = 0;
};

// Each pointer has to lead to before the piece of the name it ends (RFC 1035 section 4.1.4: a prior occurrence), so
// there is no way around in circles.
bool Reader::read_name(std::string& name, bool& usable) {
    name.clear();
    usable = true;
    size_t at = at_, piece = at_, wire_bytes = 1;
    bool jumped = false;
    for (;;) {
        if (at >= bytes_.size()) return false;
        uint8_t length = byte(at);
        if (length == 0) break;
        if (length >= 0xc0) {
            if (bytes_.size() - at < 2) return false;
            size_t target = static_cast<size_t>(length & 0x3f) << 8 | byte(at + 1);
            if (target >= piece || target < head_bytes) return false;
            if (!jumped) at_ = at + 2;
            jumped = true;
            at = piece = target;
            continue;
        }
        if (length > label_bytes_max || bytes_.size() - at - 1 < length) return false;
        wire_bytes += size_t{1} + length;
        if (wire_bytes > name_bytes_max) return false;
        std::string_view label = bytes_.substr(at + 1, length);
        if (!std::ranges::all_of(label, is_label_byte)) usable = false;
        if (!name.empty()) name += '.';
        std::ranges::transform(label, std::back_inserter(name), lower);
        at += size_t{1} + length;
    }
    if (!jumped) at_ = at + 1;
    return true;
}

Address address_of(std::string_view bytes) {
    if (bytes.size() == sizeof(in_addr)) {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        memcpy(&v4.sin_addr, bytes.data(), bytes.size());
        return Address(reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
    }
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    CHECK(bytes.size() == sizeof v6.sin6_addr);
    memcpy(&v6.sin6_addr, bytes.data(), bytes.size());
    return Address(reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
}

// One record of any kind, as far as all have the same shape.
struct Shape {
    std::string owner;
    bool usable = true;
    uint16_t type = 0, of_class = 0;
    uint32_t ttl = 0;
    size_t data_end = 0;
};

bool read_shape(Reader& reader, Shape& shape) {
    uint16_t data_bytes = 0;
    std::string_view data;
    bool whole = reader.read_name(shape.owner, shape.usable) && reader.read16(shape.type) &&
                 reader.read16(shape.of_class) && reader.read32(shape.ttl) && reader.read16(data_bytes);
    if (!whole) return false;
    size_t begin = reader.at();
    if (!reader.read_bytes(data_bytes, data)) return false;
    shape.data_end = reader.at();
    // The first bit set: a server of the old days; it means nothing (RFC 2181 section 8).
    if (shape.ttl > 0x7fffffff) shape.ttl = 0;
    return reader.go_to(begin);
}

// The data of a record of a type we know. It ends where its length says, or is malformed.
bool read_data(Reader& reader, const Shape& shape, DnsRecord& record, bool& usable) {
    std::string_view bytes;
    switch (record.type) {
        case DnsType::a:
        case DnsType::aaaa: {
            size_t size = record.type == DnsType::a ? sizeof(in_addr) : sizeof(in6_addr);
            if (shape.data_end - reader.at() != size || !reader.read_bytes(size, bytes)) return false;
            record.address = address_of(bytes);
            return true;
        }
        case DnsType::srv: {
            bool whole = reader.read16(record.priority) && reader.read16(record.weight) && reader.read16(record.port);
            if (!whole) return false;
            break;
        }
        case DnsType::cname: break;
    }
    return reader.read_name(record.target, usable) && reader.at() == shape.data_end;
}

bool is_known(uint16_t type) {
    constexpr std::array known = {DnsType::a, DnsType::cname, DnsType::aaaa, DnsType::srv};
    return std::ranges::find(known, static_cast<DnsType>(type)) != known.end();
}

bool read_answers(Reader& reader, uint16_t count, std::vector<DnsRecord>& records) {
    for (uint16_t i = 0; i < count; ++i) {
        Shape shape;
        if (!read_shape(reader, shape)) return false;
        if (is_known(shape.type) && shape.of_class == class_in) {
            DnsRecord record;
            record.owner = shape.owner;
            record.type = static_cast<DnsType>(shape.type);
            record.ttl = shape.ttl;
            bool usable = true;
            if (!read_data(reader, shape, record, usable)) return false;
            if (usable && shape.usable) records.push_back(std::move(record));
        }
        if (!reader.go_to(shape.data_end)) return false;
    }
    return true;
}

// Of the authorities only the SOA counts, of what is added nothing.
bool read_authorities(Reader& reader, uint16_t count, std::optional<uint32_t>& negative_ttl) {
    for (uint16_t i = 0; i < count; ++i) {
        Shape shape;
        if (!read_shape(reader, shape)) return false;
        if (shape.type == type_soa && shape.of_class == class_in) {
            std::string name;
            bool usable = true;
            uint32_t number = 0;  // serial, refresh, retry, expire, minimum
            if (!reader.read_name(name, usable) || !reader.read_name(name, usable)) return false;
            for (int field = 0; field < 5; ++field) {
                if (!reader.read32(number)) return false;
            }
            if (reader.at() != shape.data_end) return false;
            negative_ttl = std::min(number, shape.ttl);
        }
        if (!reader.go_to(shape.data_end)) return false;
    }
    return true;
}

bool skip_records(Reader& reader, uint16_t count) {
    for (uint16_t i = 0; i < count; ++i) {
        Shape shape;
        if (!read_shape(reader, shape) || !reader.go_to(shape.data_end)) return false;
    }
    return true;
}

}  // namespace

std::optional<std::string> dns_name(std::string_view text) {
    if (text.ends_with('.')) text.remove_suffix(1);
    // Each label has a byte of length in the place of its dot; the first has one more, and the root is one.
    if (text.empty() || text.size() + 2 > name_bytes_max) return std::nullopt;
    std::string name;
    size_t label_bytes = 0;
    for (char c : text) {
        if (c == '.' ? label_bytes == 0 : !is_label_byte(c)) return std::nullopt;
        label_bytes = c == '.' ? 0 : label_bytes + 1;
        if (label_bytes > label_bytes_max) return std::nullopt;
        name += lower(c);
    }
    if (label_bytes == 0) return std::nullopt;
    return name;
}

std::string make_dns_query(const DnsQuestion& question) {
    CHECK(dns_name(question.name) == question.name);
    bool has_edns = question.datagram_bytes > 0;
    std::string query;
    put16(query, question.id);
    put16(query, wants_recursion);
    for (uint16_t count : {1, 0, 0, has_edns ? 1 : 0}) put16(query, count);
    std::string_view rest = question.name;
    while (!rest.empty()) {
        std::string_view label = rest.substr(0, rest.find('.'));
        query += static_cast<char>(label.size());
        query += label;
        rest.remove_prefix(std::min(label.size() + 1, rest.size()));
    }
    query += '\0';
    put16(query, static_cast<uint16_t>(question.type));
    put16(query, class_in);
    if (has_edns) {  // RFC 6891 section 6.1: the root, OPT, our size, nothing extended, no options
        query += '\0';
        put16(query, type_opt);
        put16(query, question.datagram_bytes);
        query.append(6, '\0');
    }
    return query;
}

std::expected<DnsAnswer, DnsFault> read_dns_answer(std::string_view bytes, const DnsQuestion& question) {
    Reader reader(bytes);
    uint16_t id = 0, flags = 0, questions = 0, answers = 0, authorities = 0, more = 0;
    bool has_head = reader.read16(id) && reader.read16(flags) && reader.read16(questions) && reader.read16(answers) &&
                    reader.read16(authorities) && reader.read16(more);
    if (!has_head) return std::unexpected(DnsFault::malformed);
    if ((flags & is_response) == 0 || (flags & opcode_bits) != 0) return std::unexpected(DnsFault::not_an_answer);
    if (id != question.id) return std::unexpected(DnsFault::other_question);

    DnsAnswer answer;
    answer.code = static_cast<uint8_t>(flags & code_bits);
    answer.truncated = (flags & is_truncated) != 0;
    // A server that could not read the question cannot repeat it.
    if (questions == 0 && answer.code != 0 && answers == 0 && bytes.size() == head_bytes) return answer;
    std::string name;
    bool usable = true;
    uint16_t type = 0, of_class = 0;
    if (questions != 1 || !reader.read_name(name, usable) || !reader.read16(type) || !reader.read16(of_class)) {
        return std::unexpected(DnsFault::malformed);
    }
    bool is_ours = usable && name == question.name && type == static_cast<uint16_t>(question.type) &&
                   of_class == class_in;
    if (!is_ours) return std::unexpected(DnsFault::other_question);
    if (answer.truncated) return answer;
    bool whole = read_answers(reader, answers, answer.records) &&
                 read_authorities(reader, authorities, answer.negative_ttl) && skip_records(reader, more);
    if (!whole) return std::unexpected(DnsFault::malformed);
    return answer;
}

std::optional<DnsFinding> find_in(const DnsAnswer& answer, std::string_view name, DnsType type) {
    DnsFinding finding;
    finding.name = name;
    for (;;) {
        const DnsRecord* alias = nullptr;
        for (const DnsRecord& record : answer.records) {
            if (record.owner != finding.name) continue;
            if (record.type == type) finding.records.push_back(&record);
            if (record.type == DnsType::cname) alias = &record;
        }
        bool arrived = !finding.records.empty() || alias == nullptr;
        if (arrived) break;
        if (alias->target.empty() || ++finding.aliases > dns_aliases_max) return std::nullopt;
        finding.ttl = std::min(finding.ttl, alias->ttl);
        finding.name = alias->target;
    }
    for (const DnsRecord* record : finding.records) finding.ttl = std::min(finding.ttl, record->ttl);
    return finding;
}

}  // namespace ringx
