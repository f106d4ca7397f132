// t/unit/http/file_cache_test.cc - open_file_cache with real files: what is opened anew, and when.
//
// Time does not pass here: entries are valid either for ever or not at all. What must have rested for two seconds is
// tried with a file that has lain in the system for long.
#include "http/file_cache.h"

#include "t/unit/event/scripted_engine.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace ringx::http {
namespace {

constexpr const char* old_file = "/etc/passwd";

class WithFiles : public testing::Test {
 protected:
    void SetUp() override {
        top = testing::TempDir() + "cache-XXXXXX";
        ASSERT_NE(mkdtemp(top.data()), nullptr);
        path = top + "/file";
        write("first");
        EngineSettings settings;
        settings.choice = EngineSettings::Choice::epoll;
        ASSERT_TRUE(loop.open(settings));
        cached.cached = true;
        cached.cache_max = 10;
        checked = cached;
        checked.valid_ms = 0;
    }
    void TearDown() override { std::filesystem::remove_all(top); }

    void write(std::string_view text) { std::ofstream(path) << text; }

    Result<FileRef> get(FileCache& cache, const std::string& what, const OpenRules& rules) {
        if (auto found = cache.find(what, rules)) return *found;
        auto task = cache.open(what, rules);
        for (int turns = 0; !task.done(); ++turns) {
            CHECK(turns < 10'000);
            loop.turn(1000);
        }
        return task.take();
    }

    static size_t open_descriptors() {
        size_t count = 0;
        for (auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) count += entry.exists() ? 1 : 0;
        return count;
    }

    Loop loop;
    std::string top, path;
    OpenRules uncached, cached, checked;
};

TEST_F(WithFiles, without_a_cache_each_turn_opens_for_itself) {
    FileCache cache(loop);
    size_t before = open_descriptors();
    auto a = get(cache, path, uncached), same = get(cache, path, uncached);
    loop.turn(0);
    auto b = get(cache, path, uncached);
    ASSERT_TRUE(a && same && b);
    EXPECT_EQ(a->get(), same->get());
    EXPECT_NE(a->get(), b->get());
    write("now longer");
    EXPECT_EQ(get(cache, path, uncached)->get(), b->get());
    cache.forget_turn();
    EXPECT_EQ((*get(cache, path, uncached))->size, 10u);
    loop.turn(0);
    EXPECT_EQ(open_descriptors(), before + 2);
    EXPECT_TRUE((*a)->is_file);
    EXPECT_FALSE((*a)->has_content);
    EXPECT_EQ((*a)->size, 5u);
    EXPECT_EQ((*a)->etag_view(), (*b)->etag_view());
}

TEST_F(WithFiles, a_turn_holds_many_files_and_mixes_none_up) {
    FileCache cache(loop);
    for (int round = 0; round < 2; ++round) {
        for (size_t i = 0; i < 100; ++i) {
            std::string name = top + "/" + std::to_string(i);
            if (round == 0) std::ofstream(name) << std::string(i, 'x');
            auto file = get(cache, name, uncached);
            ASSERT_TRUE(file);
            EXPECT_EQ((*file)->size, i);
        }
    }
    EXPECT_EQ(get(cache, top + "/none", uncached).error().number, ENOENT);
}

TEST_F(WithFiles, content_is_read_whole_or_not_at_all) {
    FileCache cache(loop);
    auto file = get(cache, path, uncached);
    ASSERT_TRUE(file);
    std::filesystem::resize_file(path, 3);
    EXPECT_NE((*file)->read_content(), 0);
    EXPECT_FALSE((*file)->has_content);
    write("fives");
    if ((*file)->read_content() == 0) {
        EXPECT_EQ((*file)->content, "fives");
    }
}

TEST_F(WithFiles, etag_and_date_are_nginx_s) {
    timespec times[2] = {{0, 0}, {784111777, 500}};
    ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
    FileCache cache(loop);
    auto file = get(cache, path, uncached);
    ASSERT_TRUE(file);
    EXPECT_EQ((*file)->etag_view(), "\"2ebc98a1-5\"");
    EXPECT_EQ((*file)->modified_view(), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST_F(WithFiles, what_is_cached_and_valid_is_not_looked_at_again) {
    FileCache cache(loop);
    auto before = get(cache, path, cached);
    ASSERT_TRUE(before);
    write("changed");
    std::filesystem::remove(path);
    auto after = get(cache, path, cached);
    ASSERT_TRUE(after);
    EXPECT_EQ(before->get(), after->get());
    cache.clear();
    EXPECT_EQ(get(cache, path, cached).error().number, ENOENT);
}

TEST_F(WithFiles, what_is_checked_and_the_same_stays) {
    FileCache cache(loop);
    auto before = get(cache, path, checked), after = get(cache, path, checked);
    ASSERT_TRUE(before && after);
    EXPECT_EQ(before->get(), after->get());
}

TEST_F(WithFiles, what_has_changed_is_another_file_and_the_old_one_lives_on) {
    FileCache cache(loop);
    auto before = get(cache, path, checked);
    write("longer than it was");
    auto after = get(cache, path, checked);
    ASSERT_TRUE(before && after);
    EXPECT_NE(before->get(), after->get());
    EXPECT_EQ((*before)->size, 5u);
    EXPECT_EQ((*after)->size, 18u);

    std::ofstream(top + "/other") << "longer than it was";
    std::filesystem::rename(top + "/other", path);
    auto renamed = get(cache, path, checked);
    ASSERT_TRUE(renamed);
    EXPECT_NE(renamed->get(), after->get());
    std::filesystem::remove(path);
    EXPECT_EQ(get(cache, path, checked).error().number, ENOENT);
    EXPECT_EQ(get(cache, path, cached).error().number, ENOENT);
}

TEST_F(WithFiles, content_in_memory_is_the_file_s) {
    FileCache cache(loop);
    auto file = get(cache, old_file, cached);
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->has_content);
    std::stringstream want;
    want << std::ifstream(old_file).rdbuf();
    EXPECT_EQ((*file)->content, want.str());
    EXPECT_EQ(get(cache, old_file, checked)->get(), file->get());
}

TEST_F(WithFiles, what_was_written_just_now_is_not_taken_into_memory) {
    FileCache cache(loop);
    auto file = get(cache, path, cached);
    ASSERT_TRUE(file);
    EXPECT_FALSE((*file)->has_content);
    EXPECT_TRUE((*file)->fd);
}

TEST_F(WithFiles, errors_are_remembered_on_demand_only) {
    std::filesystem::remove(path);
    FileCache cache(loop);
    EXPECT_EQ(get(cache, path, cached).error().number, ENOENT);
    write("there");
    EXPECT_TRUE(get(cache, path, cached));

    OpenRules with_errors = cached;
    with_errors.cache_errors = true;
    std::string missing = top + "/missing";
    EXPECT_EQ(get(cache, missing, with_errors).error().number, ENOENT);
    std::ofstream(missing) << "now";
    EXPECT_EQ(get(cache, missing, with_errors).error().number, ENOENT);
    with_errors.valid_ms = 0;
    EXPECT_TRUE(get(cache, missing, with_errors));
}

TEST_F(WithFiles, a_file_is_kept_open_from_the_use_that_was_configured) {
    OpenRules rules = cached;
    rules.min_uses = 3;
    FileCache cache(loop);
    const OpenFile* seen[4];
    size_t before = open_descriptors();
    for (auto& place : seen) {
        auto file = get(cache, path, rules);
        ASSERT_TRUE(file);
        place = file->get();
        size_t kept = &place >= &seen[2] ? 1 : 0;
        file = FileRef();
        EXPECT_EQ(open_descriptors(), before + kept);
    }
    EXPECT_EQ(seen[2], seen[3]);
}

TEST_F(WithFiles, directories_are_told_and_other_things_are_not_kept_open) {
    FileCache cache(loop);
    auto directory = get(cache, top, cached);
    ASSERT_TRUE(directory);
    EXPECT_TRUE((*directory)->is_directory);
    EXPECT_FALSE((*directory)->is_file);
    std::string fifo = top + "/fifo";
    ASSERT_EQ(mkfifo(fifo.c_str(), 0644), 0);
    for (const std::string& what : {fifo, std::string("/dev/null")}) {
        auto other = get(cache, what, cached);
        ASSERT_TRUE(other);
        EXPECT_FALSE((*other)->is_directory || (*other)->is_file);
        EXPECT_FALSE((*other)->fd);
    }
}

TEST_F(WithFiles, large_files_are_direct_on_demand) {
    OpenRules rules = cached;
    rules.directio_from = 6;
    FileCache cache(loop);
    auto file = get(cache, path, rules);
    ASSERT_TRUE(file);
    EXPECT_FALSE((*file)->is_direct);
    write("longer");
    rules.valid_ms = 0;
    file = get(cache, path, rules);
    ASSERT_TRUE(file);
    // Not every file system has O_DIRECT; then the file is read as usual.
    EXPECT_EQ((*file)->is_direct, (fcntl((*file)->fd.get(), F_GETFL) & O_DIRECT) != 0);
    EXPECT_FALSE((*file)->has_content);
}

// The engine is asked when the kernel would have to wait: for a name it has never heard of, for pages it has dropped.
TEST_F(WithFiles, what_the_engine_cannot_do_is_an_error_or_done_without) {
    Loop scripted_loop;
    auto made = std::make_unique<ScriptedEngine>(scripted_loop);
    ScriptedEngine& engine = *made;
    scripted_loop.open(std::move(made));
    FileCache cache(scripted_loop);
    auto open = [&](const std::string& what) {
        auto task = cache.open(what, cached);
        for (int turns = 0; !task.done(); ++turns) {
            CHECK(turns < 1000);
            scripted_loop.turn(0);
        }
        return task.take();
    };

    engine.fail_operation(1, EMFILE);
    auto unheard = open(top + "/unheard");
    ASSERT_FALSE(unheard);
    if (!engine.started().empty()) {  // the kernel can say that it would have to wait
        EXPECT_EQ(unheard.error().number, EMFILE);
    }

    Fd old(::open(old_file, O_RDONLY));
    for (int error : {EIO, 0}) {
        cache.clear();
        posix_fadvise(old.get(), 0, 0, POSIX_FADV_DONTNEED);
        size_t before = engine.started().size();
        if (error != 0) engine.fail_operation(before + 1, error);
        auto file = open(old_file);
        ASSERT_TRUE(file);
        bool failed = error != 0 && engine.started().size() > before;
        EXPECT_EQ((*file)->has_content, !failed);
        EXPECT_TRUE((*file)->fd);
    }
}

TEST_F(WithFiles, the_cache_gives_back_every_descriptor) {
    size_t before = open_descriptors();
    {
        FileCache cache(loop);
        for (int i = 0; i < 50; ++i) {
            std::string name = top + "/" + std::to_string(i);
            std::ofstream(name) << i;
            ASSERT_TRUE(get(cache, name, cached));
            EXPECT_LE(open_descriptors(), before + cached.cache_max);
        }
    }
    EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace ringx::http
