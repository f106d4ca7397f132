// t/unit/net/listener_test.cc - listening sockets: options, sharing, files of unix sockets.
//
// Ports are the kernel's choice, so that tests run side by side.
#include "net/listener.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

namespace ringx {
namespace {

Listen listen_on(const char* text) {
    Address address = *Address::parse(text, 80);
    return {address, {}, address.text()};
}

// An address with a port that was free a moment ago.
Listen free_port() {
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    Fd probe(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(bind(probe.get(), reinterpret_cast<sockaddr*>(&any), sizeof any), 0);
    Address address = Address::of_socket(probe.get());
    return {address, {}, address.text()};
}

int option(int fd, int level, int name) {
    int value = -1;
    socklen_t length = sizeof value;
    getsockopt(fd, level, name, &value, &length);
    return value;
}

TEST(Listener, sockets_do_not_block_and_are_not_inherited_by_programs) {
    auto fd = open_listening_socket(free_port());
    ASSERT_TRUE(fd.has_value()) << fd.error().call;
    EXPECT_TRUE(fcntl(fd->get(), F_GETFL) & O_NONBLOCK);
    EXPECT_TRUE(fcntl(fd->get(), F_GETFD) & FD_CLOEXEC);
    EXPECT_EQ(option(fd->get(), SOL_SOCKET, SO_ACCEPTCONN), 1);
    EXPECT_EQ(option(fd->get(), SOL_SOCKET, SO_REUSEPORT), 1);
    EXPECT_EQ(option(fd->get(), IPPROTO_TCP, TCP_NODELAY), 1);
}

TEST(Listener, options_are_set_and_can_be_changed_while_listening) {
    Listen listen = free_port();
    listen.options = {.backlog = 5, .deferred = true, .tcp_nodelay = false,
                      .keepalive = ListenOptions::Keepalive::on, .keepidle = 30};
    auto fd = open_listening_socket(listen);
    ASSERT_TRUE(fd.has_value()) << fd.error().call;
    EXPECT_EQ(option(fd->get(), SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_EQ(option(fd->get(), IPPROTO_TCP, TCP_KEEPIDLE), 30);
    EXPECT_EQ(option(fd->get(), IPPROTO_TCP, TCP_NODELAY), 0);
    EXPECT_GT(option(fd->get(), IPPROTO_TCP, TCP_DEFER_ACCEPT), 0);

    listen.options = {.keepalive = ListenOptions::Keepalive::off};
    ASSERT_TRUE(update_listening_socket(fd->get(), listen).has_value());
    EXPECT_EQ(option(fd->get(), SOL_SOCKET, SO_KEEPALIVE), 0);
    EXPECT_EQ(option(fd->get(), IPPROTO_TCP, TCP_NODELAY), 1);
    EXPECT_EQ(option(fd->get(), IPPROTO_TCP, TCP_DEFER_ACCEPT), 0);
}

TEST(Listener, workers_share_an_address_but_strangers_are_noticed) {
    Listen listen = free_port();
    EXPECT_TRUE(check_address_is_free(listen.address).has_value());
    auto one = open_listening_socket(listen);
    auto two = open_listening_socket(listen);
    EXPECT_TRUE(one.has_value() && two.has_value());
    auto taken = check_address_is_free(listen.address);
    ASSERT_FALSE(taken.has_value());
    EXPECT_EQ(taken.error().number, EADDRINUSE);
}

TEST(Listener, the_v6_wildcard_leaves_v4_alone) {
    Listen v4 = free_port();
    auto one = open_listening_socket(v4);
    ASSERT_TRUE(one.has_value());
    Listen v6 = listen_on(("[::]:" + std::to_string(v4.address.port())).c_str());
    auto two = open_listening_socket(v6);
    if (!two && two.error().number == EAFNOSUPPORT) GTEST_SKIP() << "no IPv6 here";
    ASSERT_TRUE(two.has_value());
    EXPECT_EQ(option(two->get(), IPPROTO_IPV6, IPV6_V6ONLY), 1);
}

TEST(Listener, a_unix_socket_is_for_everybody_and_its_file_is_ours_to_remove) {
    std::string folder = testing::TempDir() + "listenXXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    std::string path = folder + "/socket";
    Listen listen = listen_on(("unix:" + path).c_str());
    {
        auto fd = open_listening_socket(listen);
        ASSERT_TRUE(fd.has_value()) << fd.error().call;
        struct stat status;
        ASSERT_EQ(stat(path.c_str(), &status), 0);
        EXPECT_EQ(status.st_mode & 0777, 0666u);
        EXPECT_EQ(open_listening_socket(listen).error().number, EADDRINUSE);
    }
    EXPECT_EQ(open_listening_socket(listen).error().number, EADDRINUSE);  // a stale file is not replaced
    remove_socket_file(listen.address);
    EXPECT_TRUE(open_listening_socket(listen).has_value());
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace ringx
