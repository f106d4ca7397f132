#include "base/check.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace ringx {

void check_failed(const char* claim, const char* file, int line) {
    // Straight to the descriptor: the state of everything else is in doubt.
    dprintf(STDERR_FILENO, "CHECK failed: %s at %s:%d\n", claim, file, line);
    abort();
}

}  // namespace ringx
