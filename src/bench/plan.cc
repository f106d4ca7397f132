#include "bench/plan.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "base/fd.h"
#include "base/format.h"

namespace ringx::bench {
namespace {

// Where Debian, Fedora and SUSE keep the certificates they trust.
constexpr const char* system_certificates[] = {
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"};

std::expected<std::string, std::string> read_file(const std::string& path) {
    Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::string bytes;
    std::array<char, 65536> piece;
    ssize_t got = file ? 1 : -1;
    while (got > 0) {
        got = read(file.get(), piece.data(), piece.size());
        if (got > 0) bytes.append(piece.data(), static_cast<size_t>(got));
    }
    if (got < 0) return std::unexpected(text::format("\"{}\" cannot be read: {}", path, strerror(errno)));
    return bytes;
}

std::expected<std::string, std::string> trusted(const Options& options) {
    if (!options.ca_file.empty()) return read_file(options.ca_file);
    for (const char* path : system_certificates) {
        if (access(path, R_OK) == 0) return read_file(path);
    }
    return std::unexpected(std::string("there are no certificates of the system to verify by: use --ca"));
}

using MadeTls = std::expected<std::shared_ptr<const TlsClientContext>, std::string>;

MadeTls make_tls(const Options& options) {
    TlsClientSettings settings;
    settings.protocols = 1u << static_cast<unsigned>(TlsProtocol::tlsv1_2) |
                         1u << static_cast<unsigned>(TlsProtocol::tlsv1_3);
    settings.tells_name = true;
    settings.reuses_sessions = options.resume;
    settings.verify = options.verify;
    settings.verify_depth = 10;
    std::string certificates;
    if (options.verify) {
        auto read = trusted(options);
        if (!read) return std::unexpected(std::move(read.error()));
        certificates = std::move(*read);
        settings.trusted_certificates = {options.ca_file, certificates};
    }
    return TlsClientContext::make(settings);
}

// Whether it takes a connection, which is closed again.
bool answers(const Address& address, int timeout_ms) {
    Fd socket(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket) return false;
    if (connect(socket.get(), address.get(), address.length()) == 0) return true;
    if (errno != EINPROGRESS) return false;
    pollfd wait{socket.get(), POLLOUT, 0};
    if (poll(&wait, 1, timeout_ms) != 1) return false;
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

}  // namespace

std::expected<Plan, std::string> Plan::make(const Options& options) {
    Plan plan;
    plan.options = options;
    plan.timeout_ms = static_cast<uint64_t>(options.timeout.count());
    const Url& url = options.urls[0];
    std::vector<Address> addresses = Address::resolve(url.host, url.port);
    if (addresses.empty()) return std::unexpected(text::format("the host \"{}\" has no address", url.host));
    // A name may have addresses nobody listens on, as localhost often has ::1. A single one is not tried in advance.
    plan.address = addresses[0];
    for (size_t i = 0; i < addresses.size() && addresses.size() > 1; ++i) {
        if (!answers(addresses[i], static_cast<int>(std::min<uint64_t>(plan.timeout_ms, 2000)))) continue;
        plan.address = addresses[i];
        break;
    }
    std::vector<std::string> requests;
    for (const Url& each : options.urls) requests.push_back(options.request(each));
    plan.tape = RequestTape(requests, options.pipeline);
    plan.method = options.method == "HEAD" ? http::Method::head : http::Method::get;
    if (url.tls) {
        auto made = make_tls(options);
        if (!made) return std::unexpected(plain_words(made.error()));
        plan.tls = *made;
        plan.tls_name = options.sni.empty() ? url.host : options.sni;
        plan.tls_address = plan.address.text();
    }
    plan.engine.choice = options.engine;
    if (options.engine == EngineSettings::Choice::automatic) {
        bool can_uring = !io_uring_unavailable();
        plan.engine.choice = can_uring ? EngineSettings::Choice::io_uring : EngineSettings::Choice::epoll;
    }
    plan.engine.receive_buffer_bytes = 16 * 1024;  // the answers to a batch, in few pieces
    return plan;
}

std::string plain_words(std::string_view sentence) {
    for (std::string_view side : {"upstream ", "client "}) {
        if (sentence.starts_with(side)) return text::format("the server {}", sentence.substr(side.size()));
    }
    return std::string(sentence);
}

}  // namespace ringx::bench
