// http/protocol.h - http as processes see it.
#pragma once

#include <span>

#include "conf/language.h"
#include "net/service.h"

namespace ringx::http {

extern const Protocol protocol;

// The sections of its own directives; modules have theirs besides.
std::span<const conf::Section* const> sections();

}  // namespace ringx::http
