// conf/load_test.cc - whole configurations: what they set, what is inherited, and every sentence of refusal.
//
// The language of the tests is the one of sample_language.h.

#include "conf/load.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "t/unit/conf/sample_language.h"

namespace ringx::conf::sample {
namespace {

using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

// The first http block, its first server and that one's first location, of a configuration that is right.
struct Loaded {
    explicit Loaded(std::string_view text) : tree(load_text(text)) {
        EXPECT_EQ(lines(tree.mistakes()), Lines{}) << text;
    }
    const Block& http() const { return *tree.root().inner()[0]; }
    const Block& server(size_t n = 0) const { return *http().inner()[n]; }
    const Block& location(size_t n = 0) const { return *server().inner()[n]; }
    Tree tree;
};

TEST(Load, gives_defaults_to_what_is_not_written) {
    Tree tree = load_text("");
    EXPECT_FALSE(tree.failed());
    EXPECT_EQ(tree.root().context(), conf::main);
    const Settings& s = settings.in(tree.root());
    EXPECT_EQ(*s.root, "html");
    EXPECT_EQ(*s.timeout, 60s);
    EXPECT_FALSE(s.root.given);
}

TEST(Load, sets_members_of_every_type) {
    Loaded loaded(
        "priority -5;\n"
        "http {\n"
        "    root /srv; sendfile on; level 9; buffer 16k; body_max 2g; timeout 250ms; expires 1M;\n"
        "    buffers 4 8k; balance hash; allowed round_robin hash; index a b; index c; answer yes; pair 1 2;\n"
        "}\n");
    EXPECT_EQ(*settings.in(loaded.tree.root()).priority, -5);
    const Settings& s = settings.in(loaded.http());
    EXPECT_EQ(*s.root, "/srv");
    EXPECT_TRUE(*s.sendfile);
    EXPECT_EQ(*s.level, 9u);
    EXPECT_EQ(*s.buffer, 16384u);
    EXPECT_EQ(*s.body_max, uint64_t{2} << 30);
    EXPECT_EQ(*s.timeout, 250ms);
    EXPECT_EQ(*s.expires, 30 * 24h);
    EXPECT_EQ(*s.buffers, (Buffers{4, 8192}));
    EXPECT_EQ(*s.balance, Balance::hash);
    EXPECT_EQ(*s.allowed, (Flags<Balance>{Balance::round_robin, Balance::hash}));
    EXPECT_EQ(*s.index, (std::vector<std::string_view>{"a", "b", "c"}));
    EXPECT_EQ(*s.answer, "yes");
    EXPECT_EQ(*s.pair, 102u);
}

TEST(Load, inherits_what_was_not_given_whatever_the_order_of_the_text) {
    Loaded loaded(
        "http {\n"
        "    server { location / { level 3; } root /inner; }\n"
        "    root /outer; level 2; pair 3 4;\n"
        "}\n");
    const Settings& server = settings.in(loaded.server());
    EXPECT_EQ(*server.root, "/inner");
    EXPECT_EQ(*server.level, 2u);
    EXPECT_TRUE(server.root.given);
    EXPECT_FALSE(server.level.given);
    EXPECT_TRUE(server.level.inherited);
    EXPECT_FALSE(server.timeout.written());

    const Settings& location = settings.in(loaded.location());
    EXPECT_EQ(*location.root, "/inner");
    EXPECT_EQ(*location.level, 3u);
    EXPECT_EQ(*location.pair, 304u);
    EXPECT_TRUE(location.root.inherited);
}

TEST(Load, inherits_lists_as_a_whole) {
    Loaded loaded("http { index a b; server { location /1 { } location /2 { index c; } } }");
    EXPECT_EQ(*settings.in(loaded.location(0)).index, (std::vector<std::string_view>{"a", "b"}));
    EXPECT_EQ(*settings.in(loaded.location(1)).index, (std::vector<std::string_view>{"c"}));
    Loaded without("http { server { location / { } } }");
    EXPECT_EQ(*settings.in(without.location()).index, (std::vector<std::string_view>{"index.html"}));
}

TEST(Load, keeps_from_inner_blocks_what_is_not_inherited) {
    Loaded loaded("http { answer no; server { } }");
    EXPECT_EQ(*settings.in(loaded.http()).answer, "no");
    EXPECT_EQ(*settings.in(loaded.server()).answer, "");
}

TEST(Load, completes_outer_blocks_first) {
    Loaded loaded("http { server { location /a { tag c; } tag b; } }");
    EXPECT_EQ(watched.in(loaded.server()).path, "/b");
    EXPECT_EQ(watched.in(loaded.location()).path, "/b/c");
}

TEST(Load, lets_blocks_see_the_settings_around_them_where_none_may_stand) {
    Loaded loaded("http { server { } }");
    EXPECT_EQ(&watched.in(loaded.http()), &watched.in(loaded.tree.root()));
    EXPECT_NE(&watched.in(loaded.server()), &watched.in(loaded.http()));
}

TEST(Load, shares_what_blocks_of_a_kind_inherit_and_do_not_change) {
    Loaded loaded("http { root /a; server { location /1 { location /2 { } } location /3 { root /b; } } server { } }");
    const Settings& http = settings.in(loaded.http());
    const Settings& server = settings.in(loaded.server());
    const Settings& location = settings.in(loaded.location(0));
    EXPECT_NE(&server, &http);  // it would see what is not inherited
    EXPECT_EQ(&server, &settings.in(*loaded.http().inner()[1]));
    EXPECT_EQ(&location, &settings.in(*loaded.location(0).inner()[0]));
    EXPECT_EQ(*location.root, "/a");
    EXPECT_FALSE(location.root.given);
    EXPECT_TRUE(location.root.inherited);
    EXPECT_EQ(*settings.in(loaded.location(1)).root, "/b");
}

TEST(Load, completes_settings_in_each_block_of_the_kinds_they_name) {
    Loaded loaded("http { server { location /1 { } location /2 { } } server { } }");
    const Block& other = *loaded.http().inner()[1];
    EXPECT_NE(&watched.in(loaded.server()), &watched.in(other));
    EXPECT_EQ(watched.in(loaded.server()).path, watched.in(other).path);
    EXPECT_EQ(&watched.in(loaded.location(0)), &watched.in(loaded.location(1)));
}

TEST(Load, tells_blocks_their_words_and_neighbours) {
    Loaded loaded("http { server { location = /a { } location /b { } } }");
    ASSERT_EQ(loaded.server().inner().size(), 2u);
    const Block& location = loaded.location();
    EXPECT_EQ(location.context(), conf::location);
    EXPECT_EQ(location.outer(), &loaded.server());
    ASSERT_EQ(location.words().size(), 2u);
    EXPECT_EQ(location.words()[0].text, "=");
    EXPECT_EQ(location.words()[1].text, "/a");
    EXPECT_EQ(location.place().column, 17u);
}

TEST(Load, words_outlive_the_bundle) {
    std::string_view root;
    Tree tree;
    {
        Bundle bundle = Bundle::in_memory();
        bundle.add("/conf/server.conf", "http { root \"/a \\\"path\\\" that fits no small string\"; }");
        tree = load_bundle(bundle);
        root = *settings.in(*tree.root().inner()[0]).root;
    }
    EXPECT_EQ(root, "/a \"path\" that fits no small string");
}

TEST(Load, refuses_with_the_sentences_of_nginx) {
    struct {
        std::string_view text;
        Lines mistakes;
    } cases[] = {
        {"http { root a; root b; }", {"\"root\" directive is duplicate in /conf/server.conf:1"}},
        {"root a;", {"\"root\" directive is not allowed here in /conf/server.conf:1"}},
        {"http {\n root;\n}", {"invalid number of arguments in \"root\" directive in /conf/server.conf:2"}},
        {"http {\n root a\n b\n c;\n}", {"invalid number of arguments in \"root\" directive in /conf/server.conf:4"}},
        {"http { root a { } }", {"directive \"root\" is not terminated by \";\" in /conf/server.conf:1"}},
        {"http;", {"directive \"http\" has no opening \"{\" in /conf/server.conf:1"}},
        {"http { sendfile maybe; }",
         {"invalid value \"maybe\" in \"sendfile\" directive, it must be \"on\" or \"off\" in /conf/server.conf:1"}},
        {"http { level x; }", {"\"level\" directive invalid number in /conf/server.conf:1"}},
        {"http { level 0; }", {"value must be between 1 and 9 in /conf/server.conf:1"}},
        {"priority -21;", {"value must be equal to or greater than -20 in /conf/server.conf:1"}},
        {"http { buffer 1g; }", {"\"buffer\" directive invalid value in /conf/server.conf:1"}},
        {"http { body_max 1t; }", {"\"body_max\" directive invalid value in /conf/server.conf:1"}},
        {"http { timeout 1M; }", {"\"timeout\" directive invalid value in /conf/server.conf:1"}},
        {"http { expires 1ms; }", {"\"expires\" directive invalid value in /conf/server.conf:1"}},
        {"http { buffers 0 4k; }", {"\"buffers\" directive invalid value in /conf/server.conf:1"}},
        {"http { balance fastest; }", {"invalid value \"fastest\" in \"balance\" directive in /conf/server.conf:1"}},
        {"http { allowed hash fast; }", {"invalid value \"fast\" in \"allowed\" directive in /conf/server.conf:1"}},
        {"http { pair 2 1; }", {"\"pair\" directive has its numbers in the wrong order in /conf/server.conf:1"}},
        {"http { pair 1 1; }", {"both are the same in /conf/server.conf:1"}},
        {"http { types_hash_max_size many; }",
         {"\"types_hash_max_size\" directive invalid number in /conf/server.conf:1"}},
        {"rot a;", {"unknown directive \"rot\" in /conf/server.conf:1"}},
        {"stream { rot a; }",
         {"the \"stream\" directive of ngx_stream_core_module is known but not supported in /conf/server.conf:1"}},
        {"http {\n perl_set $a b;\n}",
         {"the \"perl_set\" directive of ngx_http_perl_module is known but not supported in /conf/server.conf:2"}},
    };
    for (auto& c : cases) EXPECT_EQ(lines(load_text(c.text).mistakes()), c.mistakes) << c.text;
}

TEST(Load, reports_all_mistakes_in_the_order_of_the_text) {
    Tree tree = load_text(
        "http {\n"
        "    root a; root b;\n"
        "    server {\n"
        "        rot a;\n"
        "        location / { level ten\n"
        "        }\n"
        "    }\n"
        "} }\n");
    EXPECT_TRUE(tree.failed());
    EXPECT_EQ(lines(tree.mistakes()), (Lines{
        "\"root\" directive is duplicate in /conf/server.conf:2",
        "unknown directive \"rot\" in /conf/server.conf:4",
        "\"level\" directive invalid number in /conf/server.conf:6",
        "unexpected \"}\" in /conf/server.conf:6",
        "unexpected \"}\" in /conf/server.conf:8"}));
}

TEST(Load, points_at_what_is_wrong) {
    struct {
        std::string_view text, picture;
    } cases[] = {
        {"rot a;",
         "server: [emerg] unknown directive \"rot\" in /conf/server.conf:1\n"
         "    rot a;\n"
         "    ^ did you mean \"root\"?\n"},
        {"http { balance fastest; }",
         "server: [emerg] invalid value \"fastest\" in \"balance\" directive in /conf/server.conf:1\n"
         "    http { balance fastest; }\n"
         "                   ^ expected round_robin, least_busy or hash\n"},
        {"root a;",
         "server: [emerg] \"root\" directive is not allowed here in /conf/server.conf:1\n"
         "    root a;\n"
         "    ^ it may stand in: http, server, location\n"},
        {"http {\n  root /a\n  server { }\n}",
         "server: [emerg] directive \"root\" is not terminated by \";\" in /conf/server.conf:3\n"
         "    root /a\n"
         "         ^ a \";\" is missing after this\n"},
        {"http {\n  root /a\n  level 1;\n}",
         "server: [emerg] invalid number of arguments in \"root\" directive in /conf/server.conf:3\n"
         "    root /a\n"
         "         ^ is a \";\" missing after this?\n"},
        {"http { pair 1; }",
         "server: [emerg] invalid number of arguments in \"pair\" directive in /conf/server.conf:1\n"
         "    http { pair 1; }\n"
         "           ^ write: pair low high;\n"},
        {"http {\n",
         "server: [emerg] unexpected end of file, expecting \"}\" in /conf/server.conf:2\n"
         "    http {\n"
         "         ^ this block is not closed\n"},
        {"http { server { ssl on; } }",
         "server: [emerg] the \"ssl\" directive of ngx_http_ssl_module is known but not supported in "
         "/conf/server.conf:1\n"
         "    http { server { ssl on; } }\n"
         "                    ^ say \"listen 443 ssl;\" instead\n"},
    };
    for (auto& c : cases) {
        Tree tree = load_text(c.text);
        ASSERT_EQ(tree.mistakes().size(), 1u) << c.text;
        EXPECT_EQ(render(tree.mistakes()[0]), c.picture);
    }
}

TEST(Load, reports_what_completion_finds) {
    Tree bad = load_text("http {\n server {\n tag bad; } }");
    EXPECT_TRUE(bad.failed());
    EXPECT_EQ(lines(bad.mistakes()), Lines{"tag \"bad\" is bad in /conf/server.conf:2"});
    Tree odd = load_text("http { server { tag odd; } }");
    EXPECT_FALSE(odd.failed());
    EXPECT_EQ(lines(odd.mistakes()), Lines{"tag \"odd\" is odd"});
    EXPECT_EQ(odd.mistakes()[0].level, Level::warn);
}

TEST(Load, notes_directives_without_effect) {
    Tree tree = load_text("events { multi_accept on; }\nhttp { types_hash_max_size 2048; }");
    EXPECT_EQ(lines(tree.mistakes()), Lines{});
    EXPECT_EQ(lines(tree.notes()), (Lines{"\"multi_accept\" directive has no effect in /conf/server.conf:1",
                                          "\"types_hash_max_size\" directive has no effect in /conf/server.conf:2"}));
    EXPECT_EQ(tree.notes()[0].hint, "The kernel decides.");
}

TEST(Load, shares_the_main_block_between_command_line_and_file) {
    Tree tree = load_text("priority 2;", "priority 1;");
    EXPECT_EQ(lines(tree.mistakes()), Lines{"\"priority\" directive is duplicate in /conf/server.conf:1"});
    EXPECT_EQ(*settings.in(load_text("", "priority 1;").root()).priority, 1);
    EXPECT_EQ(lines(load_text("", "foo_bar 1;").mistakes()), Lines{"unknown directive \"foo_bar\" in command line"});
}

TEST(Load, lists_files_in_the_order_of_their_first_opening) {
    Bundle bundle = Bundle::in_memory();
    bundle.add("/conf/server.conf", "include z; include a; http { include z; }");
    bundle.add("/conf/z", "");
    bundle.add("/conf/a", "");
    EXPECT_EQ(load_bundle(bundle, "priority 1;").files(), (Lines{"/conf/server.conf", "/conf/z", "/conf/a"}));
}

TEST(Load, gives_the_same_tree_from_a_serialized_bundle_on_another_thread) {
    Bundle bundle = Bundle::in_memory();
    bundle.add("/conf/server.conf", "http { include *.inc; foo; }");
    bundle.add_glob("/conf/*.inc", {"/conf/a.inc"});
    bundle.add("/conf/a.inc", "root /a; include missing;");
    Lines here = lines(load_bundle(bundle).mistakes());
    Lines there;
    std::thread([&] {
        Bundle copy = Bundle::parse(bundle.serialize()).value();
        there = lines(load_bundle(copy).mistakes());
    }).join();
    EXPECT_EQ(here.size(), 2u);
    EXPECT_EQ(here, there);
}

}  // namespace
}  // namespace ringx::conf::sample
