// modules/api/write_rules.h - who may change something: never a page of another site, through somebody's browser.
//
// A browser says where a request comes from (Fetch Metadata, and Origin for whatever may change something). What
// forms can send without asking first is not taken at all: bodies are of type application/json.
#pragma once

#include <string_view>

#include "http/head.h"

namespace ringx::http::api {

bool is_cross_site(const RequestHead& head);

// Whether a Content-Type says JSON, with whatever parameters.
bool is_json(std::string_view content_type);

}  // namespace ringx::http::api
