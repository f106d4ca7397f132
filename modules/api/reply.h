// modules/api/reply.h - what the API answers: JSON, which nobody keeps.
//
// A mistake is {"error": {"code": "unknown_peer", "message": "A sentence."}} with a status that fits. The pages of
// `error_page` are not for it.
#pragma once

#include <string_view>

#include "http/module.h"

namespace ringx::http::api {

// The text may be gone afterwards.
Answer reply(Request& request, std::string_view json, uint16_t status = 200);

// `code` is for programs and a promise to them, `message` is for people.
Answer refuse(Request& request, uint16_t status, std::string_view code, std::string_view message);

// Every answer of the API tells the moment it was made at.
void forbid_keeping(Request& request, Answer& answer);

}  // namespace ringx::http::api
