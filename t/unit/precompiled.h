// t/unit/precompiled.h - src/precompiled.h for unit tests, which all begin with the same library.
#pragma once

#include <gtest/gtest.h>

#include "src/precompiled.h"
