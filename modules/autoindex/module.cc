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

std::string_view type_of(Format format, std::string_view callback) {
    switch (format) {
    case Format::html: return "text/html";
    case Format::xml: return "text/xml; charset=utf-8";
    case Format::json: return "application/json";
    case Format::jsonp: return callback.empty() ? "application/json" : "application/javascript";
    }
    return {};
}

// The `callback` argument, as it was sent.
std::string_view callback_of(std::string_view args) {
    constexpr std::string_view name = "callback=";
    while (!args.empty()) {
        size_t end = std::min(args.find('&'), args.size());
        std::string_view pair = args.substr(0, end);
        if (pair.starts_with(name)) return pair.substr(name.size());
        args.remove_prefix(std::min(end + 1, args.size()));
    }
    return {};
}

// Only what names a function may stand before the data, or anybody could write scripts into our pages.
bool is_callable(std::string_view name) {
    return std::ranges::all_of(name, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '.';
    });
}

Task<Answer> list(Request& request, std::string_view callback) {
    std::string_view path = file_path(request, request.uri);
    auto opened = co_await open_file(request, path);
    if (!opened || !(*opened)->is_directory) {
        Error error{"opendir", opened ? ENOTDIR : opened.error().number};
        co_return Answer::of_status(file_error_status(request, path, error));
    }

    const Settings& ours = settings.in(*request.block);
    bool follow_links = request.core->disable_symlinks->symlinks == Symlinks::follow;
    autoindex::Style style{ours.format, ours.exact_size, ours.local_time};
    Job job{std::move(*opened), follow_links, style, request.uri, callback};
    Blocking blocking(request.worker->loop, &Job::run, &job);
    co_await blocking;
    if (!job.listing) {
        co_return Answer::of_status(file_error_status(request, path, job.listing.error()));
    }

    Answer answer = Answer::in_place();
    answer.response.content_type = type_of(ours.format, callback);
    answer.response.set_body(*request.arena.make<std::string>(std::move(*job.listing)));
    co_return std::move(answer);
}

Answer respond(Request& request) {
    bool is_ours = request.uri.ends_with('/') && (request.method() == Method::get || request.is_head());
    if (!is_ours) return Answer::pass();
    bool calls = *settings.in(*request.block).format == Format::jsonp;
    std::string_view callback = calls ? callback_of(request.args) : std::string_view();
    if (!is_callable(callback)) {
        request.log().write(Level::info, request.log_context(), "client sent invalid callback name: \"{}\"", callback);
        return Answer::of_status(400);
    }
    return Answer::later(list(request, callback));
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
