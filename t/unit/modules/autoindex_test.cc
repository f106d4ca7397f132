// t/unit/modules/autoindex_test.cc - directory listings, in each form.
//
// Expected lines are what nginx 1.22 gave for the same files.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/fd.h"
#include "modules/autoindex/listing.h"

namespace ringx::http::autoindex {
namespace {

using Kind = Entry::Kind;

// 2026-11-21 02:51:35 UTC
constexpr int64_t when = 1795229495;

const std::vector<Entry> entries = {
    {"sub dir", Kind::directory, when, 4096},
    {"a<b&c.txt", Kind::file, when, 5},
    {"\xC3\xA9t\xC3\xA9", Kind::file, when, 10'000},
    {"fifo", Kind::other, when, 0},
};

std::string html_of(const Entry& entry, bool exact) {
    std::string page = write_listing({entry}, {Format::html, exact, false}, "/", "");
    size_t begin = page.find("../</a>\r\n") + 9;
    return page.substr(begin, page.find("</pre>") - begin);
}

TEST(Autoindex, html_lines_are_nginx_s) {
    std::string pad(50, ' ');
    EXPECT_EQ(html_of(entries[0], true),
              "<a href=\"sub%20dir/\">sub dir/</a>" + pad.substr(0, 43) + "21-Nov-2026 02:51                   -\r\n");
    EXPECT_EQ(html_of(entries[1], true), "<a href=\"a%3Cb%26c.txt\">a&lt;b&amp;c.txt</a>" + pad.substr(0, 42) +
                                             "21-Nov-2026 02:51                   5\r\n");
    EXPECT_EQ(html_of(entries[0], false),
              "<a href=\"sub%20dir/\">sub dir/</a>" + pad.substr(0, 43) + "21-Nov-2026 02:51       -\r\n");
    EXPECT_EQ(html_of(entries[2], false), "<a href=\"%C3%A9t%C3%A9\">\xC3\xA9t\xC3\xA9</a>" + pad.substr(0, 48) +
                                              "21-Nov-2026 02:51     10K\r\n");
}

TEST(Autoindex, long_names_are_cut_at_a_character) {
    std::string name;
    for (int i = 0; i < 60; ++i) name += "\xC3\xA9";
    std::string line = html_of({name, Kind::file, when, 1}, true);
    std::string cut = name.substr(0, 2 * 47) + "..&gt;</a> 21-Nov-2026";
    EXPECT_NE(line.find(cut), std::string::npos) << line;
    EXPECT_NE(html_of({std::string(50, 'x'), Kind::file, when, 1}, true).find(std::string(50, 'x') + "</a> 21-"),
              std::string::npos);
}

TEST(Autoindex, sizes_are_rounded_as_nginx_rounds) {
    struct {
        uint64_t size;
        std::string_view text;
    } cases[] = {
        {0, "      0"},           {9999, "   9999"},          {10'000, "    10K"},
        {10'751, "    10K"},      {10'752, "    11K"},        {(1 << 20) - 1, "  1024K"},
        {1 << 20, "     1M"},     {1'572'863, "     1M"},     {1'572'864, "     2M"},
        {1 << 30, "     1G"},     {uint64_t{5} << 40, "  5120G"},
    };
    for (auto& c : cases) {
        std::string line = html_of({"x", Kind::file, when, c.size}, false);
        EXPECT_TRUE(line.ends_with("02:51 " + std::string(c.text) + "\r\n")) << line;
    }
}

TEST(Autoindex, the_title_is_safe_to_show) {
    std::string page = write_listing({}, {}, "/<script>/", "");
    EXPECT_EQ(page.find("<script>"), std::string::npos);
    EXPECT_NE(page.find("<title>Index of /&lt;script&gt;/</title>"), std::string::npos);
}

TEST(Autoindex, json_has_a_size_for_files_only) {
    std::string want = "[\r\n"
        "{ \"name\":\"sub dir\", \"type\":\"directory\", \"mtime\":\"Sat, 21 Nov 2026 02:51:35 GMT\" },\r\n"
        "{ \"name\":\"a<b&c.txt\", \"type\":\"file\", \"mtime\":\"Sat, 21 Nov 2026 02:51:35 GMT\", \"size\":5 }\r\n]";
    std::vector<Entry> two(entries.begin(), entries.begin() + 2);
    EXPECT_EQ(write_listing(two, {Format::json, true, false}, "/", ""), want);
    EXPECT_EQ(write_listing(two, {Format::jsonp, true, false}, "/", ""), want);
    EXPECT_EQ(write_listing(two, {Format::jsonp, true, false}, "/", "f"), "/* callback */\r\nf(" + want + ");");
    EXPECT_EQ(write_listing({}, {Format::json, true, false}, "/", ""), "[\r\n]");
}

TEST(Autoindex, xml_names_each_kind) {
    EXPECT_EQ(write_listing({entries[0], entries[1], entries[3]}, {Format::xml, true, true}, "/", ""),
              "<?xml version=\"1.0\"?>\r\n<list>\r\n"
              "<directory mtime=\"2026-11-21T02:51:35Z\">sub dir</directory>\r\n"
              "<file mtime=\"2026-11-21T02:51:35Z\" size=\"5\">a&lt;b&amp;c.txt</file>\r\n"
              "<other mtime=\"2026-11-21T02:51:35Z\">fifo</other>\r\n"
              "</list>\r\n");
}

TEST(Autoindex, reads_a_directory_without_hidden_files_directories_first) {
    std::string top = testing::TempDir() + "autoindex-XXXXXX";
    ASSERT_NE(mkdtemp(top.data()), nullptr);
    for (const char* name : {"/b", "/a", "/.hidden"}) std::ofstream(top + name) << "12345";
    ASSERT_EQ(mkdir((top + "/z").c_str(), 0755), 0);
    ASSERT_EQ(mkfifo((top + "/pipe").c_str(), 0644), 0);
    ASSERT_EQ(symlink("z", (top + "/y").c_str()), 0);
    ASSERT_EQ(symlink("nowhere", (top + "/broken").c_str()), 0);

    Fd directory(open(top.c_str(), O_RDONLY | O_DIRECTORY));
    for (bool follow : {true, false}) {
        auto read = read_directory(directory.get(), follow);
        ASSERT_TRUE(read.has_value());
        std::string names;
        for (const Entry& entry : *read) names += entry.name + (entry.kind == Kind::directory ? "/ " : " ");
        EXPECT_EQ(names, follow ? "y/ z/ a b broken pipe " : "z/ a b broken pipe y ");
        for (const Entry& entry : *read) {
            if (entry.name == "a") { EXPECT_EQ(entry.size, 5u); }
        }
    }
    std::filesystem::remove_all(top);
}

TEST(Autoindex, what_is_no_directory_is_an_error) {
    Fd file(open("/dev/null", O_RDONLY));
    auto read = read_directory(file.get(), true);
    ASSERT_FALSE(read.has_value());
    EXPECT_EQ(read.error().number, ENOTDIR);
}

}  // namespace
}  // namespace ringx::http::autoindex
