// base/syslog.h - syslog as a destination of logs: `syslog:server=ADDRESS,facility=…,severity=…,tag=…,nohostname`.
//
// Records leave as datagrams framed as in RFC 3164, `<PRI>Mon dd hh:mm:ss HOST TAG: TEXT`, and are lost when nobody
// takes them. Sending never blocks; a server that went away and came back is connected again by the next record.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/log.h"
#include "base/result.h"

namespace ringx {

struct SyslogTarget {
    std::string server;  // "unix:PATH", "127.0.0.1:514", "[::1]", "name"
    uint8_t facility = 23;  // local7
    Level severity = Level::info;
    std::string tag = "nginx";  // what receivers of nginx's records sort by
    bool hostname = true;
};

inline constexpr std::string_view syslog_prefix = "syslog:";

// `parameters` is what follows "syslog:". The error is the sentence for the administrator, as nginx says it.
std::expected<SyslogTarget, std::string> parse_syslog(std::string_view parameters);

// A socket connected to the server if that is possible now. Fails when the server's name cannot be resolved.
Result<Fd> open_syslog(const SyslogTarget& target);

// Sends one record without its newline.
Result<> send_syslog(int fd, const SyslogTarget& target, std::string_view text, Level level);

}  // namespace ringx
