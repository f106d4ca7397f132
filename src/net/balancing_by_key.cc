// net/balancing_by_key.cc - searches that jump to and fro: by hashes of a key, and at random.
//
// A search proposes one peer after the other, by its share of the weights; one that cannot be had counts as a failure
// of the search. What it has proposed last it goes on from, when the same request has to try another peer.
#include "base/check.h"
#include "base/format.h"
#include "net/balancing.h"

namespace ringx {
namespace {

// The peer at that place, when each takes as many places as its weight.
size_t peer_at(Candidates peers, uint64_t place) {
    uint64_t total = 0;
    for (const Candidate& peer : peers) total += peer.rules->weight;
    CHECK(total > 0);
    place %= total;
    size_t index = 0;
    for (; place >= peers[index].rules->weight; ++index) place -= peers[index].rules->weight;
    return index;
}

// The first of those that `propose` names that can be had, as long as the search has not given up.
template <typename Propose>
size_t search_on(Candidates peers, const TriedPeers& tried, KeySearch& search, uint64_t now_ms,
                 const Propose& propose) {
    while (!search.given_up() && !peers.empty()) {
        size_t index = peer_at(peers, propose());
        if (!tried.has(index) && is_available(peers[index], now_ms)) return index;
        ++search.failures;
    }
    return no_peer;
}

}  // namespace

size_t choose_by_address(Candidates peers, const TriedPeers& tried, KeySearch& search, uint64_t now_ms) {
    if (search.steps == 0) search.hash = 89;
    return search_on(peers, tried, search, now_ms, [&] {
        ++search.steps;
        for (char c : search.key) search.hash = (search.hash * 113 + static_cast<unsigned char>(c)) % 6271;
        return search.hash;
    });
}

// As Cache::Memcached does it: ((crc32([STEP] KEY) >> 16) & 0x7fff) + what came before; the first time without STEP.
size_t choose_by_hash(Candidates peers, const TriedPeers& tried, KeySearch& search, uint64_t now_ms) {
    return search_on(peers, tried, search, now_ms, [&] {
        uint32_t crc = search.steps == 0 ? 0 : crc32_of(0, text::format("{}", search.steps));
        search.hash += crc32_of(crc, search.key) >> 16 & 0x7fff;
        ++search.steps;
        return search.hash;
    });
}

size_t choose_by_ring(Candidates peers, const TriedPeers& tried, const HashRing& ring,
                      std::span<const uint32_t> servers, KeySearch& search, uint64_t now_ms) {
    CHECK(servers.size() == peers.size());
    if (peers.empty()) return no_peer;
    if (search.steps++ == 0) search.hash = static_cast<uint32_t>(ring.find(search.key));
    for (; !search.given_up(); ++search.hash, ++search.failures) {
        uint32_t server = ring.server_at(search.hash);
        // A server may have several addresses: all but those of this one are as good as tried.
        TriedPeers unwanted = tried;
        for (size_t i = 0; i < peers.size(); ++i) {
            if (servers[i] != server) unwanted.add(i);
        }
        size_t index = choose_in_turn(peers, unwanted, now_ms);
        if (index != no_peer) return index;
    }
    return no_peer;
}

uint64_t Dice::roll() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1d >> 16;
}

size_t choose_at_random(Candidates peers, const TriedPeers& tried, Dice& dice, KeySearch& search, uint64_t now_ms) {
    return search_on(peers, tried, search, now_ms, [&] { return dice.roll(); });
}

}  // namespace ringx
