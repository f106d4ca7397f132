// base/embedded.h - files that are part of the program.
//
// A page, style, script or document in a module's folder becomes an object of its own that holds its bytes (see the
// Makefile). A source that names one says
//     EMBEDDED(dashboard_page_html);   // modules/dashboard/page.html
// in the global namespace, and has its bytes as embedded::dashboard_page_html().
#pragma once

#include <string_view>

#define EMBEDDED(name)                                                                        \
    extern "C" const char embedded_##name[];                                                  \
    extern "C" const char embedded_##name##_end[];                                            \
    namespace embedded {                                                                      \
    inline std::string_view name() { return {embedded_##name, embedded_##name##_end}; }       \
    }                                                                                         \
    static_assert(true)
