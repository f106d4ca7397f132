// modules/static/module.cc - files below root or alias.
//
// The last of those asked for an answer. A path that ends in a slash names a directory that index and autoindex had
// nothing to say about; any other names a file, which is sent, or a directory, which is redirected to. The lines in the
// error log are nginx's: people and tools search for them.
#include "base/format.h"
#include "http/core_settings.h"
#include "http/escape.h"
#include "http/file_body.h"
#include "http/file_lookup.h"
#include "http/module.h"

namespace ringx::http {
namespace {

// A directory's URI lacks its slash. The query is kept.
Answer redirect_to_directory(Request& request) {
    std::string location;
    escape_uri(request.uri, UriPart::path, location);
    location += '/';
    if (!request.args.empty()) location.append("?").append(request.args);
    Answer answer = Answer::of_status(301);
    answer.response.location = request.arena.copy(location);
    return answer;
}

Answer answer_with(Request& request, std::string_view path, Result<FileRef> opened) {
    if (!opened) return Answer::of_status(file_error_status(request, path, opened.error()));
    FileRef file = std::move(*opened);
    if (file->is_directory) return redirect_to_directory(request);
    if (!file->is_file) {
        request.log().write(Level::crit, request.log_context(), "\"{}\" is not a regular file", path);
        return Answer::of_status(404);
    }
    if (request.method() == Method::post) return Answer::of_status(405);

    Answer answer = Answer::in_place();
    Response& response = answer.response;
    response.content_type = content_type_of(request, request.uri);
    response.last_modified = file->modified;
    response.ranges_allowed = true;
    // Views into the file live as long as the response holds it; a file that is closed early leaves copies.
    FileRef held = file;
    set_file_body(request, response, std::move(file));
    if (response.file) {
        response.last_modified_text = held->modified_view();
        if (*request.core->etag) response.etag = held->etag_view();
    } else {
        response.last_modified_text = request.arena.copy(held->modified_view());
        if (*request.core->etag) response.etag = request.arena.copy(held->etag_view());
    }
    return answer;
}

Task<Answer> answer_later(Request& request, std::string_view path) {
    auto opened = co_await open_file(request, path);
    co_return answer_with(request, path, std::move(opened));
}

Answer refuse_directory(Request& request) {
    request.log().write(Level::error, request.log_context(), "directory index of \"{}\" is forbidden",
                        file_path(request, request.uri));
    return Answer::of_status(403);
}

Answer respond(Request& request) {
    Method method = request.method();
    if (method != Method::get && method != Method::head && method != Method::post) return Answer::of_status(405);
    if (request.uri.ends_with('/')) return refuse_directory(request);

    std::string_view path = file_path(request, request.uri);
    auto found = find_file(request, path);
    if (!found) return Answer::later(answer_later(request, path));
    return answer_with(request, path, std::move(*found));
}

}  // namespace

extern constinit const Module static_module = {
    .name = "static",
    .respond = respond,
};

}  // namespace ringx::http
