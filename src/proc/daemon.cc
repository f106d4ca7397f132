#include "proc/daemon.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ringx::proc {

Result<Daemon::Role> Daemon::leave_terminal() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return fail("pipe2");
    Fd reading(ends[0]), writing(ends[1]);
    pid_t pid = fork();
    if (pid < 0) return fail("fork");
    if (pid > 0) {
        pipe_ = std::move(reading);
        return Role::parent;
    }
    pipe_ = std::move(writing);
    is_one_ = true;
    if (setsid() < 0) return fail("setsid");
    umask(0);
    Fd nowhere(open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!nowhere) return fail("open");
    if (dup2(nowhere.get(), STDIN_FILENO) < 0 || dup2(nowhere.get(), STDOUT_FILENO) < 0) return fail("dup2");
    return Role::child;
}

int Daemon::wait_for_child() {
    char byte;
    ssize_t size;
    do size = read(pipe_.get(), &byte, 1);
    while (size < 0 && errno == EINTR);
    return size == 1 ? 0 : 1;
}

void Daemon::release_parent() {
    if (!pipe_) return;
    if (write(pipe_.get(), "+", 1) != 1) return pipe_.reset();  // the parent was killed: nobody waits
    pipe_.reset();
}

}  // namespace ringx::proc
