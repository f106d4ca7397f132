#include "net/peer_state_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <string_view>

#include "base/fd.h"
#include "base/format.h"

namespace ringx {
namespace {

// A word as the lexer reads it.
std::string word(std::string_view text) {
    if (text.find_first_of(" \t\r\n;{}\"'\\#$") == text.npos) return std::string(text);
    std::string quoted = "\"";
    for (char c : text) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return quoted + "\"";
}

std::string line(const PeerServer& server) {
    const PeerRules& rules = server.rules;
    const PeerRules usual;
    std::string text = "server " + word(server.name);
    if (rules.weight != usual.weight) text += text::format(" weight={}", rules.weight);
    if (rules.max_conns != usual.max_conns) text += text::format(" max_conns={}", rules.max_conns);
    if (rules.max_fails != usual.max_fails) text += text::format(" max_fails={}", rules.max_fails);
    if (rules.fail_timeout_ms != usual.fail_timeout_ms) {
        text += text::format(" fail_timeout={}s", rules.fail_timeout_ms / 1000);
    }
    if (rules.slow_start_ms != usual.slow_start_ms) text += text::format(" slow_start={}s", rules.slow_start_ms / 1000);
    if (!server.service.empty()) text += " " + word("service=" + server.service);
    if (!server.route.empty()) text += " " + word("route=" + server.route);
    if (server.resolve) text += " resolve";
    if (server.backup) text += " backup";
    if (rules.drain) text += " drain";
    if (rules.down) text += " down";
    return text + ";\n";
}

Result<void> write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        ssize_t written = write(fd, text.data(), text.size());
        if (written < 0 && errno != EINTR) return fail("write");
        if (written > 0) text.remove_prefix(static_cast<size_t>(written));
    }
    return {};
}

// Fills a new file, which gets the permissions of the one at `path`.
Result<void> fill(int file, const std::string& path, std::string_view text) {
    struct stat before;
    if (stat(path.c_str(), &before) == 0 && fchmod(file, before.st_mode & 0777) != 0) return fail("fchmod");
    if (auto written = write_all(file, text); !written) return written;
    if (fsync(file) != 0) return fail("fsync");
    return {};
}

// REQUIRES: nobody else writes it; `directory` is its directory's descriptor.
Result<void> replace_file(const std::string& path, int directory, std::string_view text) {
    constexpr mode_t usual_mode = 0644;
    std::string beside = path + ".new";
    Fd file(open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, usual_mode));
    if (!file) return fail("open");
    Result<void> done = fill(file.get(), path, text);
    if (done && rename(beside.c_str(), path.c_str()) != 0) done = fail("rename");
    if (!done) {
        unlink(beside.c_str());  // half a list; on a full disk it would keep what others need
        return done;
    }
    // Not every file system can do this for a directory.
    if (fsync(directory) != 0 && errno != EINVAL) return fail("fsync");
    return {};
}

// Whoever may read the directory may lock it too, so nobody is waited for without an end. flock(2) knows of none, so it
// is asked again and again.
Result<void> lock(int directory, std::chrono::milliseconds patience) {
    constexpr std::chrono::milliseconds step(5);
    for (std::chrono::milliseconds waited{}; flock(directory, LOCK_EX | LOCK_NB) != 0; waited += step) {
        if (errno == EINTR) continue;
        if (errno != EWOULDBLOCK || waited >= patience) return fail("flock");
        poll(nullptr, 0, static_cast<int>(step.count()));
    }
    return {};
}

}  // namespace

std::string state_text(const PeerGroup& group) {
    std::string text = "# This file is replaced whenever servers are changed while the server runs.\n";
    for (const PeerServer& server : group.servers) {
        if (!server.removed) text += line(server);
    }
    return text;
}

Result<void> PeerSaving::run() {
    std::string folder = path.substr(0, path.rfind('/') + 1);
    Fd directory(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory) return fail("open");
    if (auto locked = lock(directory.get(), patience); !locked) return locked;
    uint64_t wanted = plan.version();
    if (plan.saved() >= wanted) return {};
    (void)plan.follow();
    auto written = replace_file(path, directory.get(), state_text(plan.plan().applied_to(*group, known)));
    if (written) plan.note_saved(plan.version());
    return written;
}

}  // namespace ringx
