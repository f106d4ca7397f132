// conf/bundle.h - every byte a configuration is made of: path to content, and what each glob matched.
//
// The master reads from disk through a bundle, which remembers what it saw, failures included. Serialized into a memfd
// it reaches the workers, which build the very same configuration from it without touching the disk, whatever has
// happened to the files (or to the worker's privileges) in between. A parsed bundle never looks at the disk: what it
// does not hold does not exist. Contents stay where they are as long as the bundle or a copy of it lives; they are not
// in core dumps, since keys are among them.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/undumped.h"

namespace ringx::conf {

class Bundle {
 public:
    // A file larger than this is no part of a configuration.
    static constexpr size_t file_bytes_max = size_t{256} << 20;

    static Bundle from_disk() { return Bundle(true); }
    static Bundle in_memory() { return Bundle(false); }

    // The inverse of serialize(); refuses anything serialize() would not write (EBADMSG).
    static Result<Bundle> parse(Undumped serialized);
    Undumped serialize() const;

    // The content of the file at this absolute path. Errors: those of open() and read(), remembered too.
    Result<std::string_view> read(std::string_view path);

    // The paths that match, sorted; none is fine.
    Result<std::span<const std::string>> glob(std::string_view pattern);

    // Puts a file in place by hand: for defaults that come from the program, and for tests.
    void add(std::string_view path, std::string_view bytes);
    void add_glob(std::string_view pattern, std::vector<std::string> paths);

 private:
    struct File {
        std::string_view bytes;
        Error error;  // number 0 when the file was read
    };
    struct Matches {
        std::vector<std::string> paths;
        Error error;
    };

    explicit Bundle(bool reads_disk) : reads_disk_(reads_disk) {}

    class Writer;
    struct Piece {
        Undumped memory;
        size_t used = 0;
    };

    void write(Writer& writer) const;
    Result<std::string_view> read_file(const std::string& path);
    std::string_view keep(std::string_view bytes);

    bool reads_disk_;
    std::vector<std::shared_ptr<Piece>> memory_;  // what the views point into
    std::map<std::string, File, std::less<>> files_;
    std::map<std::string, Matches, std::less<>> globs_;
};

}  // namespace ringx::conf
