#include "net/client_hello.h"

#include <optional>

namespace ringx {
namespace {

// Takes big-endian numbers and counted parts off the front of bytes; after a failure everything fails.
class Reader {
 public:
    explicit Reader(std::string_view bytes) : rest_(bytes) {}

    size_t number(size_t bytes) {
        size_t value = 0;
        for (char byte : part(bytes)) value = value << 8 | static_cast<unsigned char>(byte);
        return value;
    }
    // The next so many bytes.
    std::string_view part(size_t bytes) {
        if (failed_ || bytes > rest_.size()) {
            failed_ = true;
            return {};
        }
        std::string_view taken = rest_.substr(0, bytes);
        rest_.remove_prefix(bytes);
        return taken;
    }
    // A part behind its length, which takes so many bytes.
    std::string_view counted(size_t length_bytes) { return part(number(length_bytes)); }

    bool failed() const { return failed_; }
    bool at_end() const { return failed_ || rest_.empty(); }

 private:
    std::string_view rest_;
    bool failed_ = false;
};

constexpr size_t record_handshake = 22;
constexpr size_t message_client_hello = 1;
constexpr size_t extension_server_name = 0;
constexpr size_t name_host = 0;
constexpr size_t record_bytes_max = 16384;

std::string host_name(std::string_view extension) {
    Reader list(Reader(extension).counted(2));
    while (!list.at_end()) {
        size_t type = list.number(1);
        std::string_view name = list.counted(2);
        if (!list.failed() && type == name_host) return std::string(name);
    }
    return {};
}

std::string server_name(std::string_view message) {
    Reader hello(message);
    hello.part(2 + 32);  // version, random
    hello.counted(1);    // session
    hello.counted(2);    // ciphers
    hello.counted(1);    // compression
    Reader extensions(hello.counted(2));
    while (!extensions.at_end()) {
        size_t type = extensions.number(2);
        std::string_view extension = extensions.counted(2);
        if (!extensions.failed() && type == extension_server_name) return host_name(extension);
    }
    return {};
}

}  // namespace

ClientHello read_client_hello(std::string_view bytes) {
    using Kind = ClientHello::Kind;
    if (bytes.empty()) return {};
    if (static_cast<unsigned char>(bytes[0]) != record_handshake) return {Kind::plain, {}};

    // The message may be spread over records.
    std::string message;
    constexpr size_t header_bytes = 4;
    for (std::string_view rest = bytes; rest.size() >= 5;) {
        Reader record(rest);
        size_t type = record.number(1);
        record.number(2);  // version
        size_t length = record.number(2);
        if (type != record_handshake || length == 0 || length > record_bytes_max) return {Kind::complete, {}};
        message += rest.substr(5, length);
        if (message.size() >= header_bytes) {
            Reader header(message);
            size_t what = header.number(1);
            size_t message_bytes = header.number(3);
            if (what != message_client_hello || message_bytes > client_hello_bytes_max) return {Kind::complete, {}};
            std::string_view body = header.part(message_bytes);
            if (!header.failed()) return {Kind::complete, server_name(body)};
        }
        if (rest.size() < 5 + length) break;
        rest.remove_prefix(5 + length);
    }
    return bytes.size() >= client_hello_bytes_max ? ClientHello{Kind::complete, {}} : ClientHello{};
}

}  // namespace ringx
