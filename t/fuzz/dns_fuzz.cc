// t/fuzz/dns_fuzz.cc - what a name server may send: read within its bytes, and only as an answer to what was asked.
//
// The first byte of the input chooses the type that is asked for, the rest is the message. What was read is made of
// names that could be asked for again, is about our question, and is malformed wherever it is cut off before its end.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "net/dns_message.h"

using namespace ringx;

namespace {

void check(const DnsAnswer& answer, const DnsQuestion& question) {
    CHECK(!answer.truncated || answer.records.empty());
    for (const DnsRecord& record : answer.records) {
        CHECK(record.owner.empty() || dns_name(record.owner) == record.owner);
        CHECK(record.target.empty() || dns_name(record.target) == record.target);
        CHECK(record.ttl <= 0x7fffffff);
        bool has_address = record.type == DnsType::a || record.type == DnsType::aaaa;
        CHECK(has_address == (record.address.family() != AF_UNSPEC));
    }
    auto found = find_in(answer, question.name, question.type);
    if (!found) return;
    CHECK(found->aliases <= dns_aliases_max);
    for (const DnsRecord* record : found->records) {
        CHECK(record->owner == found->name && record->type == question.type && record->ttl >= found->ttl);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    constexpr DnsType types[] = {DnsType::a, DnsType::aaaa, DnsType::srv, DnsType::cname};
    DnsQuestion question{.id = 0x1234, .type = types[data[0] % 4], .name = "www.example.com"};
    std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    auto answer = read_dns_answer(bytes, question);
    if (!answer) return 0;
    check(*answer, question);
    bool was_complete = false;
    for (size_t length = 0; length < std::min<size_t>(bytes.size(), 1024); ++length) {
        auto part = read_dns_answer(bytes.substr(0, length), question);
        CHECK(part || part.error() != DnsFault::other_question);
        CHECK(part || !was_complete);
        was_complete |= part.has_value();
    }
    return 0;
}
