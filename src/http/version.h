// http/version.h - what the server calls itself towards clients.
#pragma once

#include "build.h"

#define RINGX_SERVER_FIELD "ringx/" RINGX_VERSION
