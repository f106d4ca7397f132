// t/fuzz/conf_fuzz.cc - any bytes as a configuration file, through the lexer and the parser.
//
// The input is cut at the byte 0xFF into a main file, a file it may include, and the text of -g. Whatever the bytes:
// the words of every statement lie where they say, statements that were reported as broken are not there, and the same
// bytes read again give the same statements.

#include "base/arena.h"
#include "base/check.h"
#include "conf/bundle.h"
#include "conf/mistake.h"
#include "conf/parser.h"
#include "conf/statement.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace ringx;

// The part up to the next 0xFF; takes it off the front.
std::string_view take_part(std::string_view& bytes) {
    size_t end = bytes.find('\xFF');
    std::string_view part = bytes.substr(0, end);
    bytes.remove_prefix(end == bytes.npos ? bytes.size() : end + 1);
    return part;
}

// A statement's words stand in reading order, inside the text of their file.
void check_words(const conf::Statement& statement, const conf::Sources& sources) {
    CHECK(!statement.words.empty());
    uint32_t before = 0;
    for (const conf::Word& word : statement.words) {
        CHECK(word.place.file < sources.all().size());
        CHECK(word.place.order >= before);
        CHECK(word.place.line >= 1 && word.place.column >= 1);
        CHECK(word.place.end_line >= word.place.line);
        CHECK(word.place.column <= sources[word.place.file].bytes.size());
        CHECK(word.quoted || !word.text.empty());
        before = word.place.order;
    }
    CHECK(statement.has_block || statement.children.empty());
}

void check_all(const std::vector<conf::Statement>& statements, const conf::Sources& sources, std::string& shown) {
    for (const conf::Statement& statement : statements) {
        check_words(statement, sources);
        for (const conf::Word& word : statement.words) shown.append(word.text) += ' ';
        shown += statement.has_block ? '{' : ';';
        check_all(statement.children, sources, shown);
        if (statement.has_block) shown += '}';
    }
}

std::string read(std::string_view bytes) {
    std::string_view main = take_part(bytes), included = take_part(bytes), command_line = take_part(bytes);
    conf::Bundle bundle = conf::Bundle::in_memory();
    bundle.add("/conf/main", std::string(main));
    bundle.add("/conf/a", std::string(included));
    bundle.add_glob("/conf/*", {"/conf/a", "/conf/main"});

    Arena arena;
    conf::Sources sources;
    conf::Report report(sources);
    conf::Parser parser(bundle, sources, arena, report, "/conf/");
    std::vector<conf::Statement> statements;
    parser.read_command_line(command_line, statements);
    parser.read_file("/conf/main", statements);

    std::string shown;
    check_all(statements, sources, shown);
    for (const conf::Mistake& mistake : report.take()) shown += conf::render(mistake);
    return shown;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view bytes(reinterpret_cast<const char*>(data), size);
    CHECK(read(bytes) == read(bytes));

    // A serialized bundle is bytes of this form too, and what is none must be refused.
    auto bundle = conf::Bundle::parse(Undumped(bytes));
    if (bundle) CHECK(conf::Bundle::parse(bundle->serialize()).has_value());
    return 0;
}
