#include "base/shared_zone.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <atomic>
#include <new>

#include "base/check.h"

namespace ringx {

// The beginning of the memory.
struct SharedZone::Header {
    pthread_mutex_t mutex;
    HashSeed seed;
    uint32_t emptied;
    Slab::Place root;
    std::atomic<uint64_t> news;
    Slab slab;
};

Result<std::shared_ptr<SharedZone>> SharedZone::map(Fd fd) {
    struct stat status;
    if (fstat(fd.get(), &status) != 0) return fail("fstat");
    auto bytes = static_cast<size_t>(status.st_size);
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    if (memory == MAP_FAILED) return fail("mmap");
    std::shared_ptr<SharedZone> zone(new SharedZone(std::move(fd), memory, bytes));
    if (madvise(memory, bytes, MADV_DONTDUMP) != 0) return fail("madvise");
    return zone;
}

Result<std::shared_ptr<SharedZone>> SharedZone::create(const std::string& name, size_t bytes) {
    CHECK(bytes >= bytes_min);
    Fd fd(memfd_create(name.substr(0, 200).c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!fd) return fail("memfd_create");
    if (ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0) return fail("ftruncate");
    // Nobody may make it smaller under those who have it mapped.
    if (fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) return fail("fcntl");
    auto zone = map(std::move(fd));
    if (!zone) return zone;

    Header& header = *::new ((*zone)->memory_) Header;
    pthread_mutexattr_t attributes;
    CHECK(pthread_mutexattr_init(&attributes) == 0);
    CHECK(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0);
    CHECK(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0);
    CHECK(pthread_mutex_init(&header.mutex, &attributes) == 0);
    pthread_mutexattr_destroy(&attributes);
    header.seed = HashSeed::random();
    (*zone)->empty();
    header.emptied = 0;
    header.news = 0;
    return zone;
}

Result<std::shared_ptr<SharedZone>> SharedZone::attach(Fd fd) { return map(std::move(fd)); }

SharedZone::~SharedZone() { munmap(memory_, bytes_); }

bool SharedZone::is(int fd) const {
    struct stat ours, theirs;
    return fstat(fd_.get(), &ours) == 0 && fstat(fd, &theirs) == 0 && ours.st_ino == theirs.st_ino &&
           ours.st_dev == theirs.st_dev;
}

void SharedZone::empty() {
    Header& header = this->header();
    ++header.emptied;
    header.root = 0;
    header.slab.format(memory_, bytes_, sizeof(Header));
    header.news.fetch_add(1, std::memory_order_release);
}

uint64_t SharedZone::news() const { return header().news.load(std::memory_order_acquire); }

SharedZone::Lock::Lock(SharedZone& zone) : zone_(zone) {
    pthread_mutex_t& mutex = zone_.header().mutex;
    int locked = pthread_mutex_lock(&mutex);
    if (locked == EOWNERDEAD) {
        // Emptied first, declared sound afterwards: who dies in between leaves it to the next.
        zone_.empty();
        repaired_ = true;
        locked = pthread_mutex_consistent(&mutex);
    }
    CHECK(locked == 0);
}

SharedZone::Lock::~Lock() { pthread_mutex_unlock(&zone_.header().mutex); }

uint32_t SharedZone::Lock::emptied() const { return zone_.header().emptied; }
void SharedZone::Lock::empty() { zone_.empty(); }
Slab::Place SharedZone::Lock::allocate(size_t bytes) { return zone_.header().slab.allocate(bytes); }
void SharedZone::Lock::free(Slab::Place place) { zone_.header().slab.free(place); }
size_t SharedZone::Lock::free_bytes() const { return zone_.header().slab.free_bytes(); }
size_t SharedZone::Lock::all_bytes() const { return zone_.header().slab.all_bytes(); }
uint64_t SharedZone::Lock::tell_news() { return zone_.header().news.fetch_add(1, std::memory_order_release) + 1; }
Slab::Place& SharedZone::Lock::root() { return zone_.header().root; }
const HashSeed& SharedZone::Lock::seed() const { return zone_.header().seed; }

}  // namespace ringx
