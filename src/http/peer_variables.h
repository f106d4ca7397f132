// http/peer_variables.h - variables of the other end: its address, and what a proxy before us said about it.
//
// The client's address may be another than the peer's when a trusted proxy says so (the realip module).
#pragma once

#include "http/variables.h"

namespace ringx::http {

VariableValue remote_addr(Request& request, const VariableUse&);
VariableValue proxy_protocol_addr(Request& request, const VariableUse&);
VariableValue proxy_protocol_port(Request& request, const VariableUse&);
VariableValue proxy_protocol_server_addr(Request& request, const VariableUse&);
VariableValue proxy_protocol_server_port(Request& request, const VariableUse&);
VariableValue proxy_protocol_tlv(Request& request, const VariableUse& use);

}  // namespace ringx::http
