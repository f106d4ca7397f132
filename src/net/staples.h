// net/staples.h - the responses that are stapled, in a zone that all workers share.
//
// One worker asks for each of them, and all show it. Who is to ask is settled here, and by whose life: when the asker
// dies, the next one to look takes its place. A zone that had to be emptied is filled again within look_again_max.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/lives.h"
#include "base/shared_zone.h"

namespace ringx {

class Staples {
 public:
    // What a zone for them is called, and its size: thousands of responses, and memory only for those there are.
    static constexpr std::string_view use = "ssl_stapling";
    static constexpr size_t zone_bytes = size_t{4} << 20;

    // An hour passes before a response is asked for again, as in nginx, or half of the time it is still good for: so
    // there is another chance before it ends. After a failure it is five minutes.
    static constexpr int64_t refresh_seconds_max = 3600;
    static constexpr int64_t retry_seconds = 300;
    static constexpr int64_t look_again_max = 300;

    // Times are seconds since 1970.
    Staples(SharedZone& zone, int64_t now) : zone_(zone), now_(now) {}

    // The response to show; empty when there is none that is good.
    std::string find(std::string_view key) const;

    // 0: it is this process's turn to ask, and it has to say what became of it by one of the following. Otherwise in
    // how many seconds to look again.
    int64_t take_turn(std::string_view key, const Lives& lives, Life self);
    void keep(std::string_view key, std::string_view response, int64_t valid_until);
    void fail(std::string_view key);
    void give_up_turn(std::string_view key);

 private:
    SharedZone& zone_;
    int64_t now_;
};

}  // namespace ringx
