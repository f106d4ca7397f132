// http/protocol.h - http as processes see it.
//
// main.cc hands this to the master; nothing else of http is known there.
#pragma once

#include <span>

#include "conf/language.h"
#include "net/service.h"

namespace ringx::http {

extern const Protocol protocol;

// The sections of its own directives; modules have theirs besides.
std::span<const conf::Section* const> sections();

}  // namespace ringx::http
