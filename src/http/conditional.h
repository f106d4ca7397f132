// http/conditional.h - what the If-… and Range fields of a request make of a response (RFC 9110 sections 13 and 14).
//
// Called by the pipeline for every response. Conditions come before the filters, as in nginx: they compare what the
// handler gave, not what compression made of it. Ranges come after them, and are cut from what would be sent. They
// apply to a 200 only; the page of another status loses its date. The rules are nginx's where the RFC leaves a choice.
#pragma once

#include <cstdint>

#include "http/request.h"
#include "http/response.h"

namespace ringx::http {

// Makes a 304 of a response the client has already. Gives 0, or the status to answer with instead (412).
uint16_t apply_conditions(Request& request, Response& response);

// Cuts the ranges that were asked for out of a body of pieces and makes it a 206, with several parts if need be. Gives
// 0, or the status to answer with instead: 416, with Content-Range alone among the response's fields.
uint16_t apply_ranges(Request& request, Response& response);

// The request asks for conditions or ranges, so that less than the whole may be sent.
bool may_send_less(const Request& request);

}  // namespace ringx::http
