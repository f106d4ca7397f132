#include "bench/machine.h"

#include <openssl/crypto.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include <fstream>
#include <sstream>

#include "base/clock.h"
#include "base/format.h"
#include "build.h"

namespace ringx::bench {
namespace {

uint32_t usable_cpus() {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 0;
    return static_cast<uint32_t>(CPU_COUNT(&set));
}

std::string read_text(const char* path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace

std::string cpu_model(std::string_view cpuinfo) {
    size_t at = cpuinfo.find("model name");
    size_t colon = at == cpuinfo.npos ? at : cpuinfo.find(": ", at);
    if (colon == cpuinfo.npos) return "unknown";
    std::string_view rest = cpuinfo.substr(colon + 2);
    return std::string(rest.substr(0, rest.find('\n')));
}

Machine Machine::look() {
    Machine machine;
    machine.cpu = cpu_model(read_text("/proc/cpuinfo"));
    machine.cpus = usable_cpus();
    struct sysinfo memory {};
    if (sysinfo(&memory) == 0) machine.memory_mb = uint64_t{memory.totalram} * memory.mem_unit >> 20;
    utsname kernel{};
    machine.kernel = uname(&kernel) == 0 ? text::format("{} {}", kernel.sysname, kernel.release) : "unknown";
    machine.openssl = OpenSSL_version(OPENSSL_VERSION);
    machine.version = RINGX_VERSION;
    machine.time = Clock().iso8601();
    if (getloadavg(&machine.load, 1) != 1) machine.load = 0;
    return machine;
}

std::string Machine::text() const { return text::format("{} x {}, {} MB, {}", cpus, cpu, memory_mb, kernel); }

}  // namespace ringx::bench
