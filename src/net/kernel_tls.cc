#include "net/kernel_tls.h"

#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/fd.h"

namespace ringx {
namespace {

int number_of(int result) { return result == 0 ? 0 : errno; }

// The kernel's structures differ by the cipher, in sizes and names only: `info` is one of them.
template <typename Info>
int set_keys(int socket, const RecordKeys& keys, uint16_t cipher) {
    Info info{};
    info.info.version = keys.is_tls_1_3 ? TLS_1_3_VERSION : TLS_1_2_VERSION;
    info.info.cipher_type = cipher;
    std::copy_n(keys.key.begin(), sizeof info.key, info.key);
    // In TLS 1.2 the part of the nonce that goes with each record is its number.
    for (int i = 7, shift = 0; i >= 0; --i, shift += 8) {
        info.rec_seq[i] = static_cast<unsigned char>(keys.sequence >> shift);
    }
    const unsigned char* iv = keys.iv.data();
    if constexpr (sizeof info.iv == 8) {
        std::memcpy(info.salt, iv, sizeof info.salt);
        std::memcpy(info.iv, keys.has_explicit_nonce() ? info.rec_seq : iv + sizeof info.salt, sizeof info.iv);
    } else {
        std::memcpy(info.iv, iv, sizeof info.iv);
    }
    int error = number_of(setsockopt(socket, SOL_TLS, TLS_TX, &info, sizeof info));
    OPENSSL_cleanse(&info, sizeof info);
    return error;
}

int set_keys(int socket, const RecordKeys& keys) {
    switch (keys.aead) {
        case Aead::aes_128_gcm:
            return set_keys<tls12_crypto_info_aes_gcm_128>(socket, keys, TLS_CIPHER_AES_GCM_128);
        case Aead::aes_256_gcm:
            return set_keys<tls12_crypto_info_aes_gcm_256>(socket, keys, TLS_CIPHER_AES_GCM_256);
        case Aead::chacha20_poly1305:
            return set_keys<tls12_crypto_info_chacha20_poly1305>(socket, keys, TLS_CIPHER_CHACHA20_POLY1305);
    }
    return EINVAL;
}

}  // namespace

void load_kernel_tls() {
    Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    // It looks for the module before it refuses this, as nobody is connected.
    (void)setsockopt(socket.get(), SOL_TCP, TCP_ULP, "tls", sizeof "tls");
}

int let_kernel_seal(int socket, const RecordKeys& keys) {
    if (int error = number_of(setsockopt(socket, SOL_TCP, TCP_ULP, "tls", sizeof "tls"))) return error;
    return set_keys(socket, keys);
}

ssize_t send_kernel_record(int socket, RecordType type, std::string_view bytes) {
    iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof type)] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* about = CMSG_FIRSTHDR(&message);
    about->cmsg_level = SOL_TLS;
    about->cmsg_type = TLS_SET_RECORD_TYPE;
    about->cmsg_len = CMSG_LEN(sizeof type);
    std::memcpy(CMSG_DATA(about), &type, sizeof type);
    return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace ringx
