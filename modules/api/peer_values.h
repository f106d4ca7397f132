// modules/api/peer_values.h - what a client says about a server of a group, read from JSON.
//
// The names are those of the parameters of `server`, and so are their limits. Times are whole seconds.
#pragma once

#include <expected>
#include <string>

#include "modules/api/json_object.h"
#include "net/peer_plan.h"

namespace ringx::http::api {

// The address of a server that is to be added, as text, or a sentence that says what is wrong. Names are for the
// configuration: whoever adds a server knows where it is, and all workers have to mean the same.
std::expected<std::string, std::string> read_new_server(MemberReader& members);

// What is said about a server of the group; with `is_new` all that is not said is as it is usually. Members other than
// these, "server" apart, are wrong.
std::expected<PeerChange, std::string> read_peer_change(MemberReader& members, const PeerGroup& group, bool is_new);

}  // namespace ringx::http::api
