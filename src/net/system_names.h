// net/system_names.h - how this system finds hosts: /etc/hosts and /etc/resolv.conf, as the C library reads them.
//
// A snapshot is immutable; whoever wants to know whether it still holds asks for a new one, which is the same when the
// files are.
#pragma once

#include <sys/stat.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/resolver_rules.h"

namespace ringx {

struct SystemFiles {
    std::string resolv_conf = "/etc/resolv.conf";
    std::string hosts = "/etc/hosts";
};

// When a file was changed, and which one it is; all zeros: there is none.
struct FileStamp {
    uint64_t device = 0, inode = 0;
    int64_t bytes = 0, seconds = 0, nanoseconds = 0;
    static FileStamp of(const std::string& path);
    friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

struct SystemNames {
    std::shared_ptr<const ResolverRules> rules;
    std::vector<std::string> search;  // domains, in the order they are tried
    unsigned ndots = 1;               // a name with so many dots is tried as it is first
    std::map<std::string, std::vector<Address>, std::less<>> hosts;
    FileStamp resolv_conf_stamp, hosts_stamp;

    // The names to ask for in turn: `name` with and without the domains. One that ends with a dot is asked for as it
    // is. What is no name is left out.
    std::vector<std::string> candidates(std::string_view name) const;
};

// Lines of resolv.conf(5); without a name server it is the one of this host.
void read_resolv_conf(std::string_view text, SystemNames& names);
// Lines of hosts(5).
void read_hosts(std::string_view text, SystemNames& names);

// What the files say now; `known` (or null) itself when it still holds. Reads files: not on the loop.
std::shared_ptr<const SystemNames> read_system_names(const SystemFiles& files,
                                                     const std::shared_ptr<const SystemNames>& known);

}  // namespace ringx
