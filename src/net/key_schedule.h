// net/key_schedule.h - the key schedule of TLS 1.3 (RFC 8446 section 7.1) and the PRF of TLS 1.2 (RFC 5246 section 5),
// in OpenSSL's hands.
//
// OpenSSL derives all secrets of a handshake with algorithms that a provider may bring (provider-kdf(7)). These are
// ours. They look nothing up, which is most of what OpenSSL's own do, some twenty times for a handshake; and the
// secrets that protect what follows the handshake are seen here, for net/record_keys. (As text for a log OpenSSL tells
// those of TLS 1.3 too, which takes longer than to make them.)
// A context gets them by the property it is made with. Where an administrator's own properties exclude them, handshakes
// go on without them and nothing is seen; records of TLS 1.3 then stay with OpenSSL.
#pragma once

#include "net/record_keys.h"

namespace ringx {

// For SSL_CTX_new_ex(3). From the first call on OpenSSL knows of the algorithms.
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
