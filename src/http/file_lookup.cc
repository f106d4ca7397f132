#include "http/file_lookup.h"

#include <algorithm>
#include <cstring>

#include "http/core_settings.h"

namespace ringx::http {
namespace {

constexpr size_t extension_bytes_max = 32;  // longer than any in a types block that makes sense

OpenRules rules_of(Request& request) {
    OpenRules rules = request.core->open_rules;
    const auto& links = *request.core->disable_symlinks;
    if (links.symlinks != Symlinks::follow) rules.symlinks_from = links.from.evaluate(request);
    return rules;
}

// A path with a zero byte in it would be opened as another than was checked, and a relative one somewhere. Neither
// comes from a request's target; rewrites and variables may make them.
bool is_openable(std::string_view path) {
    return path.starts_with('/') && memchr(path.data(), '\0', path.size()) == nullptr;
}

}  // namespace

std::string_view document_root(Request& request) {
    const CoreSettings& core = *request.core;
    std::string_view root = core.root.evaluate(request);
    if (core.root.is_constant() || root.starts_with('/')) return root;
    return request.arena.join({core.root_prefix, root});
}

std::string_view file_path(Request& request, std::string_view uri, std::string_view name) {
    const CoreSettings& core = *request.core;
    std::string_view root = document_root(request);
    // A URI that was rewritten may be shorter than the location's name.
    size_t skipped = request.alias_takes_uri ? 0 : std::min(core.alias_bytes, uri.size());
    std::string_view rest = uri.substr(skipped);
    if (root == "/" && rest.starts_with('/')) root = {};

    size_t bytes = root.size() + rest.size() + name.size();
    char* path = request.arena.text(bytes + 1);
    char* at = path;
    for (std::string_view part : {root, rest, name}) {
        if (!part.empty()) memcpy(at, part.data(), part.size());
        at += part.size();
    }
    *at = '\0';
    return {path, bytes};
}

std::optional<Result<FileRef>> find_file(Request& request, std::string_view path) {
    if (!is_openable(path)) return fail("open", ENOENT);
    FileCache& files = request.worker->files;
    const OpenRules& rules = request.core->open_rules;
    if (rules.symlinks == Symlinks::follow) return files.find(path, rules);
    return files.find(path, rules_of(request));
}

Task<Result<FileRef>> open_file(Request& request, std::string_view path) {
    return request.worker->files.open(path, rules_of(request));
}

FileRef existing_file(Request& request, std::string_view path, const Result<FileRef>& found) {
    if (found) return *found;
    Error error = found.error();
    if (error.number == EACCES) {
        // The kernel has just looked it up: asking again does not wait for a disk.
        struct stat status {};
        if (::stat(path.data(), &status) == 0) {
            FileRef file = FileRef::make();
            file->describe(status);
            return file;
        }
    }
    if (error.number != ENOENT && error.number != ENOTDIR && error.number != ENAMETOOLONG) {
        request.log().write(Level::crit, request.log_context(), error, "{}() \"{}\" failed", error.call, path);
    }
    return {};
}

std::string_view content_type_of(const Request& request, std::string_view name) {
    const CoreSettings& core = *request.core;
    // As in nginx a name that is an extension only, ".profile", has none.
    size_t after = name.size();
    while (after > 0 && name[after - 1] != '.' && name[after - 1] != '/') --after;
    bool has_extension = after > 1 && name[after - 1] == '.' && name[after - 2] != '/';
    std::string_view extension = has_extension ? name.substr(after) : std::string_view();
    if (extension.empty() || extension.size() > extension_bytes_max) return *core.default_type;

    char lower[extension_bytes_max];
    std::ranges::transform(extension, lower, [](char c) { return c >= 'A' && c <= 'Z' ? c | 0x20 : c; });
    std::string_view type = core.types->find({lower, extension.size()});
    return type.empty() ? *core.default_type : type;
}

uint16_t file_error_status(Request& request, std::string_view path, Error error) {
    Level level = Level::error;
    uint16_t status = 500;
    switch (error.number) {
    case ENOENT: case ENOTDIR: case ENAMETOOLONG: status = 404; break;
    case EACCES: case EMLINK: case ELOOP: case EPERM: status = 403; break;
    default: level = Level::crit;
    }
    if (status != 404 || *request.core->log_not_found) {
        request.log().write(level, request.log_context(), error, "{}() \"{}\" failed", error.call,
                            path);
    }
    return status;
}

}  // namespace ringx::http
