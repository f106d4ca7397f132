// conf/language_test.cc - rows by name, names that are nearly right, and the dump for the man page.
//
// The language of the tests is the one of sample_language.h.

#include "conf/language.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "conf/known_directives.h"
#include "t/unit/conf/sample_language.h"

namespace ringx::conf {
namespace {

TEST(Language, finds_the_name_that_was_meant) {
    struct {
        std::string_view name;
        Context context;
        std::string_view meant;
    } cases[] = {
        {"rot", http, "root"},           {"orot", http, "root"},          {"Root", http, "root"},
        {"sevrer", http, "server"},      {"sendfiles", server, "sendfile"}, {"types_hash_size", http, ""},
        {"types_hash_max_siz", http, "types_hash_max_size"},               {"multi_acept", http, "multi_accept"},
        {"x", http, ""},                 {"completely_else", http, ""},   {"", http, ""},
        {"pari", http, "pair"},          {"locatoin", server, "location"},
    };
    for (auto& c : cases) EXPECT_EQ(sample::language().closest(c.name, c.context), c.meant) << c.name;
}

TEST(Language, dumps_a_line_for_each_row) {
    std::string dump = sample::language().dump();
    std::string_view lines[] = {
        "root\thttp, server, location\tstring;\tWhere files are.\n",
        "buffers\thttp, server, location\tnumber size;\tHow many.\n",
        "balance\thttp, server, location\tround_robin | least_busy | hash;\tWho is next.\n",
        "index\thttp, server, location\tstring ...;\tFiles for directories.\n",
        "pair\thttp, server, location\tlow high;\tTwo numbers.\n",
        "location\tserver, location\targument [argument ...] { ... }\tOpens a location.\n",
        "http\tmain\t{ ... }\tOpens http.\n",
    };
    for (std::string_view line : lines) EXPECT_NE(dump.find(line), dump.npos) << line << "in\n" << dump;
}

TEST(Language, gives_a_slot_one_index_for_all_languages) {
    sample::language();
    size_t before = sample::settings.index();
    static const Section sections[] = {{"empty", {}, &sample::watched}, {"also empty", {}, &sample::settings}};
    Language other(sections);
    EXPECT_EQ(sample::settings.index(), before);
    EXPECT_GT(other.slots(), before);
}

TEST(KnownDirectives, name_the_module_that_fits_the_context) {
    struct {
        std::string_view directive;
        Context context;
        std::string_view module;
    } cases[] = {
        {"perl_set", http, "ngx_http_perl_module"},
        {"listen", server, "ngx_http_core_module"},
        {"listen", stream_server, "ngx_stream_core_module"},
        {"worker_processes", main, "ngx_core_module"},
        {"imap_auth", http, "ngx_mail_imap_module"},
        {"worker_process", main, ""},
        {"orker_processes", main, ""},
        {"allow deny", http, ""},
        {" ", http, ""},
        {"", http, ""},
    };
    for (auto& c : cases) EXPECT_EQ(module_of_known(c.directive, c.context), c.module) << c.directive;
    EXPECT_FALSE(advice_for_known("ssl").empty());
    EXPECT_FALSE(advice_for_known("load_module").empty());
    EXPECT_TRUE(advice_for_known("listen").empty());
}

TEST(Context, is_written_as_in_the_documentation) {
    EXPECT_EQ(names(http | server | location), "http, server, location");
    EXPECT_EQ(names(if_in_location), "if in location");
    EXPECT_EQ(names(any_block), "any block");
    EXPECT_EQ(names(Context()), "");
}

}  // namespace
}  // namespace ringx::conf
