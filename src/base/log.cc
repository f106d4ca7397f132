#include "base/log.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <iterator>

#include "base/check.h"
#include "base/log_thread.h"
#include "base/recent_errors.h"
#include "base/syslog.h"

namespace ringx {
namespace {

constexpr size_t line_bytes_max = 2048;   // with the newline, as in nginx
constexpr size_t error_bytes_kept = 50;   // a long message leaves this much of the line to the error behind it
// A write that took longer than this has waited for a disk. For a while its file is left to the thread.
constexpr std::chrono::milliseconds slow_write{10};
constexpr std::chrono::seconds slow_disk{10};
constexpr int first_own_fd = 3;           // 0 to 2 belong to whoever started us

constexpr std::string_view level_names[] = {"emerg", "alert", "crit", "error", "warn", "notice", "info", "debug"};

// Who may have planted a link in a directory: its owner. Root and we ourselves are trusted.
bool is_trusted(const struct stat& directory) { return directory.st_uid == 0 || directory.st_uid == geteuid(); }

Result<Fd> open_file(const std::string& path) {
    size_t slash = path.rfind('/');
    std::string directory = slash == path.npos ? "." : path.substr(0, slash + 1);
    Fd folder(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!folder) return fail("open");
    struct stat status;
    if (fstat(folder.get(), &status) < 0) return fail("fstat");

    int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY;
    if (!is_trusted(status)) flags |= O_NOFOLLOW;
    const char* name = path.c_str() + (slash == path.npos ? 0 : slash + 1);
    Fd file(openat(folder.get(), name, flags, 0644));
    if (!file) return fail("open");
    // Of a named pipe's room poll(2) promises nothing when several processes write to it.
    if (fstat(file.get(), &status) < 0) return fail("fstat");
    if (S_ISFIFO(status.st_mode) && fcntl(file.get(), F_SETFL, O_APPEND | O_NONBLOCK) < 0) return fail("fcntl");
    return file;
}

// The same file under a number of our own.
Result<Fd> away_from_standard(Fd fd) {
    if (fd.get() >= first_own_fd) return fd;
    Fd moved(fcntl(fd.get(), F_DUPFD_CLOEXEC, first_own_fd));
    if (!moved) return fail("fcntl");
    return moved;
}

Result<> write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        ssize_t written = ::write(fd, text.data(), text.size());
        if (written < 0) {
            if (errno == EINTR) continue;
            if (errno != EAGAIN) return fail("write");
            pollfd room{fd, POLLOUT, 0};
            poll(&room, 1, -1);
            continue;
        }
        text.remove_prefix(static_cast<size_t>(written));
    }
    return {};
}

// Appends to a ring: who comes to its end begins again in front, over what is oldest. The place is that of the open
// file, which all processes share; two that turn round at the same moment lose one line of them.
Result<> write_round(int fd, size_t bytes_max, std::string_view text) {
    text = text.substr(0, bytes_max);
    off_t at = lseek(fd, 0, SEEK_CUR);
    if (at < 0) return fail("lseek");
    if (static_cast<size_t>(at) + text.size() > bytes_max) {
        if (ftruncate(fd, at) < 0) return fail("ftruncate");  // what is left of older lines there
        if (lseek(fd, 0, SEEK_SET) < 0) return fail("lseek");
    }
    return write_all(fd, text);
}

// Control characters never reach a log as they are: one message is one line, and no terminal is steered by it.
void append_printable(std::string& line, std::string_view text) {
    for (char c : text) {
        auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
            text::format_to(std::back_inserter(line), "\\x{:02X}", byte);
        } else {
            line.push_back(c);
        }
    }
}

void append_json(std::string& line, std::string_view text) {
    for (char c : text) {
        auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
            text::format_to(std::back_inserter(line), "\\u{:04x}", byte);
        } else {
            if (c == '"' || c == '\\') line.push_back('\\');
            line.push_back(c);
        }
    }
}

// What a line says besides its tail.
struct Entry {
    Level level;
    const LogContext& context;
    Error error;
    std::string_view message;
};

std::string local_time(const char* form) {
    time_t now = time(nullptr);
    tm local;
    localtime_r(&now, &local);
    std::array<char, 40> out;
    return std::string(out.data(), strftime(out.data(), out.size(), form, &local));
}

// "2026-11-21T02:51:35+00:00".
std::string iso_time() {
    std::string time = local_time("%Y-%m-%dT%H:%M:%S%z");
    time.insert(time.size() - 2, ":");
    return time;
}

// A line, and where in it begins what is not known of every other line of the process.
struct PlainLine {
    std::string text;
    size_t message_at = 0;
};

PlainLine plain_line(const Entry& entry) {
    std::string line = local_time("%Y/%m/%d %H:%M:%S");
    text::format_to(std::back_inserter(line), " [{}] {}#{}: ", level_name(entry.level), getpid(), gettid());
    size_t message_at = line.size();
    if (entry.context.connection != 0) text::format_to(std::back_inserter(line), "*{} ", entry.context.connection);
    append_printable(line, entry.message);
    if (entry.error.number != 0) {
        if (line.size() > line_bytes_max - error_bytes_kept) {
            line.resize(line_bytes_max - error_bytes_kept);
            line += "...";
        }
        line += " (" + describe(entry.error) + ")";
    }
    if (!entry.context.doing.empty()) line.append(" while ").append(entry.context.doing);
    if (entry.context.describe != nullptr) {
        LogTail tail(line, false);
        entry.context.describe(entry.context.object, tail);
    }
    if (line.size() > line_bytes_max - 1) line.resize(line_bytes_max - 1);
    line.push_back('\n');
    return {std::move(line), message_at};
}

// An object is never cut, it would be none any more: the message is.
std::string json_line(const Entry& entry) {
    std::string line = text::format(R"({{"time":"{}","level":"{}","pid":{},"tid":{})", iso_time(),
                                    level_name(entry.level), getpid(), gettid());
    if (entry.context.connection != 0) {
        text::format_to(std::back_inserter(line), ",\"connection\":{}", entry.context.connection);
    }
    LogTail members(line, true);
    members.add("message", entry.message.substr(0, line_bytes_max));
    if (entry.error.number != 0) members.add("error", describe(entry.error));
    if (!entry.context.doing.empty()) members.add("while", entry.context.doing);
    if (entry.context.describe != nullptr) entry.context.describe(entry.context.object, members);
    line += "}\n";
    return line;
}

}  // namespace

std::string_view level_name(Level level) {
    auto place = static_cast<size_t>(level) - 1;
    CHECK(place < std::size(level_names));
    return level_names[place];
}

std::optional<Level> parse_level(std::string_view name) {
    for (size_t i = 0; i < std::size(level_names); ++i) {
        if (level_names[i] == name) return static_cast<Level>(i + 1);
    }
    return std::nullopt;
}

std::string describe(Error error) {
    std::array<char, 128> storage;
    return text::format("{}: {}", error.number, strerror_r(error.number, storage.data(), storage.size()));
}

std::optional<size_t> parse_ring_bytes(std::string_view text) {
    size_t bytes = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
    std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
    size_t scale = unit.empty() ? 1 : unit == "k" || unit == "K" ? 1 << 10 : unit == "m" || unit == "M" ? 1 << 20 : 0;
    if (error != std::errc{} || __builtin_mul_overflow(bytes, scale, &bytes)) return std::nullopt;
    constexpr size_t bytes_max = size_t{1} << 40;
    if (bytes <= line_bytes_max || bytes > bytes_max) return std::nullopt;
    return bytes;
}

LogFile::LogFile(std::string name) : name_(std::move(name)) {
    if (name_.starts_with(memory_prefix)) {
        auto bytes = parse_ring_bytes(std::string_view(name_).substr(memory_prefix.size()));
        CHECK(bytes.has_value());
        ring_bytes_ = *bytes;
    }
    if (!name_.starts_with(syslog_prefix)) return;
    auto target = parse_syslog(std::string_view(name_).substr(syslog_prefix.size()));
    CHECK(target.has_value());
    syslog_ = std::make_unique<SyslogTarget>(std::move(*target));
}

LogFile::~LogFile() = default;

Result<> LogFile::open() {
    if (ring_bytes_ > 0 && open_) return {};  // nobody can have moved it away
    Result<Fd> opened;
    if (ring_bytes_ > 0) {
        opened = Fd(memfd_create("error_log", MFD_CLOEXEC));
        if (!*opened) return fail("memfd_create");
    } else if (syslog_) {
        opened = open_syslog(*syslog_);
    } else if (name_ == "stderr") {
        opened = Fd(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, first_own_fd));
        if (!*opened) return fail("fcntl");
    } else {
        opened = open_file(name_);
    }
    if (opened) opened = away_from_standard(std::move(*opened));
    if (!opened) return std::unexpected(opened.error());
    adopt(std::move(*opened));
    return {};
}

void LogFile::adopt(Fd opened) {
    CHECK(opened.get() >= first_own_fd);
    if (!open_) {
        open_ = std::make_shared<Open>();
        open_->fd = std::move(opened);
        return;
    }
    if (open_->before_exchange) open_->before_exchange();
    int placed = dup3(opened.get(), fd(), O_CLOEXEC);
    CHECK(placed == fd());
}

void LogFile::before_exchange(std::function<void()> call) const {
    CHECK(open_ != nullptr);
    open_->before_exchange = std::move(call);
}

void LogFile::use_thread(LogThread* thread) const {
    CHECK(open_ != nullptr);
    struct stat status;
    open_->is_regular = fstat(fd(), &status) == 0 && S_ISREG(status.st_mode);
    // What another thread has not written yet is none of ours, the less so when it was left behind in a fork.
    if (thread != open_->thread || open_->backlog == nullptr) open_->backlog = std::make_shared<LogBacklog>();
    open_->thread = thread;
}

// Writes what can be written without waiting, and gives the rest to the thread.
Result<> LogFile::write_or_leave(std::string_view text) const {
    using Clock = std::chrono::steady_clock;
    bool in_order = open_->backlog->waiting == 0;
    if (in_order && Clock::now() >= open_->slow_until) {
        Result<> written = append_without_waiting(fd(), text);
        if (written) return written;
        bool cannot_tell = written.error().number == EOPNOTSUPP;
        if (cannot_tell && open_->is_regular) {
            auto begin = Clock::now();
            written = write_all(fd(), text);
            if (Clock::now() - begin > slow_write) open_->slow_until = Clock::now() + slow_disk;
            return written;
        }
        if (!cannot_tell && written.error().number != EAGAIN) return written;
    }
    return open_->thread->write(fd(), std::string(text), 0, open_->backlog);
}

Result<> LogFile::write(std::string_view text, std::optional<Level> level) const {
    if (fd() < 0) return fail("write", EBADF);
    if (ring_bytes_ > 0) return write_round(fd(), ring_bytes_, text);
    if (!syslog_ && open_->thread != nullptr) return write_or_leave(text);
    if (!syslog_) return write_all(fd(), text);
    if (text.ends_with('\n')) text.remove_suffix(1);
    return send_syslog(fd(), *syslog_, text, level.value_or(syslog_->severity));
}

void LogTail::append(std::string_view name, std::string_view value, std::string_view quotes) {
    if (json_) {
        line_ += ",\"";
        line_ += name;
        line_ += "\":\"";
        append_json(line_, value);
        line_ += '"';
    } else {
        line_ += ", ";
        line_ += name;
        line_ += ": ";
        line_ += quotes;
        append_printable(line_, value);
        line_ += quotes;
    }
}

void Log::add(Destination destination) {
    if (destination.level > mildest_) mildest_ = destination.level;
    destinations_.push_back(std::move(destination));
}

void Log::write_line(Level level, const LogContext& context, Error error, std::string_view form,
                     text::format_args args) const {
    std::string message = text::vformat(form, args);
    Entry entry{level, context, error, message};
    PlainLine plain;
    std::string json;
    RecentErrors* recent = nullptr;
    for (const Destination& destination : destinations_) {
        if (level > now(destination.level)) continue;
        if (RecentErrors::wants(level)) recent = destination.file->recent_errors();
        if (destination.json && json.empty()) json = json_line(entry);
        if (!destination.json && plain.text.empty()) plain = plain_line(entry);
        (void)destination.file->write(destination.json ? json : plain.text, level);
    }
    if (recent == nullptr) return;
    if (plain.text.empty()) plain = plain_line(entry);
    plain.text.pop_back();  // the newline
    recent->add(level, std::string_view(plain.text).substr(plain.message_at));
}

}  // namespace ringx
