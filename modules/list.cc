// modules/list.cc - the compiled-in modules of http, in order.
//
// Order is policy, and it stands here alone: within each phase of a request functions are called from the first module
// to the last, and so do the filters see the response. A module that configure left out is skipped; those added with
// --add-module come before the ones that answer for files.
#include "build.h"
#include "http/core_variables.h"
#include "http/module.h"
#include "http/upstream_variables.h"

namespace ringx::http {

#define RINGX_DECLARE(name) extern constinit const Module name##_module;
RINGX_DECLARE(ssl)
RINGX_DECLARE(upstream)
RINGX_DECLARE(health_check)
RINGX_DECLARE(geo)
RINGX_DECLARE(map)
RINGX_DECLARE(split_clients)
RINGX_DECLARE(browser)
RINGX_DECLARE(referer)
RINGX_DECLARE(secure_link)
RINGX_DECLARE(realip)
RINGX_DECLARE(rewrite)
RINGX_DECLARE(limit_req)
RINGX_DECLARE(limit_conn)
RINGX_DECLARE(access)
RINGX_DECLARE(auth_basic)
RINGX_DECLARE(auth_request)
RINGX_DECLARE(try_files)
RINGX_DECLARE(mirror)
RINGX_DECLARE(proxy)
RINGX_DECLARE(tunnel)
RINGX_DECLARE(stub_status)
RINGX_DECLARE(metrics)
RINGX_DECLARE(api)
RINGX_DECLARE(dashboard)
RINGX_DECLARE(empty_gif)
RINGX_DECLARE(random_index)
RINGX_DECLARE(index)
RINGX_DECLARE(autoindex)
RINGX_DECLARE(gzip_static)
RINGX_DECLARE(static)
RINGX_DECLARE(headers)
RINGX_DECLARE(userid)
RINGX_DECLARE(gunzip)
RINGX_DECLARE(gzip)
RINGX_DECLARE(log)
RINGX_ADDED_MODULES(RINGX_DECLARE)
#undef RINGX_DECLARE

namespace {

#define RINGX_LIST(name) &name##_module,
constexpr const Module* listed[] = {
    &core_variables_module,
    &upstream_variables_module,
#ifndef RINGX_WITHOUT_SSL
    &ssl_module,
#endif
#ifndef RINGX_WITHOUT_UPSTREAM
    &upstream_module,
#endif
#ifndef RINGX_WITHOUT_HEALTH_CHECK
    &health_check_module,
#endif
#ifndef RINGX_WITHOUT_GEO
    &geo_module,
#endif
#ifndef RINGX_WITHOUT_MAP
    &map_module,
#endif
#ifndef RINGX_WITHOUT_SPLIT_CLIENTS
    &split_clients_module,
#endif
#ifndef RINGX_WITHOUT_BROWSER
    &browser_module,
#endif
#ifndef RINGX_WITHOUT_REFERER
    &referer_module,
#endif
#ifndef RINGX_WITHOUT_SECURE_LINK
    &secure_link_module,
#endif
#ifndef RINGX_WITHOUT_REALIP
    &realip_module,
#endif
#ifndef RINGX_WITHOUT_REWRITE
    &rewrite_module,
#endif
#ifndef RINGX_WITHOUT_LIMIT_REQ
    &limit_req_module,
#endif
#ifndef RINGX_WITHOUT_LIMIT_CONN
    &limit_conn_module,
#endif
#ifndef RINGX_WITHOUT_ACCESS
    &access_module,
#endif
#ifndef RINGX_WITHOUT_AUTH_BASIC
    &auth_basic_module,
#endif
#ifndef RINGX_WITHOUT_AUTH_REQUEST
    &auth_request_module,
#endif
#ifndef RINGX_WITHOUT_TRY_FILES
    &try_files_module,
#endif
#ifndef RINGX_WITHOUT_MIRROR
    &mirror_module,
#endif
    RINGX_ADDED_MODULES(RINGX_LIST)
#ifndef RINGX_WITHOUT_PROXY
    &proxy_module,
#endif
#ifndef RINGX_WITHOUT_TUNNEL
    &tunnel_module,
#endif
#ifndef RINGX_WITHOUT_STUB_STATUS
    &stub_status_module,
#endif
#ifndef RINGX_WITHOUT_METRICS
    &metrics_module,
#endif
#ifndef RINGX_WITHOUT_API
    &api_module,
#endif
#ifndef RINGX_WITHOUT_DASHBOARD
    &dashboard_module,
#endif
#ifndef RINGX_WITHOUT_EMPTY_GIF
    &empty_gif_module,
#endif
#ifndef RINGX_WITHOUT_RANDOM_INDEX
    &random_index_module,
#endif
#ifndef RINGX_WITHOUT_INDEX
    &index_module,
#endif
#ifndef RINGX_WITHOUT_AUTOINDEX
    &autoindex_module,
#endif
#ifndef RINGX_WITHOUT_GZIP_STATIC
    &gzip_static_module,
#endif
#ifndef RINGX_WITHOUT_STATIC
    &static_module,
#endif
#ifndef RINGX_WITHOUT_HEADERS
    &headers_module,
#endif
#ifndef RINGX_WITHOUT_USERID
    &userid_module,
#endif
#ifndef RINGX_WITHOUT_GUNZIP
    &gunzip_module,
#endif
#ifndef RINGX_WITHOUT_GZIP
    &gzip_module,
#endif
#ifndef RINGX_WITHOUT_LOG
    &log_module,
#endif
};
#undef RINGX_LIST

}  // namespace

std::span<const Module* const> modules() { return listed; }

}  // namespace ringx::http
