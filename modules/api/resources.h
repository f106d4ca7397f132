// modules/api/resources.h - who answers: one function for each endpoint, one file for each resource.
//
// The rows that lead here are in modules/api/endpoints.cc.
#pragma once

#include "http/module.h"

namespace ringx::http::api {

struct Call;

Answer get_health(Call& call);       // health.cc
Answer get_stats(Call& call);        // stats.cc
Answer get_errors(Call& call);       // errors.cc
Answer get_metrics(Call& call);      // metrics.cc
Answer get_description(Call& call);  // openapi.cc

// zones.cc
Answer get_zones(Call& call);
Answer get_zone(Call& call);
Answer reset_zone(Call& call);

// upstreams.cc
Answer get_upstreams(Call& call);
Answer get_upstream(Call& call);
Answer get_peer(Call& call);
Answer add_peer(Call& call);
Answer change_peer(Call& call);
Answer remove_peer(Call& call);

// configuration.cc
Answer post_check(Call& call);
Answer post_reload(Call& call);

// log.cc
Answer get_log(Call& call);
Answer put_log(Call& call);
Answer delete_log(Call& call);

}  // namespace ringx::http::api
