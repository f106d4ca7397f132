#include "net/openssl.h"

#include <openssl/err.h>

#include "base/check.h"

namespace ringx {

std::string take_openssl_errors() {
    std::string text;
    const char* data = nullptr;
    int flags = 0;
    while (unsigned long code = ERR_get_error_all(nullptr, nullptr, nullptr, &data, &flags)) {
        char message[256];
        ERR_error_string_n(code, message, sizeof message);
        text += text.empty() ? " (SSL: " : " ";
        text += message;
        if ((flags & ERR_TXT_STRING) != 0 && *data != '\0') text.append(":").append(data);
    }
    if (!text.empty()) text += ')';
    return text;
}

OwnedBio memory_bio(std::string_view bytes) {
    const char* begin = bytes.empty() ? "" : bytes.data();  // null is refused
    OwnedBio bio(BIO_new_mem_buf(begin, static_cast<int>(bytes.size())));
    CHECK(bio != nullptr);
    return bio;
}

}  // namespace ringx
