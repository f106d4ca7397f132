#include "base/metrics.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <thread>

#include "base/check.h"
#include "base/fd.h"

namespace ringx {
namespace {

constexpr size_t copies_bytes = size_t{72} << 20;  // of one process
constexpr size_t page_bytes = 4096;
constexpr size_t line_bytes = 64;
// Kept for the others of each kind, and besides for what each of some hundred workers has.
constexpr size_t places_kept = 64, places_of_processes = 2048;
constexpr size_t bytes_kept = size_t{1} << 20, bytes_of_processes = size_t{8} << 20;
constexpr size_t buckets = 2 * Metrics::places_max;

bool is_alive(pid_t process) { return process != 0 && (kill(process, 0) == 0 || errno != ESRCH); }

// Each takes address space, which valgrind and limits (RLIMIT_AS) have less of than the kernel.
constexpr unsigned writers_of_cpu = 16;
constexpr unsigned writers_min = 64;

constexpr size_t rounded_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

}  // namespace

struct Metrics::Head {
    pthread_mutex_t lock;                 // of those who add a place
    size_t bytes;                         // of all of it
    uint32_t room;                        // for copies of so many processes: writers_max, less where CPUs are few
    std::atomic<uint32_t> places;         // those before this one are there to stay
    std::atomic<uint32_t> writers;        // those before this one have been claimed at some time
    uint64_t used_bytes;                  // of each process's copies
    std::atomic<pid_t> owners[writers_max];
    // Where the search for a name begins at its hash and goes on to the next: the number of a place, from 1; 0: free.
    std::atomic<uint32_t> numbers[buckets];
    Place place[places_max];
};

Result<std::unique_ptr<Metrics>> Metrics::create() {
    unsigned room = std::clamp(writers_of_cpu * std::thread::hardware_concurrency(), writers_min, writers_max);
    size_t bytes = rounded_up(sizeof(Head), page_bytes) + room * copies_bytes;
    Fd fd(memfd_create("metrics", MFD_CLOEXEC));
    if (!fd) return fail("memfd_create");
    if (ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0) return fail("ftruncate");
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    if (memory == MAP_FAILED) return fail("mmap");
    madvise(memory, bytes, MADV_DONTDUMP);
    std::unique_ptr<Metrics> metrics(new Metrics(memory));
    metrics->head().bytes = bytes;
    metrics->head().room = room;
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&metrics->head().lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return metrics;
}

Metrics::~Metrics() { munmap(memory_, head().bytes); }

size_t Metrics::places() const { return head().places.load(std::memory_order_acquire); }

Metrics::Place& Metrics::place_at(size_t index) const { return head().place[index]; }

char* Metrics::copy(uint64_t at, unsigned writer) const {
    return memory_ + rounded_up(sizeof(Head), page_bytes) + writer * copies_bytes + at;
}

uint64_t Metrics::where(const void* copied) const {
    return static_cast<uint64_t>(static_cast<const char*>(copied) - copy(0, 0)) % copies_bytes;
}

unsigned Metrics::writers() const { return head().writers.load(std::memory_order_acquire); }

// Whether anything goes on there. The kernel is asked about a process only where there is something to ask about: it
// costs as much as telling the rest of a thing.
bool Metrics::goes_on(std::span<const Counter> gauges, unsigned writer) const {
    bool has_any = std::ranges::any_of(gauges, [](const Counter& gauge) { return gauge.value() != 0; });
    return has_any && is_alive(head().owners[writer].load());
}

Metrics::Writer Metrics::claim() {
    for (unsigned number = 0; number < head().room; ++number) {
        pid_t owner = head().owners[number].load();
        if (is_alive(owner)) continue;
        if (!head().owners[number].compare_exchange_strong(owner, getpid())) continue;
        uint32_t known = writers();
        if (number < known) forget_what_goes_on(number);
        while (known <= number && !head().writers.compare_exchange_weak(known, number + 1)) {
        }
        return Writer(*this, number);
    }
    return Writer(*this, head().room - 1);
}

Metrics::Writer::~Writer() {
    if (all_ == nullptr || all_->head().owners[number_].load() != getpid()) return;
    all_->forget_what_goes_on(number_);
    all_->head().owners[number_].store(0);
}

void Metrics::forget_what_goes_on(unsigned writer) {
    for (size_t index = 0; index < places(); ++index) {
        const Place& place = place_at(index);
        for (Counter& gauge : gauges(copy(place.at, writer), place.gauges)) {
            if (gauge.value() != 0) gauge.set(0);
        }
    }
}

size_t Metrics::bucket_of(std::string_view kind, std::string_view name) const {
    size_t bucket = (std::hash<std::string_view>()(name) ^ std::hash<std::string_view>()(kind)) % buckets;
    for (;; bucket = (bucket + 1) % buckets) {
        uint32_t number = head().numbers[bucket].load(std::memory_order_acquire);
        if (number == 0) return bucket;
        const Place& place = place_at(number - 1);
        if (place.name_text() == name && place.kind_text() == kind) return bucket;
    }
}

const Metrics::Place* Metrics::find(std::string_view kind, std::string_view name) const {
    uint32_t number = head().numbers[bucket_of(kind, name)].load(std::memory_order_acquire);
    return number == 0 ? nullptr : &place_at(number - 1);
}

const Metrics::Place& Metrics::find_or_add(std::string_view kind, std::string_view name, size_t bytes, size_t gauges,
                                           bool of_process) {
    name = name.substr(0, name_bytes_max);
    size_t places_left = places_kept + (of_process ? 0 : places_of_processes);
    size_t bytes_left = bytes_kept + (of_process ? 0 : bytes_of_processes);
    if (const Place* place = find(kind, name)) return *place;
    // Who died in here has left nothing half done: a place counts when it is whole.
    if (pthread_mutex_lock(&head().lock) == EOWNERDEAD) pthread_mutex_consistent(&head().lock);
    const Place* place = find(kind, name);
    bool has_room = places() < places_max - places_left && head().used_bytes + bytes < copies_bytes - bytes_left;
    if (place == nullptr && !has_room) place = find(kind, name = others);
    if (place == nullptr) place = &add(kind, name, bytes, gauges);
    pthread_mutex_unlock(&head().lock);
    return *place;
}

const Metrics::Place& Metrics::add(std::string_view kind, std::string_view name, size_t bytes, size_t gauges) {
    size_t index = places();
    CHECK(index < places_max && head().used_bytes + bytes <= copies_bytes && kind.size() < sizeof(Place::kind));
    Place& place = place_at(index);
    std::memset(place.kind, 0, sizeof place.kind);
    std::ranges::copy(kind, place.kind);
    std::ranges::copy(name, place.name);
    place.name_bytes = static_cast<uint32_t>(name.size());
    place.gauges = static_cast<uint32_t>(gauges);
    place.at = head().used_bytes;
    uint32_t number = static_cast<uint32_t>(index) + 1;
    head().used_bytes += rounded_up(bytes, line_bytes);
    head().places.store(number, std::memory_order_release);
    head().numbers[bucket_of(kind, name)].store(number, std::memory_order_release);
    return place;
}

}  // namespace ringx
