// modules/gzip_static/module.cc - files that were compressed beforehand: PATH.gz instead of PATH.
//
// It is asked before static. With `always` the client need not accept gzip; gunzip may then decompress the file for it.
// With gzip_vary the file is looked for also when the client does not: whoever keeps the plain file has to know that
// there are two.
#include "http/core_settings.h"
#include "http/file_body.h"
#include "http/file_lookup.h"
#include "http/gzip_choice.h"
#include "http/module.h"

namespace ringx::http {
namespace {

enum class Mode : uint8_t { off, on, always };

constexpr std::array<conf::Choice<Mode>, 3> choices(Mode) {
    return {{{"off", Mode::off}, {"on", Mode::on}, {"always", Mode::always}}};
}

struct Settings {
    Setting<Mode> mode{Mode::off};
};

constinit conf::Slot<Settings> settings;

constexpr conf::Directive directives[] = {
    conf::value<&Settings::mode>("gzip_static", conf::http | conf::server | conf::location,
                                 "Send files with .gz behind their name instead."),
};

// There is a compressed file for this request.
struct Found {};

Answer answer_with(Request& request, std::string_view path, Result<FileRef> opened) {
    if (!opened) {
        int error = opened.error().number;
        bool is_absent = error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG;
        if (!is_absent) (void)file_error_status(request, path, opened.error());
        return Answer::pass();
    }
    FileRef file = std::move(*opened);
    bool always = *settings.in(*request.block).mode == Mode::always;
    if (!always) request.states.get<Found>(request.arena);
    if (file->is_directory || (!always && !wants_gzip(request, {}))) return Answer::pass();
    if (!file->is_file) {
        request.log().write(Level::crit, request.log_context(), "\"{}\" is not a regular file", path);
        return Answer::of_status(404);
    }

    Answer answer = Answer::in_place();
    Response& response = answer.response;

    response.content_type = content_type_of(request, request.uri);
    response.last_modified = file->modified;
    if (*request.core->etag) response.etag = request.arena.copy(file->etag_view());
    response.fields.add(request.arena, "Content-Encoding", "gzip");
    set_file_body(request, response, std::move(file));
    return answer;
}

Task<Answer> answer_later(Request& request, std::string_view path) {
    auto opened = co_await open_file(request, path);
    co_return answer_with(request, path, std::move(opened));
}

Answer respond(Request& request) {
    Method method = request.method();
    if ((method != Method::get && method != Method::head) || request.uri.ends_with('/')) return Answer::pass();
    bool always = *settings.in(*request.block).mode == Mode::always;
    if (!always && !says_vary(request) && !wants_gzip(request, {})) return Answer::pass();
    std::string_view path = file_path(request, request.uri, ".gz");
    auto found = find_file(request, path);
    if (!found) return Answer::later(answer_later(request, path));
    return answer_with(request, path, std::move(*found));
}

void filter(Request& request, Response& response) {
    if (request.states.find<Found>() != nullptr) vary_by_encoding(request, response);
}

}  // namespace

extern constinit const Module gzip_static_module = {
    .name = "gzip_static",
    .directives = directives,
    .settings = &settings,
    .applies = [](const conf::Block& block) { return *settings.in(block).mode != Mode::off; },
    .respond = respond,
    .filter = filter,
};

}  // namespace ringx::http
