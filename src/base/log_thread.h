// base/log_thread.h - a worker's thread for what would make it wait: slow disks, full pipes, compression.
//
// Texts are written in the order they were given, each to a descriptor of its own, so that rotation and reloads need
// not wait for them. The thread is started by the first text and ends with the object, after the last one. What waits
// is bounded: when a disk does not keep up, texts are refused, and whoever gave them says that they are lost.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/fd.h"
#include "base/result.h"

namespace ringx {

// What one file's texts have come to.
struct LogBacklog {
    std::atomic<uint32_t> waiting = 0;  // texts not yet written
    std::atomic<int> error = 0;         // errno of the last one that failed
};

class LogThread {
 public:
    static constexpr size_t waiting_bytes_max = size_t{16} << 20;

    LogThread() = default;
    LogThread(const LogThread&) = delete;
    LogThread& operator=(const LogThread&) = delete;
    ~LogThread();

    // Writes the text, as a gzip member if a level is given. EAGAIN when too much waits already.
    Result<> write(int fd, std::string text, int gzip_level, std::shared_ptr<LogBacklog> backlog);

    // Runs `work`, which holds about so many bytes, after what was given before. EAGAIN when too much waits already.
    Result<> run(size_t bytes, std::move_only_function<void()> work);

    // For fork(2): while this is held, the thread does nothing but wait and write. Otherwise the child might find an
    // allocator's lock taken, for ever, by a thread that it does not have.
    std::unique_lock<std::mutex> keep_still();

    // For work on the thread: waits for room in a pipe; but not for ever, when the thread is to end.
    Result<> write_patiently(int fd, std::string_view text);

 private:
    struct Job {
        size_t bytes;
        std::move_only_function<void()> work;
    };

    void serve();
    size_t do_first();

    std::atomic<bool> serving_ = false;  // the thread is there
    std::mutex at_work_;  // held by the thread while it does more than wait and write
    std::mutex mutex_;
    std::condition_variable work_there_;
    std::deque<Job> jobs_;
    size_t waiting_bytes_ = 0;
    std::atomic<bool> ending_ = false;
    bool has_waited_ = false;  // the thread's own: at the end, for a pipe without room
    std::thread thread_;
};

// Appends as much as is possible without waiting and takes it off the text. Error: EAGAIN when the rest has to wait,
// EOPNOTSUPP when the file system cannot tell.
Result<> append_without_waiting(int fd, std::string_view& text);

}  // namespace ringx
