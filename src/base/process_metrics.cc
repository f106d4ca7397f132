#include "base/process_metrics.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <charconv>
#include <memory>
#include <string>

#include "base/fd.h"
#include "base/format.h"

namespace ringx {
namespace {

// The second number of statm.
std::optional<uint64_t> resident_pages(const std::string& directory) {
    Fd file(open((directory + "/statm").c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return std::nullopt;
    char text[128];
    ssize_t bytes = read(file.get(), text, sizeof text);
    std::string_view rest(text, bytes > 0 ? static_cast<size_t>(bytes) : 0);
    size_t blank = rest.find(' ');
    if (blank == rest.npos) return std::nullopt;
    uint64_t pages = 0;
    auto read = std::from_chars(rest.data() + blank + 1, rest.data() + rest.size(), pages);
    if (read.ec != std::errc()) return std::nullopt;
    return pages;
}

// The folder of descriptors has as many bytes as there are (since Linux 6.2); before, they are counted by who may.
std::optional<uint64_t> open_descriptors(const std::string& directory) {
    std::string folder = directory + "/fd";
    struct stat about;
    if (stat(folder.c_str(), &about) == 0 && about.st_size > 0) return static_cast<uint64_t>(about.st_size);
    std::unique_ptr<DIR, int (*)(DIR*)> list(opendir(folder.c_str()), closedir);
    if (list == nullptr) return std::nullopt;
    uint64_t count = 0;
    while (const dirent* entry = readdir(list.get())) count += entry->d_name[0] != '.';
    return count;
}

double seconds_of(const timespec& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

}  // namespace

void ProcessMetrics::tell_self() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    started_ms.set(static_cast<uint64_t>(now.tv_sec) * 1000 + static_cast<uint64_t>(now.tv_nsec) / 1'000'000);
    id.set(static_cast<uint64_t>(getpid()));
}

std::optional<ProcessUse> read_process_use(pid_t process) {
    std::string directory = text::format("/proc/{}", process);
    auto pages = resident_pages(directory);
    if (!pages) return std::nullopt;
    ProcessUse use;
    use.resident_bytes = *pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
    use.descriptors = open_descriptors(directory);
    clockid_t clock{};
    timespec used{};
    bool is_known = clock_getcpuclockid(process, &clock) == 0 && clock_gettime(clock, &used) == 0;
    if (is_known) use.cpu_seconds = seconds_of(used);
    return use;
}

}  // namespace ringx
