// http/file_lookup.h - from a request's URI to the file it names: root, alias, and the location's rules of opening.
//
// The URI was decoded and normalised once; the very bytes that chose the location are what is opened.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"
#include "event/task.h"
#include "http/open_file.h"
#include "http/request.h"

namespace ringx::http {

// The value of root, or of alias, for this request.
std::string_view document_root(Request& request);

// The path that `uri` has under root or alias, followed by `name`. In the arena, with a zero byte behind it.
std::string_view file_path(Request& request, std::string_view uri, std::string_view name = {});

// What is at the path, by the rules of the request's location; see http/file_cache.h.
// REQUIRES: the path is from file_path().
std::optional<Result<FileRef>> find_file(Request& request, std::string_view path);
Task<Result<FileRef>> open_file(Request& request, std::string_view path);

// Says what is at the path to who only asks about it: also what may not be read. Null when nothing is there; other
// errors are logged.
FileRef existing_file(Request& request, std::string_view path, const Result<FileRef>& found);

// The type of a file by the extension of its name.
std::string_view content_type_of(const Request& request, std::string_view name);

// The status of a request whose file could not be opened, and the line in the log that says so in nginx's words.
uint16_t file_error_status(Request& request, std::string_view path, Error error);

}  // namespace ringx::http
