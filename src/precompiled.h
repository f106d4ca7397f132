// precompiled.h - the headers of libraries that most sources include, which g++ compiles once for all of them.
//
// No source needs to know: each includes what it uses. clang goes without, and so finds what was forgotten. None of our
// own headers is here, because a change of one would compile everything again.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <fmt/format.h>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>
