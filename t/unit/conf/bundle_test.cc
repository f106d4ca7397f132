// conf/bundle_test.cc - what a bundle read, it says again, with and without a disk.
//
// Errors are part of the answer: a worker must see the same missing file as the master did.

#include "conf/bundle.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ringx::conf {
namespace {

class BundleOnDisk : public testing::Test {
 protected:
    BundleOnDisk() {
        std::string pattern = testing::TempDir() + "bundle.XXXXXX";
        folder = ::mkdtemp(pattern.data());
    }
    ~BundleOnDisk() override { std::filesystem::remove_all(folder); }

    std::string write(std::string_view name, std::string_view bytes) {
        std::string path = folder + "/" + std::string(name);
        std::ofstream(path, std::ios::binary) << bytes;
        return path;
    }

    std::string folder;
    Bundle bundle = Bundle::from_disk();
};

TEST_F(BundleOnDisk, reads_files_as_they_are) {
    std::string all;
    for (int i = 0; i < 100'000; ++i) all += static_cast<char>(i);
    std::string large = write("large", all), empty = write("empty", "");
    EXPECT_EQ(bundle.read(large).value(), all);
    EXPECT_EQ(bundle.read(empty).value(), "");
}

TEST_F(BundleOnDisk, says_why_a_file_cannot_be_read) {
    auto missing = bundle.read(folder + "/missing");
    ASSERT_FALSE(missing);
    EXPECT_STREQ(missing.error().call, "open");
    EXPECT_EQ(missing.error().number, ENOENT);

    auto directory = bundle.read(folder);
    ASSERT_FALSE(directory);
    EXPECT_STREQ(directory.error().call, "read");
    EXPECT_EQ(directory.error().number, EISDIR);

    EXPECT_FALSE(bundle.read(write("a", "text") + std::string("\0.pem", 5)));
}

TEST_F(BundleOnDisk, sorts_what_a_glob_matches) {
    std::string b = write("b.conf", ""), a = write("a.conf", "");
    write("c.txt", "");
    auto found = bundle.glob(folder + "/*.conf");
    ASSERT_TRUE(found);
    EXPECT_EQ(std::vector(found->begin(), found->end()), (std::vector<std::string>{a, b}));
    EXPECT_TRUE(bundle.glob(folder + "/none*")->empty());
}

TEST_F(BundleOnDisk, serialized_gives_the_same_answers_without_the_disk) {
    std::string a = write("a.conf", std::string_view("a\0b\n", 4));
    std::string missing = folder + "/missing", pattern = folder + "/*.conf";
    std::string bytes(bundle.read(a).value());
    ASSERT_FALSE(bundle.read(missing));
    ASSERT_TRUE(bundle.glob(pattern));
    ASSERT_TRUE(bundle.glob(folder + "/none*"));
    std::string serialized(bundle.serialize().view());

    std::filesystem::remove(a);
    write("missing", "not any more");
    write("b.conf", "");
    Bundle copy = Bundle::parse(Undumped(serialized)).value();
    EXPECT_EQ(copy.read(a).value(), bytes);
    ASSERT_FALSE(copy.read(missing));
    EXPECT_EQ(copy.read(missing).error(), bundle.read(missing).error());
    EXPECT_STREQ(copy.read(missing).error().call, "open");
    ASSERT_EQ(copy.glob(pattern)->size(), 1u);
    EXPECT_EQ((*copy.glob(pattern))[0], a);
    EXPECT_TRUE(copy.glob(folder + "/none*")->empty());
    EXPECT_EQ(copy.serialize().view(), serialized);
}

TEST_F(BundleOnDisk, remembers_what_it_saw_first) {
    std::string path = write("a", "old");
    std::string_view first = bundle.read(path).value();
    write("a", "new");
    EXPECT_EQ(bundle.read(path).value(), "old");
    Bundle moved = std::move(bundle);
    EXPECT_EQ(first, "old");
    EXPECT_EQ(moved.read(path).value().data(), first.data());
}

TEST(Bundle, in_memory_never_looks_at_the_disk) {
    Bundle bundle = Bundle::in_memory();
    bundle.add("/a", "text");
    bundle.add_glob("/*", {"/a"});
    EXPECT_EQ(bundle.read("/a").value(), "text");
    ASSERT_FALSE(bundle.read("/etc/passwd"));
    EXPECT_EQ(bundle.read("/etc/passwd").error().number, ENOENT);
    EXPECT_EQ(bundle.glob("/*")->size(), 1u);
    EXPECT_TRUE(bundle.glob("/etc/*")->empty());
}

TEST(Bundle, refuses_every_truncation_and_surplus) {
    Bundle bundle = Bundle::in_memory();
    bundle.add("/a", "text");
    bundle.add("/b", "");
    bundle.add_glob("/*", {"/a", "/b"});
    std::string serialized(bundle.serialize().view());
    ASSERT_TRUE(Bundle::parse(Undumped(serialized)));
    for (size_t length = 0; length < serialized.size(); ++length) {
        auto cut = Bundle::parse(Undumped(std::string_view(serialized).substr(0, length)));
        ASSERT_FALSE(cut) << length;
        EXPECT_EQ(cut.error().number, EBADMSG);
    }
    EXPECT_FALSE(Bundle::parse(Undumped(serialized + "x")));
}

}  // namespace
}  // namespace ringx::conf
