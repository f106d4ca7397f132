// proc/steering_answer.h - an answer of the master's on its way to a worker: as bytes, and back.
//
// The bytes travel in a sealed file between processes of one program, so numbers are as the machine has them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/steering.h"

namespace ringx::proc {

std::string pack(const SteeringAnswer& answer);
// Nothing when these are not the bytes of an answer.
std::optional<SteeringAnswer> unpack(std::string_view bytes);

}  // namespace ringx::proc
