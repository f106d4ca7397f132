// http/version.h - what the server calls itself towards clients.
//
// The Server field, the foot of built-in pages, and $nginx_version are made of it.
#pragma once

#include "build.h"

#define RINGX_SERVER_FIELD "ringx/" RINGX_VERSION
