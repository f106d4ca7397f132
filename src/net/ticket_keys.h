// net/ticket_keys.h - the keys of tickets when no files hold any: made by the master, used by all workers.
//
// A ticket outlives the worker that gave it, and every generation. So its key lies in memory that is mapped before the
// first fork and is in no core dump. One process makes keys there: each encrypts for a while, and decrypts for as long
// again beside its successor. All others read, at every handshake, and never wait: a new key is written where neither
// of the two in force is, and then one number says that it counts. A writer that dies at any instant harms nobody.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <span>

#include "conf/language.h"
#include "net/ticket_key.h"

namespace ringx {

class TicketKeys {
 public:
    using Moment = std::chrono::steady_clock::time_point;

    TicketKeys();
    TicketKeys(const TicketKeys&) = delete;
    TicketKeys& operator=(const TicketKeys&) = delete;
    ~TicketKeys();

    // Makes a new key when there is none, or the latest has encrypted for `life`. Returns when the next is due.
    // REQUIRES: no other process does.
    Moment rotate(Moment now, std::chrono::seconds life);

    // A copy of the keys in force, the one that encrypts first; none before the first rotate(). It is wiped at its end.
    class InForce {
     public:
        explicit InForce(const TicketKeys& of);
        InForce(const InForce&) = delete;
        InForce& operator=(const InForce&) = delete;
        ~InForce();
        std::span<const TicketKey> keys() const { return std::span(keys_).first(count_); }

     private:
        std::array<TicketKey, 2> keys_;
        size_t count_ = 0;
    };

 private:
    struct Page;

    void add(bool keep_latest);

    Page& page_;
    Moment made_;  // the latest
};

// How long keys are to last: as the longest session of a configuration that uses them. In its main block.
struct TicketLife {
    // A shorter one would only make more keys.
    static constexpr std::chrono::seconds least = std::chrono::minutes(5);

    std::chrono::seconds longest{0};  // 0: nobody uses them

    void include(std::chrono::seconds session) { longest = std::max({longest, session, least}); }
};

extern constinit conf::Slot<TicketLife> ticket_life;
extern const conf::Section ticket_life_section;

}  // namespace ringx
