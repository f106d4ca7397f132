// modules/random_index/module.cc - `random_index`: a directory is answered with one of its files, chosen by chance.
//
// The directory is read on a thread; what is chosen is redirected to internally, as an index file is. Hidden files and
// links are left out, as in nginx.
#include <dirent.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/fd.h"
#include "event/wait.h"
#include "http/file_lookup.h"
#include "http/module.h"

namespace ringx::http {
namespace {

struct Settings {
    Setting<bool> on{false};
};

constexpr conf::Directive directives[] = {
    conf::value<&Settings::on>("random_index", conf::location, "Answer for a directory with any file in it."),
};

constinit conf::Slot<Settings> settings;

struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
};

bool is_regular(int directory, const dirent& entry) {
    if (entry.d_type != DT_UNKNOWN) return entry.d_type == DT_REG;
    struct stat status;
    return ::fstatat(directory, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode);
}

// A call for a thread: the names of the regular files in a directory.
struct Job {
    FileRef directory;
    Result<std::vector<std::string>> names = std::vector<std::string>();

    static void run(void* self) {
        Job& job = *static_cast<Job*>(self);
        job.names = read(job.directory->fd.get());
    }

    static Result<std::vector<std::string>> read(int directory) {
        // A descriptor of our own: how far it has been read belongs to it, and the other may be shared.
        Fd opened(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!opened) return fail("opendir");
        std::unique_ptr<DIR, CloseDirectory> stream(::fdopendir(opened.get()));
        if (stream == nullptr) return fail("opendir");
        opened.release();  // it is the stream's
        std::vector<std::string> names;
        for (;;) {
            errno = 0;
            const dirent* next = ::readdir(stream.get());
            if (next == nullptr && errno != 0) return fail("readdir");
            if (next == nullptr) return names;
            if (next->d_name[0] != '.' && is_regular(directory, *next)) names.emplace_back(next->d_name);
        }
    }
};

size_t any_below(size_t count) {
    uint64_t number;
    CHECK(getrandom(&number, sizeof number, 0) == sizeof number);
    return number % count;
}

Task<Answer> choose(Request& request) {
    std::string_view path = file_path(request, request.uri);
    auto opened = co_await open_file(request, path);
    if (!opened || !(*opened)->is_directory) {
        Error error{"opendir", opened ? ENOTDIR : opened.error().number};
        co_return Answer::of_status(file_error_status(request, path, error));
    }
    Job job{std::move(*opened)};
    Blocking blocking(request.worker->loop, &Job::run, &job);
    co_await blocking;
    if (!job.names) co_return Answer::of_status(file_error_status(request, path, job.names.error()));
    if (job.names->empty()) co_return Answer::pass();

    const std::string& name = (*job.names)[any_below(job.names->size())];
    co_return Answer::redirect(request.arena.join({request.uri, name}), request.args, request.has_args);
}

Answer respond(Request& request) {
    Method method = request.method();
    bool asks = method == Method::get || method == Method::head || method == Method::post;
    if (!asks || !request.uri.ends_with('/')) return Answer::pass();
    return Answer::later(choose(request));
}

}  // namespace

extern constinit const Module random_index_module = {
    .name = "random_index",
    .directives = directives,
    .settings = &settings,
    .applies = [](const conf::Block& block) { return *settings.in(block).on; },
    .respond = respond,
};

}  // namespace ringx::http
