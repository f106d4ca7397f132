#include "proc/inquiry.h"

#include <openssl/crypto.h>
#include <openssl/opensslv.h>
#include <unistd.h>

#include <string>

#include "build.h"
#include "proc/journal.h"

namespace ringx::proc {

namespace {

std::string tls_line() {
    std::string line = "built with " OPENSSL_VERSION_TEXT;
    std::string_view running = OpenSSL_version(OPENSSL_VERSION);
    if (running != OPENSSL_VERSION_TEXT) line += text::format(" (running with {})", running);
    return line;
}

}  // namespace

void show_version(const CommandLine& line, std::span<const std::string_view> modules) {
    std::string shown = "server version: ringx/" RINGX_VERSION "\n";
    if (line.help) shown += usage();
    if (line.build) {
        shown += "built by " RINGX_COMPILER "\n" + tls_line() + "\nTLS SNI support enabled\nmodules:";
        for (std::string_view module : modules) shown += text::format(" {}", module);
        shown += "\nconfigure arguments: " RINGX_CONFIGURE "\n";
    }
    print(STDERR_FILENO, shown);
}

}  // namespace ringx::proc
