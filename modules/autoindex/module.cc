// modules/autoindex/module.cc - a listing for a directory that has no index file.
//
// The directory is opened as a file would be, by the location's rules, and read and written out on a thread: the loop
// never waits for it, however large it is.
#include <algorithm>
#include <array>
#include <string>

#include "event/wait.h"
#include "http/core_settings.h"
#include "http/file_lookup.h"
#include "http/module.h"
#include "modules/autoindex/listing.h"

namespace ringx::http {

namespace autoindex {

constexpr std::array<conf::Choice<Format>, 4> choices(Format) {
    return {{{"html", Format::html}, {"json", Format::json}, {"jsonp", Format::jsonp}, {"xml", Format::xml}}};
}

}  // namespace autoindex

namespace {

using autoindex::Format;

struct Settings {
    Setting<bool> on{false};
    Setting<bool> exact_size{true};
    Setting<Format> format{Format::html};
    Setting<bool> local_time{false};
};

constexpr auto everywhere = conf::http | conf::server | conf::location;

constexpr conf::Directive directives[] = {
    conf::value<&Settings::on>("autoindex", everywhere, "List the content of directories without an index file."),
    conf::value<&Settings::exact_size>("autoindex_exact_size", everywhere,
                                       "Sizes in an HTML listing in bytes, rather than rounded to K, M and G."),
    conf::value<&Settings::format>("autoindex_format", everywhere, "The form of listings."),
    conf::value<&Settings::local_time>("autoindex_localtime", everywhere,
                                       "Times in an HTML listing in local time, rather than UTC."),
};

constinit conf::Slot<Settings> settings;

// A call for a thread: what it needs is its own, or lives as long as the request, which waits.
struct Job {
    FileRef directory;
    bool follow_links;
    autoindex::Style style;
    std::string_view uri;
    std::string_view callback;
    Result<std::string> listing = std::string();

    static void run(void* self) {
        Job& job = *static_cast<Job*>(self);
        auto entries = autoindex::read_directory(job.directory->fd.get(), job.follow_links);
        if (entries) {
            job.listing = autoindex::write_listing(*entries, job.style, job.uri, job.callback);
        } else {
            job.listing = std::unexpected(entries.error());
        }
    }
};

std::string_view type_of(Format format) {
    switch (format) {
    case Format::html: return "text/html";
    case Format::xml: return "text/xml";
    case Format::json: return "application/json";
    case Format::jsonp: return "application/javascript";
    }
    return {};
}

// The `callback` argument, if it is a name a script may call; anything else is ignored.
std::string_view callback_of(const Request& request) {
    constexpr std::string_view name = "callback=";
    std::string_view rest = request.args;
    while (!rest.empty()) {
        size_t end = std::min(rest.find('&'), rest.size());
        std::string_view pair = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (!pair.starts_with(name)) continue;
        std::string_view value = pair.substr(name.size());
        bool is_name = std::ranges::all_of(value, [](char c) {
            return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '.';
        });
        return is_name ? value : std::string_view();
    }
    return {};
}

Task<Answer> list(Request& request) {
    std::string_view path = file_path(request, request.uri);
    auto opened = co_await open_file(request, path);
    if (!opened) co_return Answer::of_status(file_error_status(request, "opendir()", path, opened.error()));
    if (!(*opened)->is_directory) {
        Error error{"opendir", ENOTDIR};
        co_return Answer::of_status(file_error_status(request, "opendir()", path, error));
    }

    const Settings& ours = settings.in(*request.block);
    bool follow_links = request.core->disable_symlinks->symlinks == Symlinks::follow;
    autoindex::Style style{ours.format, ours.exact_size, ours.local_time};
    Job job{std::move(*opened), follow_links, style, request.uri, callback_of(request)};
    Blocking blocking(request.worker->loop, &Job::run, &job);
    co_await blocking;
    if (!job.listing) {
        co_return Answer::of_status(file_error_status(request, "readdir()", path, job.listing.error()));
    }

    Answer answer = Answer::of({});
    answer.response.content_type = type_of(ours.format);
    answer.response.set_body(*request.arena.make<std::string>(std::move(*job.listing)));
    co_return std::move(answer);
}

Answer respond(Request& request) {
    bool is_ours = request.uri.ends_with('/') && (request.method() == Method::get || request.is_head());
    if (!is_ours) return Answer::pass();
    return Answer::later(list(request));
}

}  // namespace

extern constinit const Module autoindex_module = {
    .name = "autoindex",
    .directives = directives,
    .settings = &settings,
    .applies = [](const conf::Block& block) { return *settings.in(block).on; },
    .respond = respond,
};

}  // namespace ringx::http
