// net/key_schedule.h - the key schedule of TLS 1.3 (RFC 8446 section 7.1), in OpenSSL's hands.
//
// OpenSSL derives all secrets of a handshake with an algorithm that a provider may bring (provider-kdf(7)). This is
// ours. It looks nothing up, which is most of what OpenSSL's own does, some twenty times for a handshake; and the
// secrets that protect what follows the handshake are seen here, for net/record_keys. (As text for a log OpenSSL tells
// them too, which takes longer than to make them.)
// A context gets it by the property it is made with. Where an administrator's own properties exclude it, handshakes go
// on without it, nothing is seen, and records stay with OpenSSL.
#pragma once

#include "net/record_keys.h"

namespace ringx {

// For SSL_CTX_new_ex(3). From the first call on OpenSSL knows of the algorithm.
const char* key_schedule_property();

// What is derived on this thread, as long as this exists, is noted.
class SecretsWatch {
 public:
    explicit SecretsWatch(TrafficSecrets* secrets);
    SecretsWatch(const SecretsWatch&) = delete;
    SecretsWatch& operator=(const SecretsWatch&) = delete;
    ~SecretsWatch();
};

}  // namespace ringx
