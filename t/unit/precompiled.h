// t/unit/precompiled.h - precompiled.h for unit tests, which all begin with the same library as well.
//
// No test needs to know: each includes what it uses.
#pragma once

#include <gtest/gtest.h>

#include "precompiled.h"
