// t/unit/net/certificate_cache_test.cc - which certificates are kept for how long, and how files are looked at again.
//
// The time is what the test says.
#include "net/certificate_cache.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>

#include "base/fd.h"
#include "t/unit/net/tls_scene.h"

namespace ringx {
namespace {

// A certificate and its key in files of their own.
class Files {
 public:
    Files() {
        CHECK(mkdtemp(directory_.data()) != nullptr);
        names.chain = directory_ + "/chain";
        names.key = directory_ + "/key";
        write(tls_test::Identity());
    }
    ~Files() {
        unlink(names.chain.c_str());
        unlink(names.key.c_str());
        rmdir(directory_.c_str());
    }
    // New files in the place of those that are there.
    void write(const tls_test::Identity& identity) {
        write(names.chain, identity.certificate);
        write(names.key, identity.key);
    }

    CertificateNames names;

 private:
    void write(const std::string& path, const std::string& text) {
        std::string next = path + ".new";
        Fd file(open(next.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        CHECK(file && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
        CHECK(rename(next.c_str(), path.c_str()) == 0);
    }

    std::string directory_ = testing::TempDir() + "certificates-XXXXXX";
};

std::shared_ptr<const NamedCertificate> any() { return std::make_shared<const NamedCertificate>(); }

TEST(CertificateCache, believes_for_a_while_and_then_asks) {
    CertificateCache cache(10, 1000, 100);
    EXPECT_EQ(cache.find("a", 0).certificate, nullptr);
    auto one = any();
    cache.keep("a", one, 0);
    EXPECT_EQ(cache.find("a", 99).certificate, one);
    EXPECT_TRUE(cache.find("a", 99).is_valid);
    EXPECT_EQ(cache.find("a", 100).certificate, one);
    EXPECT_FALSE(cache.find("a", 100).is_valid);
    cache.keep("a", one, 100);
    EXPECT_TRUE(cache.find("a", 199).is_valid);
    cache.drop("a");
    cache.drop("a");
    EXPECT_EQ(cache.find("a", 199).certificate, nullptr);
}

TEST(CertificateCache, drops_what_nobody_asked_for) {
    CertificateCache cache(10, 1000, 100'000);
    cache.keep("a", any(), 0);
    cache.keep("b", any(), 0);
    EXPECT_NE(cache.find("a", 800).certificate, nullptr);
    EXPECT_NE(cache.find("a", 1001).certificate, nullptr);
    EXPECT_EQ(cache.size(), 1u);
    EXPECT_EQ(cache.find("b", 1001).certificate, nullptr);
    EXPECT_EQ(cache.find("a", 2002).certificate, nullptr);
    EXPECT_EQ(cache.size(), 0u);
}

TEST(CertificateCache, makes_room_for_what_is_new) {
    CertificateCache cache(2, 1000, 1000);
    cache.keep("a", any(), 0);
    cache.keep("b", any(), 0);
    (void)cache.find("a", 1);
    cache.keep("c", any(), 1);
    EXPECT_EQ(cache.size(), 2u);
    EXPECT_EQ(cache.find("b", 1).certificate, nullptr);
    EXPECT_NE(cache.find("a", 1).certificate, nullptr);
    cache.keep("c", any(), 1);
    EXPECT_EQ(cache.size(), 2u);
}

TEST(CertificateCache, tells_names_and_passwords_apart) {
    std::array<std::string_view, 1> some{"secret"}, others{"other"};
    CertificateNames ab{"a", "b"};
    EXPECT_EQ(CertificateCache::key_of(ab, some), CertificateCache::key_of(ab, some));
    EXPECT_NE(CertificateCache::key_of(ab, some), CertificateCache::key_of(ab, others));
    EXPECT_NE(CertificateCache::key_of(ab, some), CertificateCache::key_of(ab, {}));
    EXPECT_NE(CertificateCache::key_of({"a:b", "c"}, {}), CertificateCache::key_of({"a", "b:c"}, {}));
}

TEST(NamedCertificate, is_current_until_a_file_is_another_one) {
    Files files;
    auto loaded = NamedCertificate::load(files.names, {});
    ASSERT_TRUE(loaded) << loaded.error();
    EXPECT_TRUE((*loaded)->is_current(files.names));
    files.write(tls_test::Identity());
    EXPECT_FALSE((*loaded)->is_current(files.names));
    loaded = NamedCertificate::load(files.names, {});
    ASSERT_TRUE(loaded);
    EXPECT_TRUE((*loaded)->is_current(files.names));
    unlink(files.names.key.c_str());
    EXPECT_FALSE((*loaded)->is_current(files.names));
    EXPECT_FALSE(NamedCertificate::load(files.names, {}));
}

TEST(NamedCertificate, names_with_zero_bytes_are_no_names) {
    Files files;
    files.names.chain += '\0';
    auto loaded = NamedCertificate::load(files.names, {});
    ASSERT_FALSE(loaded);
    EXPECT_NE(loaded.error().find("open() failed (22: Invalid argument)"), std::string::npos);
}

}  // namespace
}  // namespace ringx
