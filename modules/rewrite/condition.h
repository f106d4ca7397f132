// modules/rewrite/condition.h - the words of an `if`, from "(" to ")".
//
// They become the step of a script that tests the condition; what is skipped when it does not hold, and which settings
// rule when it does, is filled in by who reads the block.
#pragma once

#include <optional>

#include "conf/binding.h"
#include "modules/rewrite/script.h"

namespace ringx::http::rewrite {

// The step that tests it; complains in nginx's words when it makes no sense.
std::optional<Step> read_condition(conf::Binding& binding);

}  // namespace ringx::http::rewrite
