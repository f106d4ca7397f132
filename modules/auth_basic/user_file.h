// modules/auth_basic/user_file.h - users and the hashes of their passwords, as htpasswd writes them.
//
// A line is "name:hash", perhaps with ":comment" behind; lines that begin with # are comments. A file is read once and
// kept until it changes on disk. Its text is wiped when it is let go.
#pragma once

#include <sys/stat.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ringx::http {

class UserFile {
 public:
    // Reads it, or gives `known`, which may be null, when it is the same file and has not changed. Blocks.
    static Result<std::shared_ptr<const UserFile>> read(const std::string& path,
                                                        std::shared_ptr<const UserFile> known);
    // For tests: of this text.
    explicit UserFile(std::string text);
    UserFile(const UserFile&) = delete;
    UserFile& operator=(const UserFile&) = delete;
    ~UserFile();

    // The hash of the user's password; of several lines with that name the first counts.
    std::optional<std::string_view> hash_of(std::string_view user) const;

 private:
    std::string text_;
    std::map<std::string_view, std::string_view> hashes_;
    struct stat status_ {};
};

// The files of a worker, by path; a few of them.
class UserFiles {
 public:
    std::shared_ptr<const UserFile> find(const std::string& path) const;
    void keep(const std::string& path, std::shared_ptr<const UserFile> file);

 private:
    static constexpr size_t files_max = 64;  // paths may have variables of the client in them
    std::map<std::string, std::shared_ptr<const UserFile>> files_;
};

}  // namespace ringx::http
