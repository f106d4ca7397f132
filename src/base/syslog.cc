#include "base/syslog.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include <array>
#include <cstring>

namespace ringx {
namespace {

constexpr std::string_view facilities[] = {
    "kern",     "user", "mail", "daemon", "auth",  "intern", "lpr",    "news",   "uucp",   "clock",  "authpriv", "ftp",
    "ntp",      "audit", "alert", "cron",  "local0", "local1", "local2", "local3", "local4", "local5", "local6",
    "local7",
};
constexpr std::string_view months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr size_t tag_bytes_max = 32;       // RFC 3164 section 4.1.3
constexpr size_t record_bytes_max = 2048;  // as much as a line of a log file

struct ServerName {
    std::string host;
    std::string port = "514";
};

// "host", "host:port", "[::1]", "[::1]:port".
ServerName split_server(std::string_view server) {
    ServerName name;
    size_t host_end = server.starts_with('[') ? server.find(']') : server.find(':');
    if (server.starts_with('[') && host_end != server.npos) {
        name.host = server.substr(1, host_end - 1);
        ++host_end;
    } else {
        name.host = server.substr(0, host_end);
    }
    if (host_end < server.size() && server[host_end] == ':') name.port = server.substr(host_end + 1);
    return name;
}

// Why a server's address cannot be one; empty when it can.
std::string_view address_flaw(std::string_view server) {
    if (server.starts_with("unix:")) {
        size_t path_bytes = server.size() - strlen("unix:");
        if (path_bytes == 0) return "no path in the unix domain socket";
        return path_bytes < sizeof(sockaddr_un::sun_path) ? "" : "too long path in the unix domain socket";
    }
    ServerName name = split_server(server);
    if (name.host.empty()) return "no host";
    unsigned port = 0;
    for (char c : name.port) {
        if (c < '0' || c > '9' || port > 65535) return "invalid port";
        port = port * 10 + static_cast<unsigned>(c - '0');
    }
    return port == 0 || port > 65535 ? "invalid port" : "";
}

bool is_tag_character(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// Looks for "NAME=" and leaves what follows it.
bool take_name(std::string_view& parameter, std::string_view name) {
    if (!parameter.starts_with(name)) return false;
    parameter.remove_prefix(name.size());
    return true;
}

// Reads parameters one by one; each method gives the sentence of what is wrong, or nothing.
class ParameterReader {
 public:
    SyslogTarget target;

    std::string read(std::string_view parameter) {
        if (take_name(parameter, "server=")) return read_server(parameter);
        if (take_name(parameter, "facility=")) return read_facility(parameter);
        if (take_name(parameter, "severity=")) return read_severity(parameter);
        if (take_name(parameter, "tag=")) return read_tag(parameter);
        if (parameter != "nohostname") return text::format("unknown syslog parameter \"{}\"", parameter);
        target.hostname = false;
        return {};
    }

 private:
    std::string read_server(std::string_view value) {
        if (!target.server.empty()) return "duplicate syslog \"server\"";
        std::string_view flaw = address_flaw(value);
        if (!flaw.empty()) return text::format("{} in syslog server \"{}\"", flaw, value);
        target.server = value;
        return {};
    }

    std::string read_facility(std::string_view value) {
        if (std::exchange(has_facility_, true)) return "duplicate syslog \"facility\"";
        for (size_t i = 0; i < std::size(facilities); ++i) {
            if (facilities[i] == value) {
                target.facility = static_cast<uint8_t>(i);
                return {};
            }
        }
        return text::format("unknown syslog facility \"{}\"", value);
    }

    std::string read_severity(std::string_view value) {
        if (std::exchange(has_severity_, true)) return "duplicate syslog \"severity\"";
        auto level = parse_level(value);
        if (!level) return text::format("unknown syslog severity \"{}\"", value);
        target.severity = *level;
        return {};
    }

    std::string read_tag(std::string_view value) {
        if (std::exchange(has_tag_, true)) return "duplicate syslog \"tag\"";
        if (value.size() > tag_bytes_max) return "syslog tag length exceeds 32";
        for (char c : value) {
            if (!is_tag_character(c)) return "syslog \"tag\" only allows alphanumeric characters and underscore";
        }
        target.tag = value;
        return {};
    }

    bool has_facility_ = false;
    bool has_severity_ = false;
    bool has_tag_ = false;
};

enum class Names : bool { numeric, resolved };

struct ServerAddress {
    sockaddr_storage storage{};
    socklen_t length = 0;
};

// Looking names up may take long, so it happens only where the server is opened, never where a record is sent.
Result<ServerAddress> find_server(const SyslogTarget& target, Names names) {
    ServerAddress found;
    if (target.server.starts_with("unix:")) {
        sockaddr_un path{};
        path.sun_family = AF_UNIX;
        memcpy(path.sun_path, target.server.data() + strlen("unix:"), target.server.size() - strlen("unix:"));
        memcpy(&found.storage, &path, sizeof path);
        found.length = sizeof path;
        return found;
    }
    ServerName name = split_server(target.server);
    addrinfo wish{};
    wish.ai_socktype = SOCK_DGRAM;
    wish.ai_flags = AI_NUMERICSERV | (names == Names::numeric ? AI_NUMERICHOST : 0);
    addrinfo* results = nullptr;
    if (getaddrinfo(name.host.c_str(), name.port.c_str(), &wish, &results) != 0) {
        return fail("getaddrinfo", EHOSTUNREACH);
    }
    memcpy(&found.storage, results->ai_addr, results->ai_addrlen);
    found.length = results->ai_addrlen;
    freeaddrinfo(results);
    return found;
}

// The server closed its socket, or was not there when the socket was opened.
bool is_disconnected(int error) {
    return error == ECONNREFUSED || error == ENOTCONN || error == EDESTADDRREQ || error == ECONNRESET;
}

Result<> send_or_reconnect(int fd, const SyslogTarget& target, std::string_view record) {
    constexpr int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    if (send(fd, record.data(), record.size(), flags) >= 0) return {};
    if (!is_disconnected(errno)) return fail("send");

    auto server = find_server(target, Names::numeric);
    if (!server) return std::unexpected(server.error());
    if (connect(fd, reinterpret_cast<const sockaddr*>(&server->storage), server->length) < 0) return fail("connect");
    if (send(fd, record.data(), record.size(), flags) < 0) return fail("send");
    return {};
}

}  // namespace

std::expected<SyslogTarget, std::string> parse_syslog(std::string_view parameters) {
    ParameterReader reader;
    for (;;) {
        size_t comma = parameters.find(',');
        std::string flaw = reader.read(parameters.substr(0, comma));
        if (!flaw.empty()) return std::unexpected(std::move(flaw));
        if (comma == parameters.npos) break;
        parameters.remove_prefix(comma + 1);
    }
    if (reader.target.server.empty()) return std::unexpected(std::string("no syslog server specified"));
    return std::move(reader.target);
}

Result<Fd> open_syslog(const SyslogTarget& target) {
    auto server = find_server(target, Names::resolved);
    if (!server) return std::unexpected(server.error());

    Fd fd(socket(server->storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return fail("socket");
    // The server may come later: whoever sends connects again.
    (void)connect(fd.get(), reinterpret_cast<const sockaddr*>(&server->storage), server->length);
    return fd;
}

Result<> send_syslog(int fd, const SyslogTarget& target, std::string_view text, Level level) {
    time_t now = time(nullptr);
    tm local;
    localtime_r(&now, &local);
    std::array<char, 65> host{};
    if (target.hostname && gethostname(host.data(), host.size() - 1) < 0) host[0] = '-';

    unsigned priority = target.facility * 8u + (static_cast<unsigned>(level) - 1);
    std::string record = text::format("<{}>{} {:2} {:02}:{:02}:{:02} {}{}{}: {}", priority, months[local.tm_mon],
                                      local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec, host.data(),
                                      target.hostname ? " " : "", target.tag, text.substr(0, record_bytes_max));
    return send_or_reconnect(fd, target, record);
}

}  // namespace ringx
