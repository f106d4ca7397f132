// net/hash_ring.h - consistent hashing: who has which share of a ring of numbers.
//
// Each server has 160 points for each unit of its weight, at places that depend on its name alone; a key belongs to the
// first point behind its own hash. So when a server comes or goes, only the keys next to its points move. The points
// are those of Cache::Memcached::Fast and of nginx's `hash … consistent`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace ringx {

// CRC-32 of ISO 3309, gone on with from that of the text before; 0: there is none.
uint32_t crc32_of(uint32_t before, std::string_view text);

class HashRing {
 public:
    static constexpr size_t points_of_weight = 160;

    // `name` is HOST[:PORT] or unix:PATH, as the configuration has it. Call complete() after the last one.
    void add(uint32_t server, std::string_view name, uint32_t weight);
    void complete();

    // The place of a key: an index, to be counted up from when its server cannot be had.
    size_t find(std::string_view key) const;
    // REQUIRES: there are servers.
    uint32_t server_at(size_t index) const { return points_[index % points_.size()].server; }

    size_t size() const { return points_.size(); }

 private:
    struct Point {
        uint32_t hash;
        uint32_t server;
    };
    std::vector<Point> points_;  // by hash
};

}  // namespace ringx
