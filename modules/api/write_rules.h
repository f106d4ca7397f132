// modules/api/write_rules.h - who may change something: never a page of another site, through somebody's browser.
//
// A browser says where a request comes from (Fetch Metadata, and Origin for whatever may change something). A page may
// also be ours in name only: whoever owns a name can have it looked up as our address once the page is there (DNS
// rebinding), so a browser has to ask under a name we are given, or under an address. What forms can send without
// asking first is not taken at all: bodies are of type application/json.
#pragma once

#include <span>
#include <string_view>

#include "http/head.h"
#include "http/server_settings.h"

namespace ringx::http::api {

bool is_cross_site(const RequestHead& head);

// Whether a browser asks under a name that is neither among these nor an address nor this machine's own (RFC 6761
// section 6.3).
bool is_strange_name(const RequestHead& head, std::span<const ServerName> names);

// Whether a Content-Type says JSON, with whatever parameters.
bool is_json(std::string_view content_type);

}  // namespace ringx::http::api
