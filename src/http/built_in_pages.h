// http/built_in_pages.h - the pages that are shown for a status when no error_page says otherwise.
//
// Their text is nginx's, for clients and tests that know it, but for the name at the foot.
#pragma once

#include "http/request.h"
#include "http/response.h"

namespace ringx::http {

// The page of a status, nginx's but for the name at its foot. A status without a page gives a response without a body.
Response built_in_page(Request& request, uint16_t status);

}  // namespace ringx::http
