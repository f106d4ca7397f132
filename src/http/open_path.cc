#include "http/open_path.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <cstring>

#include "event/wait.h"

#ifndef RESOLVE_CACHED  // Linux 5.12
#define RESOLVE_CACHED 0x20
#endif

namespace ringx::http {
namespace {

// O_NONBLOCK: a FIFO without a writer opens, and is then seen not to be a file.
constexpr int for_reading = O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
constexpr int for_passing = O_PATH | O_CLOEXEC;

open_how how_to(int flags, uint64_t resolve) {
    open_how how{};
    how.flags = static_cast<uint64_t>(flags);
    how.resolve = resolve;
    return how;
}

// Opens one name or path, relative to `directory`.
class Opener {
 public:
    // Errors bear the name of the call as nginx would have made it.
    explicit Opener(bool cached_only, const char* call) : cached_only_(cached_only), call_(call) {}

    std::unexpected<Error> refuse(int error) const { return fail(call_, error); }

    Result<Fd> operator()(int directory, const char* path, int flags) const {
        if (!cached_only_) return checked(::openat(directory, path, flags));
        return resolving(directory, path, flags, 0);
    }

    Result<Fd> resolving(int directory, const char* path, int flags, uint64_t resolve) const {
        open_how how = how_to(flags, resolve | (cached_only_ ? RESOLVE_CACHED : 0));
        return checked(static_cast<int>(::syscall(SYS_openat2, directory, path, &how, sizeof how)));
    }

 private:
    Result<Fd> checked(int fd) const {
        if (fd < 0) return fail(call_);
        return Fd(fd);
    }

    bool cached_only_;
    const char* call_;
};

// Opens what a link leads to if both have one owner. The text of a link never changes and is read from the very link
// whose owner was asked, and the owner of the target is asked of the descriptor that is used from here on: renaming
// either in between changes nothing.
Result<Fd> follow_own_link(const Opener& open, int directory, int link, const struct stat& of_link, int flags) {
    char target[PATH_MAX];
    ssize_t bytes = ::readlinkat(link, "", target, sizeof target - 1);
    if (bytes < 0) return fail("readlink");
    target[bytes] = '\0';

    auto opened = open(directory, target, flags);
    if (!opened) return opened;
    struct stat of_target;
    if (::fstat(opened->get(), &of_target) < 0) return fail("fstat");
    if (of_target.st_uid != of_link.st_uid) return open.refuse(ELOOP);
    return opened;
}

// Opens one component by the rule.
Result<Fd> open_component(const Opener& open, int directory, const char* name, int flags, Symlinks rule) {
    if ((flags & O_PATH) == 0) {
        auto opened = open(directory, name, flags | O_NOFOLLOW);
        if (opened || opened.error().number != ELOOP || rule != Symlinks::owner) return opened;
    }
    auto passed = open(directory, name, for_passing | O_NOFOLLOW);
    if (!passed) return passed;
    struct stat status;
    if (::fstat(passed->get(), &status) < 0) return fail("fstat");
    if (S_ISLNK(status.st_mode)) {
        if (rule != Symlinks::owner) return open.refuse(ELOOP);
        return follow_own_link(open, directory, passed->get(), status, flags);
    }
    // What is asked for reading was a link a moment ago, and is none now.
    if ((flags & O_PATH) == 0) return open.refuse(ELOOP);
    return passed;
}

// How much of the path `trusted` covers: whole components, or nothing.
size_t trusted_bytes(std::string_view path, std::string_view trusted) {
    if (trusted.empty() || !path.starts_with(trusted)) return 0;
    if (path.size() == trusted.size() || path[trusted.size()] == '/') return trusted.size();
    return trusted.back() == '/' ? trusted.size() - 1 : 0;
}

// Opens the path component by component, or what is left behind the trusted part in one step if `in_one_step`.
Result<Fd> walk(const Opener& open, std::string_view path, const LinkRules& rules, bool in_one_step) {
    char text[PATH_MAX];
    if (path.size() >= sizeof text) return open.refuse(ENAMETOOLONG);
    memcpy(text, path.data(), path.size());
    text[path.size()] = '\0';

    size_t trusted = trusted_bytes(path, rules.trusted);
    if (trusted == path.size()) return open(AT_FDCWD, text, for_reading);
    char* at = text + trusted;
    *at = '\0';
    auto directory = open(AT_FDCWD, trusted > 0 ? text : "/", for_passing | O_DIRECTORY);
    if (!directory) return directory;

    ++at;
    for (;;) {
        // An empty component names the directory; "//x" must not start again from the root.
        while (*at == '/') ++at;
        const char* name = *at == '\0' ? "." : at;
        if (in_one_step) {
            return open.resolving(directory->get(), name, for_reading, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
        }
        char* end = strchrnul(at, '/');
        bool last = *end == '\0';
        *end = '\0';
        auto next = open_component(open, directory->get(), name, last ? for_reading : for_passing, rules.symlinks);
        if (!next || last) return next;
        directory = std::move(next);
        at = end + 1;
    }
}

// A call for a thread.
struct Walk {
    std::string_view path;
    LinkRules rules;
    Result<Fd> opened = fail("open", EAGAIN);

    static void run(void* self) {
        auto& walk_this = *static_cast<Walk*>(self);
        walk_this.opened = walk(Opener(false, "openat"), walk_this.path, walk_this.rules, false);
    }
};

bool kernel_has_cached_lookup() {
    auto root = Opener(true, "open")(AT_FDCWD, "/", for_passing);
    return root || root.error().number == EAGAIN;
}

}  // namespace

PathOpener::PathOpener(Loop& loop) : loop_(loop), has_cached_lookup_(kernel_has_cached_lookup()) {}

Result<Fd> PathOpener::try_open(std::string_view path, const LinkRules& rules) const {
    // Without openat2 (Linux before 5.12, or a filter that knows it not) there is no asking whether it would wait: most
    // directories are in memory, and a thread for every open would cost more than the few that are not.
    bool follows = rules.symlinks == Symlinks::follow;
    Opener open(has_cached_lookup_, follows ? "open" : "openat");
    if (follows) return open(AT_FDCWD, path.data(), for_reading);
    return walk(open, path, rules, rules.symlinks == Symlinks::refuse && has_cached_lookup_);
}

Task<Result<Fd>> PathOpener::open(std::string_view path, LinkRules rules) const {
    auto at_once = try_open(path, rules);
    if (at_once || at_once.error().number != EAGAIN) co_return at_once;

    if (rules.symlinks == Symlinks::follow) {
        open_how how = how_to(for_reading, 0);
        Wait wait(loop_, Operation::Kind::open, AT_FDCWD, "open");
        wait.path = path.data();
        wait.how = &how;
        auto opened = co_await wait;
        if (!opened) co_return std::unexpected(opened.error());
        co_return Fd(*opened);
    }
    Walk walk_this{path, rules};
    Blocking blocking(loop_, &Walk::run, &walk_this);
    co_await blocking;
    co_return std::move(walk_this.opened);
}

}  // namespace ringx::http
