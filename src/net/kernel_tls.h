// net/kernel_tls.h - records sealed by the kernel (kTLS): what is sent on the socket leaves as records, files too.
//
// TLS 1.2 since Linux 4.13, TLS 1.3 since 5.1, ChaCha20 since 5.11, by the module `tls`. Receiving stays with us: a
// record that is not data would fail the kernel's receives.
#pragma once

#include <sys/types.h>

#include <string_view>

#include "net/record_keys.h"
#include "net/records.h"

namespace ringx {

// Has the kernel load its module, if it is not there yet. Without the rights to that it has no effect.
void load_kernel_tls();

// From now on the kernel seals what is sent, beginning with these keys. 0, or why not: an errno, and nothing changed.
int let_kernel_seal(int socket, const RecordKeys& keys);

// Sends one record that is no data, as send(2).
ssize_t send_kernel_record(int socket, RecordType type, std::string_view bytes);

}  // namespace ringx
