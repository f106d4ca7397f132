#include "http/stored_body.h"

#include <sys/stat.h>
#include <sys/time.h>

#include <cstdio>
#include <utility>

#include "base/format.h"
#include "event/wait.h"
#include "http/file_lookup.h"

namespace ringx::http {
namespace {

// Whoever may read a file may enter the directories above it.
mode_t directory_access(mode_t access) { return access | 0700 | (access & 0444) >> 2; }

// All of them above `path`.
int make_directories(const std::string& path, mode_t access) {
    for (size_t slash = path.find('/', 1); slash != path.npos; slash = path.find('/', slash + 1)) {
        std::string directory = path.substr(0, slash);
        if (mkdir(directory.c_str(), access) == 0 || errno == EEXIST) continue;
        return errno;
    }
    return 0;
}

// On a thread: they block.
struct Errand {
    std::string path;
    mode_t access = 0;
    int64_t last_modified = -1;
    const TempFile* file = nullptr;
    const char* call = "";
    int error = 0;

    bool fail(const char* what) {
        call = what;
        error = errno;
        return false;
    }
    Result<> result() const {
        if (error != 0) return std::unexpected(Error{call, error});
        return {};
    }
};

void prepare(void* context) {
    auto& errand = *static_cast<Errand*>(context);
    errand.call = "mkdir";
    errand.error = make_directories(errand.path, directory_access(errand.access));
}

void take_place(void* context) {
    auto& errand = *static_cast<Errand*>(context);
    int fd = errand.file->fd();
    if (fchmod(fd, errand.access) < 0) return (void)errand.fail("fchmod");
    if (errand.last_modified >= 0) {
        timespec time{.tv_sec = errand.last_modified, .tv_nsec = 0};
        timespec times[] = {time, time};
        if (futimens(fd, times) < 0) return (void)errand.fail("futimens");
    }
    if (rename(errand.file->path().c_str(), errand.path.c_str()) < 0) (void)errand.fail("rename");
}

}  // namespace

void read_store_place(Setting<StorePlace>& setting, conf::Binding& binding) {
    if (setting.given) return binding.duplicate();
    const conf::Word& word = binding.words()[0];
    if (word.text == "off") return setting.give({});
    if (word.text == "on") return setting.give({StorePlace::Kind::on, {}});
    conf::Word absolute = word;
    if (!word.text.starts_with('$')) absolute.text = binding.full_path(word.text);
    auto path = Template::compile(binding, absolute);
    if (path) setting.give({StorePlace::Kind::path, std::move(*path)});
}

void read_store_access(Setting<mode_t>& setting, conf::Binding& binding) {
    if (setting.given) return binding.duplicate();
    mode_t user = 0600, access = 0;
    for (const conf::Word& word : binding.words()) {
        size_t colon = word.text.find(':');
        std::string_view who = word.text.substr(0, colon);
        std::string_view what = colon == word.text.npos ? std::string_view() : word.text.substr(colon + 1);
        mode_t right = what == "rw" ? 6 : what == "r" ? 4 : 0;
        int shift = who == "user" ? 6 : who == "group" ? 3 : who == "all" ? 0 : -1;
        if (right == 0 || shift < 0) {
            return binding.mistake(word, text::format("invalid value \"{}\"", word.text));
        }
        if (who == "user") user = 0;
        access |= right << shift;
    }
    setting.give(access | user);
}

void store_body(Request& request, const StorePlace& place, mode_t access, Response& response) {
    if (place.kind == StorePlace::Kind::off) return;
    std::string_view path = place.kind == StorePlace::Kind::on ? file_path(request, request.uri)
                                                               : place.path.evaluate(request);
    if (!path.starts_with('/') || path.ends_with('/') || path.contains('\0')) {
        request.log().write(Level::error, request.log_context(), "nothing can be stored in \"{}\"", path);
        return;
    }
    StoredBody::Goal goal{path, access, response.last_modified};
    response.source = request.arena.make<StoredBody>(request, goal, response.single.memory, response.source);
    response.single = {};
}

Task<Result<std::string_view>> StoredBody::next() {
    Result<std::string_view> part = std::exchange(memory_, {});
    if (part->empty() && whole_ != nullptr && !has_ended_) part = co_await whole_->next();
    if (!part || has_failed_ || has_ended_) co_return part;
    Result<> kept;
    if (!file_) kept = co_await open();
    if (kept && !part->empty()) {
        std::string_view bytes = *part;
        kept = co_await write(bytes);
    } else if (kept) {
        has_ended_ = true;
        kept = co_await finish();
    }
    if (!kept) give_up(kept.error());
    co_return part;
}

void StoredBody::stalled() {
    if (whole_ != nullptr) whole_->stalled();
}

void StoredBody::cancel() {
    if (whole_ != nullptr) whole_->cancel();
}

Task<void> StoredBody::close() {
    file_ = TempFile();
    if (whole_ != nullptr) co_await whole_->close();
}

void StoredBody::give_up(const Error& error) {
    has_failed_ = true;
    file_ = TempFile();
    request_.log().write(Level::crit, request_.log_context(), error, "{}() \"{}\" failed", error.call, goal_.path);
}

Task<Result<>> StoredBody::open() {
    Loop& loop = request_.worker->loop;
    Errand errand;
    errand.path = goal_.path;
    errand.access = goal_.access;
    Blocking wait(loop, prepare, &errand);
    co_await wait;
    if (errand.error != 0) co_return errand.result();
    size_t slash = goal_.path.rfind('/');
    TempPath beside;
    beside.directory = slash == goal_.path.npos ? std::string_view(".") : goal_.path.substr(0, slash);
    Result<TempFile> made = co_await make_temp_file(loop, beside, TempFile::Name::until_used);
    if (!made) co_return std::unexpected(made.error());
    file_ = std::move(*made);
    co_return Result<>();
}

Task<Result<>> StoredBody::write(std::string_view bytes) {
    uint64_t at = std::exchange(bytes_, bytes_ + bytes.size());
    co_return co_await write_to_file(request_.worker->loop, file_.fd(), bytes, at);
}

Task<Result<>> StoredBody::finish() {
    Errand errand;
    errand.path = goal_.path;
    errand.access = goal_.access;
    errand.last_modified = goal_.last_modified;
    errand.file = &file_;
    Blocking wait(request_.worker->loop, take_place, &errand);
    co_await wait;
    if (errand.error == 0) file_.keep();
    file_ = TempFile();
    co_return errand.result();
}

}  // namespace ringx::http
