// conf/mistake.h - what is wrong with a configuration, said so that it can be mended.
//
// A Mistake is nginx's sentence and position, then the source line with a caret under the word at fault, and a hint
// when there is one. Its texts are its own: it outlives the files it speaks of. A Report collects the mistakes of a
// load, each once, and gives them back in the order of the text, whichever stage found them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "conf/statement.h"

namespace ringx::conf {

struct Mistake {
    Level level = Level::emerg;  // emerg: refused; warn: accepted, probably not what was meant; notice: worth a mention
    std::string sentence = {};     // unknown directive "foo"
    std::string position = {};     // " in /etc/ringx/server.conf:12", " in command line" or nothing
    std::string file = {};         // where the word at fault stands; empty: in no file
    uint32_t line_number = 0;      // from 1; of that word, while `position` names the end of its directive
    uint32_t column = 0;           // from 1, in bytes
    std::string source_line = {};  // without its indentation; empty when there is no position
    std::string caret_line = {};   // as many columns as lead to the word, then `^`
    std::string hint = {};

    // unknown directive "foo" in /etc/ringx/server.conf:12
    std::string line() const { return sentence + position; }
};

// The mistake as the administrator sees it, each line ended:
//     server: [emerg] unknown directive "foo" in /etc/ringx/server.conf:12
//         foo bar;
//         ^ did you mean "root"?
std::string render(const Mistake& mistake);

// The texts that places point into. File names and bytes are views: they live in the bundle.
class Sources {
 public:
    struct Source {
        std::string_view name;  // absolute path
        std::string_view bytes;
        bool command_line = false;  // the text of -g
    };

    // The index of this source; a file that was read before keeps the one it has.
    uint32_t add(const Source& source);
    const Source& operator[](uint32_t index) const { return sources_[index]; }
    const std::vector<Source>& all() const { return sources_; }

 private:
    std::vector<Source> sources_;
    std::map<std::string_view, uint32_t> files_;  // index by name
};

class Report {
 public:
    // Nobody reads on; a binary that was named by accident would otherwise fill the screen for long.
    static constexpr size_t mistakes_max = 1000;

    explicit Report(const Sources& sources) : sources_(sources) {}

    // An unknown place gives a mistake without position.
    void add(Level level, const Place& place, std::string sentence, std::string hint = {});

    bool failed() const { return failed_; }  // one of them is an emerg

    // They come in the order of the text, those without a place last. The report is empty afterwards.
    std::vector<Mistake> take();

 private:
    const Sources& sources_;
    std::multimap<uint32_t, Mistake> mistakes_;  // by Place::order
    std::set<std::string> seen_;                 // as rendered: a file that is included twice says everything twice
    size_t left_out_ = 0;
    bool failed_ = false;
};

}  // namespace ringx::conf
