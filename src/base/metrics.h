// base/metrics.h - what all processes count about things that have names, in memory they share.
//
// A thing, such as a server zone, is a struct of counters and a name, and has one place in the memory, which the first
// one who asks for it takes, whichever process that is. Each process has a copy of its own there and writes it with
// plain stores; who wants to know adds up all copies. What has happened stays counted when a process ends and its
// copies go to another; what is going on (gauges) counts only while the process lives. Places are never given back, so
// that reloads and restarts lose nothing; when there is no more room, the rest of a kind shares one place, "(others)".
//
// It is mapped before the first fork and outlives every generation. Memory that is not used costs nothing.
#pragma once

#include <pthread.h>
#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/counter.h"
#include "base/result.h"

namespace ringx {

class Metrics {
 public:
    // Workers, those that are leaving included. Where there are few CPUs there is room for fewer.
    static constexpr unsigned writers_max = 1024;
    static constexpr size_t name_bytes_max = 440;  // longer names are cut off
    static constexpr size_t places_max = 16384;
    static constexpr std::string_view others = "(others)";

    // Who is forked from now on shares it.
    static Result<std::unique_ptr<Metrics>> create();
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;
    ~Metrics();

    // The copies of the calling process. There always are some: more processes than there are share the last, and may
    // then miscount.
    class Writer;
    Writer claim();

    // Calls visit(name, sum) for each thing of a kind, in the order they were first asked for. Kinds are structs that
    // memory of zeroes is a valid object of; they have
    //     static constexpr std::string_view kind;     // at most 23 bytes
    //     static constexpr size_t gauges;             // how many of its first members are counters of what is going on
    //     void add(const Kind& other, bool living);   // the gauges only when living
    template <typename Kind, typename Visit>
    void for_each(Visit visit) const {
        for (size_t index = 0; index < places(); ++index) {
            const Place& place = place_at(index);
            if (place.kind_text() == Kind::kind) visit(place.name_text(), sum_at<Kind>(place.at));
        }
    }
    // The sum of one of them; zeroes when nobody has asked for it.
    template <typename Kind>
    Kind sum(std::string_view name) const {
        const Place* place = find(Kind::kind, name);
        return place != nullptr ? sum_at<Kind>(place->at) : Kind();
    }
    // The sum of the thing that a process has this copy of, which need not be looked for.
    template <typename Kind>
    Kind sum(const Kind& own) const { return sum_at<Kind>(where(&own)); }
    // Whether this copy is what found no room, all together.
    template <typename Kind>
    bool counts_others(const Kind& own) const {
        const Place* place = find(Kind::kind, others);
        return place != nullptr && place->at == where(&own);
    }

 private:
    // What a thing is called, and what it has in one process.
    struct Place {
        char kind[24];
        char name[name_bytes_max];
        uint32_t name_bytes;
        uint32_t gauges;
        uint64_t at;  // bytes from the beginning of each process's copies

        std::string_view kind_text() const { return kind; }
        std::string_view name_text() const { return {name, name_bytes}; }
    };
    struct Head;

    Metrics(void* memory) : memory_(static_cast<char*>(memory)) {}

    Head& head() const { return *reinterpret_cast<Head*>(memory_); }
    size_t places() const;
    Place& place_at(size_t index) const;
    char* copy(uint64_t at, unsigned writer) const;
    uint64_t where(const void* copy) const;
    size_t bucket_of(std::string_view kind, std::string_view name) const;
    const Place* find(std::string_view kind, std::string_view name) const;
    const Place& find_or_add(std::string_view kind, std::string_view name, size_t bytes, size_t gauges,
                             bool of_process);
    const Place& add(std::string_view kind, std::string_view name, size_t bytes, size_t gauges);
    void forget_what_goes_on(unsigned writer);
    unsigned writers() const;
    bool goes_on(std::span<const Counter> gauges, unsigned writer) const;

    static std::span<Counter> gauges(char* copy, size_t count) { return {reinterpret_cast<Counter*>(copy), count}; }

    template <typename Kind>
    Kind sum_at(uint64_t at) const {
        Kind sum;
        for (unsigned writer = 0; writer < writers(); ++writer) {
            char* copied = copy(at, writer);
            sum.add(*reinterpret_cast<const Kind*>(copied), goes_on(gauges(copied, Kind::gauges), writer));
        }
        return sum;
    }

    char* memory_;
};

// One for each process; until that ends, or it is destroyed there.
class Metrics::Writer {
 public:
    Writer(Writer&& other) noexcept : all_(std::exchange(other.all_, nullptr)), number_(other.number_) {}
    Writer& operator=(Writer&&) = delete;
    ~Writer();

    // This process's copy; the same one for the same name.
    template <typename Kind>
    Kind& own(std::string_view name) { return find<Kind>(name, false); }
    // The same for what each process has: there is room for it also when names have used up theirs.
    template <typename Kind>
    Kind& own_of_process(std::string_view name) { return find<Kind>(name, true); }
    const Metrics& all() const { return *all_; }

 private:
    friend class Metrics;
    Writer(Metrics& all, unsigned number) : all_(&all), number_(number) {}

    template <typename Kind>
    Kind& find(std::string_view name, bool of_process) {
        static_assert(std::is_standard_layout_v<Kind> && std::is_trivially_destructible_v<Kind> && alignof(Kind) <= 64);
        const Place& place = all_->find_or_add(Kind::kind, name, sizeof(Kind), Kind::gauges, of_process);
        return *reinterpret_cast<Kind*>(all_->copy(place.at, number_));
    }

    Metrics* all_;
    unsigned number_;
};

}  // namespace ringx
