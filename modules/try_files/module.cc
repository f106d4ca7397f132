// modules/try_files/module.cc - the first of several files that exists.
//
// All names but the last are looked for below root or alias; the first that is there becomes the request's URI, without
// leaving the location. When none is, the last one is where the request goes: internally to another URI, to a named
// location, or to a status. It belongs to the location it stands in and is inherited by none.
#include <optional>
#include <vector>

#include "base/format.h"
#include "http/core_settings.h"
#include "http/file_lookup.h"
#include "http/module.h"

namespace ringx::http {
namespace {

struct Name {
    Template text;
    bool is_directory = false;  // it was written with a slash at its end
};

struct Settings {
    std::vector<Name> names;
    Template last;
    int code = -1;  // =CODE instead of `last`
    bool given = false;
};

void set_try_files(Settings& settings, conf::Binding& binding) {
    if (settings.given) return binding.duplicate();
    settings.given = true;
    const conf::Word& last = binding.words().back();
    for (conf::Word word : binding.words()) {
        bool is_last = word.place.order == last.place.order;
        bool is_directory = !is_last && word.text.ends_with('/');
        if (is_directory) word.text.remove_suffix(1);
        auto text = Template::compile(binding, word);
        if (!text) continue;
        if (is_last) {
            settings.last = std::move(*text);
        } else {
            settings.names.push_back({std::move(*text), is_directory});
        }
    }
    if (!last.text.starts_with('=')) return;
    auto code = conf::parse_unsigned(last.text.substr(1), 999);
    if (!code) return binding.mistake(last, text::format("invalid code \"{}\"", last.text));
    settings.code = static_cast<int>(*code);
}

constexpr conf::Directive directives[] = {
    conf::custom<&set_try_files>("try_files", conf::server | conf::location, {2, conf::Arity::unlimited},
                                 "Serve the first file that exists; else go to the last one.")
        .shown_as("file ... uri | file ... =code"),
};

constinit conf::Slot<Settings> settings;

// A walk through the names, which may have to wait at any of them.
class Search {
 public:
    explicit Search(Request& request) : request_(request), settings_(settings.in(*request.block)) {}

    // Goes on until there is an answer; nothing when what is at path() cannot be told without waiting.
    std::optional<Answer> run();
    // Takes what is at path(). True when that is what was looked for.
    bool judge(const Result<FileRef>& found);

    Request& request() const { return request_; }
    std::string_view path() const { return path_; }

 private:
    void turn_to(const Template& text);
    void take_name();
    Answer give_up();

    size_t alias_bytes() const { return request_.core->is_alias ? request_.core->alias_bytes : 0; }
    bool alias_is_path() const { return alias_bytes() == std::string_view::npos; }

    Request& request_;
    const Settings& settings_;
    size_t next_ = 0;
    std::string_view name_;  // without what the alias stands for
    std::string_view path_;
};

void Search::turn_to(const Template& text) {
    name_ = text.evaluate(request_);
    if (text.is_constant() || alias_is_path()) return;
    // What begins with the location's own path is meant below it.
    std::string_view own = request_.uri.substr(0, alias_bytes());
    if (name_.starts_with(own)) name_.remove_prefix(own.size());
}

std::optional<Answer> Search::run() {
    while (next_ < settings_.names.size()) {
        turn_to(settings_.names[next_++].text);
        path_ = request_.arena.join({document_root(request_), name_, std::string_view("", 1)});
        path_.remove_suffix(1);
        auto found = find_file(request_, path_);
        if (!found) return std::nullopt;
        if (judge(*found)) return Answer::pass();
    }
    return give_up();
}

bool Search::judge(const Result<FileRef>& found) {
    const Name& name = settings_.names[next_ - 1];
    FileRef file = existing_file(request_, path_, found);
    if (!file || file->is_directory != name.is_directory) return false;
    take_name();
    return true;
}

void Search::take_name() {
    if (!alias_is_path()) {
        std::string_view own = request_.uri.substr(0, alias_bytes());
        request_.uri = own.empty() ? name_ : request_.arena.join({own, name_});
    } else if (!settings_.names[next_ - 1].is_directory) {
        request_.uri = name_;
        request_.alias_takes_uri = true;
    }
}

Answer Search::give_up() {
    if (settings_.code >= 0) return Answer::of_status(static_cast<uint16_t>(settings_.code));
    turn_to(settings_.last);
    if (name_.starts_with('@')) return Answer::named(name_);
    size_t question = name_.find('?');
    bool has_args = question != std::string_view::npos;
    return Answer::redirect(name_.substr(0, question), has_args ? name_.substr(question + 1) : "", has_args);
}

Task<Answer> go_on(Search search) {
    for (;;) {
        Request& request = search.request();
        std::string_view path = search.path();
        auto opened = co_await open_file(request, path);
        if (search.judge(opened)) co_return Answer::pass();
        auto answer = search.run();
        if (answer) co_return std::move(*answer);
    }
}

// The settings of an `if` and of limit_except are not its own: there it is lost, as in nginx.
bool applies(const conf::Block& block) {
    bool has_own = block.context() == conf::server || block.context() == conf::location;
    return has_own && settings.in(block).given;
}

Answer try_files(Request& request) {
    Search search(request);
    if (auto answer = search.run()) return std::move(*answer);
    return Answer::later(go_on(search));
}

}  // namespace

extern constinit const Module try_files_module = {
    .name = "try_files",
    .directives = directives,
    .settings = &settings,
    .applies = applies,
    .precontent = try_files,
};

}  // namespace ringx::http
