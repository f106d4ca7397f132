#include "proc/privileges.h"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <optional>

namespace ringx::proc {

namespace {

std::optional<unsigned> number_of(std::string_view name) {
    if (!name.starts_with('#')) return std::nullopt;
    unsigned value = 0;
    auto [end, error] = std::from_chars(name.data() + 1, name.data() + name.size(), value);
    if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
    return value;
}

// Of this thread, which is the only one that connects.
Result<> keep_only(unsigned capability) {
    static_assert(CAP_NET_RAW < 32, "it is in the first of the two words");
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    __user_cap_data_struct words[_LINUX_CAPABILITY_U32S_3] = {};
    words[0].effective = words[0].permitted = uint32_t{1} << capability;
    if (syscall(SYS_capset, &header, words) != 0) return fail("capset");
    return {};
}

}  // namespace

Result<Identity> find_identity(std::string_view user, std::string_view group) {
    Identity identity;
    if (auto number = number_of(user)) {
        identity.uid = *number;
    } else {
        identity.user = user;
        errno = 0;
        const passwd* found = getpwnam(identity.user.c_str());
        if (found == nullptr) return fail("getpwnam");
        identity.uid = found->pw_uid;
    }
    if (auto number = number_of(group)) {
        identity.gid = *number;
    } else {
        errno = 0;
        const struct group* found = getgrnam(std::string(group).c_str());
        if (found == nullptr) return fail("getgrnam");
        identity.gid = found->gr_gid;
    }
    return identity;
}

Result<> drop_privileges(const Identity& identity, const WorkerRights& rights) {
    bool keeps_one = rights.foreign_addresses && identity.uid != 0;
    if (identity.uid != 0) {
        // A capability this kernel does not know ends the list.
        for (unsigned capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
            if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno != EPERM) return fail("prctl");
        }
    }
    if (setgid(identity.gid) != 0) return fail("setgid");
    if (identity.user.empty()) {
        if (setgroups(0, nullptr) != 0) return fail("setgroups");
    } else if (initgroups(identity.user.c_str(), identity.gid) != 0) {
        return fail("initgroups");
    }
    // Leaving root clears all capabilities, or would.
    if (keeps_one && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return fail("prctl");
    if (setuid(identity.uid) != 0) return fail("setuid");
    if (keeps_one) {
        Result<> kept = keep_only(CAP_NET_RAW);
        if (!kept) return kept;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail("prctl");
    // setuid() took away core dumps and the use of /proc/self.
    if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0) return fail("prctl");
    return {};
}

}  // namespace ringx::proc
