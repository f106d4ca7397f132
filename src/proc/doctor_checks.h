// proc/doctor_checks.h - what `server doctor` makes of facts: findings that are well, or come with their remedy.
//
// A finding is a warning only if something can be done about it and somebody can be told why; it says both. Pure
// functions: the same facts give the same findings, in the same order.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proc/doctor_facts.h"

namespace ringx::proc {

struct Finding {
    std::string_view topic;
    std::string what;
    std::string remedy;  // what to run or to write; empty: all is well

    bool is_well() const { return remedy.empty(); }
};

std::vector<Finding> examine(const Facts& facts);

}  // namespace ringx::proc
