// http/pace.h - limit_rate: how fast an answer may be sent.
//
// As in nginx the rate is of one answer: the first second's share leaves at once, then each part sent is followed by
// the time it is worth. What comes first, as much as limit_rate_after says, is not counted. A request without a limit
// has no part in this.
#pragma once

#include <cstdint>

#include "conf/language.h"
#include "http/request.h"
#include "http/variables.h"

namespace ringx::http {

// The rate for this request in bytes a second: what was assigned to $limit_rate, else limit_rate; 0: no limit.
uint64_t rate_of(Request& request);
// What was assigned; 0 when nothing was. Assigning takes effect until the answer begins.
uint64_t assigned_rate(const Request& request);
void assign_rate(Request& request, uint64_t bytes_a_second);

// Reads a size, or a text with variables that gives one.
void set_size_template(Setting<Template>& setting, conf::Binding& binding);
// The bytes a text gives for this request, as `limit_rate` takes them; 0 when it is empty, or no size, which is logged.
uint64_t evaluate_size(Request& request, const Template& text);

class Pace {
 public:
    // REQUIRES: the rate is not 0.
    Pace(Request& request, uint64_t rate);

    // How many bytes may be sent now, `sent` of the answer having left; when none, `wait_ms` says until when.
    uint64_t budget(uint64_t sent, uint64_t now_us, uint64_t& wait_ms) const;
    // How long to wait after an answer went from `before` bytes to `after`.
    uint64_t worth_ms(uint64_t before, uint64_t after) const;

 private:
    uint64_t counted(uint64_t sent) const { return sent > free_bytes_ ? sent - free_bytes_ : 0; }

    uint64_t rate_;
    uint64_t free_bytes_;
    uint64_t since_us_;
};

}  // namespace ringx::http
