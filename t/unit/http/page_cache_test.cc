// t/unit/http/page_cache_test.cc - cold files become warm, through /dev/null and without it.
//
// The file is thrown out of the page cache first; where that cannot be done, because the file system is memory, the
// tests are skipped.
#include "http/page_cache.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace ringx::http {
namespace {

constexpr uint32_t file_bytes = 1 << 20;

class ColdFile : public testing::TestWithParam<bool> {
 protected:
    // Where the tests run, which unlike /tmp lies on a disk nearly everywhere.
    void SetUp() override {
        std::string name = "cold-XXXXXX";
        file = Fd(mkostemp(name.data(), O_CLOEXEC));
        ASSERT_TRUE(file);
        ASSERT_EQ(unlink(name.c_str()), 0);
        std::string data(file_bytes, 'x');
        ASSERT_EQ(write(file.get(), data.data(), data.size()), static_cast<ssize_t>(data.size()));
        ASSERT_EQ(fsync(file.get()), 0);
        for (int tries = 0; tries < 100 && is_cached(file.get(), 0, file_bytes); ++tries) {
            ASSERT_EQ(posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED), 0);
        }
        if (is_cached(file.get(), 0, file_bytes)) GTEST_SKIP() << "this file system is memory";
    }

    PageCache cache() const { return GetParam() ? PageCache() : PageCache(Fd()); }

    Fd file;
};

TEST_P(ColdFile, IsCachedOnceFilled) {
    EXPECT_EQ(cache().fill(file.get(), 0, file_bytes), 0);
    for (uint64_t at = 0; at < file_bytes; at += 4096) EXPECT_TRUE(is_cached(file.get(), at, 4096));
}

TEST_P(ColdFile, MayEndEarly) {
    EXPECT_EQ(cache().fill(file.get(), file_bytes - 4096, 8192), 0);
    EXPECT_TRUE(is_cached(file.get(), file_bytes - 4096, 4096));
    EXPECT_EQ(cache().fill(file.get(), file_bytes, 4096), 0);
}

TEST_P(ColdFile, SaysWhyItCannotBeRead) {
    Fd directory(open(".", O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(cache().fill(directory.get(), 0, 4096), EISDIR);
}

INSTANTIATE_TEST_SUITE_P(ThroughDevNullOrNot, ColdFile, testing::Bool());

}  // namespace
}  // namespace ringx::http
