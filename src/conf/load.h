// conf/load.h - from files to a tree of settings, in one call.
//
// Reading (parser), meeting the rows (binder), inheriting and completing happen here in that order. Everything that is
// found wrong is in the result; a tree that failed must not be served. The call keeps nothing and shares nothing: the
// master runs it on the files of the disk, a worker on a helper thread with the same bytes from a bundle.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "conf/block.h"
#include "conf/bundle.h"
#include "conf/language.h"
#include "conf/mistake.h"

namespace ringx::conf {

struct Options {
    std::string_view conf_path;  // absolute
    std::string_view prefix;     // absolute, with its final `/`
    std::string_view globals;    // the text of -g
};

class Tree {
 public:
    Tree() : arena_(std::make_unique<Arena>(arena_chunk_bytes)) {}

    // Some mistake refuses the configuration.
    bool failed() const { return failed_; }

    Block& root() { return *root_; }
    const Block& root() const { return *root_; }
    Arena& arena() { return *arena_; }

    // Emergencies and warnings, in order; and what `server -t` mentions besides.
    const std::vector<Mistake>& mistakes() const { return mistakes_; }
    const std::vector<Mistake>& notes() const { return notes_; }

    // Absolute paths of the files, each once, in order of first opening: what -T prints from the bundle.
    const std::vector<std::string>& files() const { return files_; }

 private:
    friend Tree load(const Language& language, Bundle& bundle, const Options& options);

    // Settings of a small site fit one chunk; a large one takes few.
    static constexpr size_t arena_chunk_bytes = 16384;

    std::unique_ptr<Arena> arena_;
    Block* root_ = nullptr;
    std::vector<Mistake> mistakes_;
    std::vector<Mistake> notes_;
    std::vector<std::string> files_;
    bool failed_ = false;
};

Tree load(const Language& language, Bundle& bundle, const Options& options);

}  // namespace ringx::conf
