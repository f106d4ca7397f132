#include "proc/sealed_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ringx::proc {

Result<Fd> seal(std::string_view bytes) {
    Fd file(memfd_create("ringx", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!file) return fail("memfd_create");
    while (!bytes.empty()) {
        ssize_t written = write(file.get(), bytes.data(), bytes.size());
        if (written < 0) return fail("write");
        bytes.remove_prefix(static_cast<size_t>(written));
    }
    if (fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
        return fail("fcntl");
    }
    return file;
}

Result<std::string> read_sealed(int fd) {
    struct stat status;
    if (fstat(fd, &status) != 0) return fail("fstat");
    std::string bytes(static_cast<size_t>(status.st_size), '\0');
    size_t done = 0;
    while (done < bytes.size()) {
        ssize_t size = pread(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
        if (size <= 0) return fail("pread");
        done += static_cast<size_t>(size);
    }
    return bytes;
}

}  // namespace ringx::proc
