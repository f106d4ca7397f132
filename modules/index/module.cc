// modules/index/module.cc - the file that answers for a directory.
//
// For a path that ends in a slash the names of `index` are tried in order, and the first that exists is internally
// redirected to, so that its own location has its say. Nothing is sent from here. When none exists somebody else may
// answer; a directory that does not exist either is 404.
#include <optional>
#include <vector>

#include "base/format.h"
#include "http/core_settings.h"
#include "http/file_lookup.h"
#include "http/module.h"

namespace ringx::http {
namespace {

struct Settings {
    Setting<std::vector<Template>> names;
};

void set_index(Settings& settings, conf::Binding& binding) {
    settings.names.given = true;
    for (const conf::Word& word : binding.words()) {
        if (word.text.empty()) {
            binding.mistake(word, text::format("index \"{}\" in \"index\" directive is invalid", word.text));
            continue;
        }
        bool is_last = &word == &binding.words().back();
        if (word.text.starts_with('/') && !is_last) {
            binding.warn(word, "only the last index in \"index\" directive should be absolute");
        }
        if (auto name = Template::compile(binding, word)) settings.names.value.push_back(std::move(*name));
    }
}

constexpr conf::Directive directives[] = {
    conf::custom<&set_index, &Settings::names>("index", conf::http | conf::server | conf::location, conf::at_least_one,
                                               "The files that are looked for when a directory is asked for.")
        .shown_as("file ..."),
};

constinit conf::Slot<Settings> settings;

// A walk through the names, which may have to wait at any of them.
class Search {
 public:
    explicit Search(Request& request) : request_(request), names_(*settings.in(*request.block).names) {}

    // Goes on until there is an answer; nothing when what is at path() cannot be told without waiting.
    std::optional<Answer> run();

    // Takes what is at path().
    std::optional<Answer> judge(const Result<FileRef>& found) {
        return in_doubt_ ? judge_directory(found) : judge_file(found);
    }

    Request& request() const { return request_; }
    std::string_view path() const { return path_; }

 private:
    // Turns to the next name. An answer when there is nothing to look for.
    std::optional<Answer> turn();
    std::optional<Answer> judge_file(const Result<FileRef>& found);
    std::optional<Answer> judge_directory(const Result<FileRef>& found);
    Answer refuse(Error error) const;

    std::string_view name() const {
        if (names_.empty()) return "index.html";
        return name_;
    }

    Request& request_;
    const std::vector<Template>& names_;
    size_t next_ = 0;
    std::string_view name_;
    std::string_view file_path_;
    std::string_view path_;
    bool in_doubt_ = false;         // path_ is the directory, which may not exist
    bool directory_known_ = false;  // it exists, or cannot be looked at
};

std::optional<Answer> Search::run() {
    for (;;) {
        if (auto answer = turn()) return answer;
        auto found = find_file(request_, path_);
        if (!found) return std::nullopt;
        if (auto answer = judge(*found)) return answer;
    }
}

std::optional<Answer> Search::turn() {
    if (in_doubt_) {
        path_ = file_path(request_, request_.uri);
        return std::nullopt;
    }
    do {
        if (next_ == std::max<size_t>(names_.size(), 1)) return Answer::pass();
        if (!names_.empty()) name_ = names_[next_].evaluate(request_);
        ++next_;
    } while (name().empty());  // variables without a value
    if (name().starts_with('/')) return Answer::redirect(request_.arena.copy(name()), request_.args, request_.has_args);
    file_path_ = path_ = file_path(request_, request_.uri, name());
    return std::nullopt;
}

std::optional<Answer> Search::judge_file(const Result<FileRef>& found) {
    if (found) {
        return Answer::redirect(request_.arena.join({request_.uri, name()}), request_.args, request_.has_args);
    }
    switch (found.error().number) {
    case ENOENT:
        in_doubt_ = !directory_known_;
        return std::nullopt;
    case ENOTDIR: case ENAMETOOLONG: case EACCES: case ELOOP: case EMLINK:
        return refuse(found.error());
    default:
        return Answer::of_status(file_error_status(request_, path_, found.error()));
    }
}

std::optional<Answer> Search::judge_directory(const Result<FileRef>& found) {
    in_doubt_ = false;
    directory_known_ = true;
    if (!found && found.error().number == ENOENT) return refuse(found.error());
    return std::nullopt;
}

Answer Search::refuse(Error error) const {
    bool is_missing = error.number == ENOENT || error.number == ENOTDIR || error.number == ENAMETOOLONG;
    if (!is_missing) {
        request_.log().write(Level::error, request_.log_context(), error, "\"{}\" is forbidden", file_path_);
    } else if (*request_.core->log_not_found) {
        request_.log().write(Level::error, request_.log_context(), error, "\"{}\" is not found", file_path_);
    }
    return Answer::of_status(is_missing ? 404 : 403);
}

Task<Answer> go_on(Search search) {
    for (;;) {
        Request& request = search.request();
        std::string_view path = search.path();
        auto opened = co_await open_file(request, path);
        auto answer = search.judge(opened);
        if (!answer) answer = search.run();
        if (answer) co_return std::move(*answer);
    }
}

Answer respond(Request& request) {
    if (!request.uri.ends_with('/')) return Answer::pass();
    Method method = request.method();
    if (method != Method::get && method != Method::head && method != Method::post) return Answer::pass();

    Search search(request);
    if (auto answer = search.run()) return std::move(*answer);
    return Answer::later(go_on(search));
}

}  // namespace

extern constinit const Module index_module = {
    .name = "index",
    .directives = directives,
    .settings = &settings,
    .respond = respond,
};

}  // namespace ringx::http
