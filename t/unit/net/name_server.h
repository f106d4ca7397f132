// net/name_server.h - a name server in a thread, that says what a test wants: over datagrams and over TCP.
//
// A test gives zones as text, and a function that may change, drop or multiply what is sent for a question.
#pragma once

#include <arpa/inet.h>
#include <poll.h>

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "net/address.h"

namespace ringx {

struct Asked {
    std::string name;
    unsigned type = 0;
    bool is_tcp = false;
    uint16_t port = 0, id = 0;
    std::string question;  // as it was sent
};

struct Told {
    std::string owner;
    unsigned type;
    uint32_t ttl;
    std::string data;
};

class NameServer {
 public:
    using Replies = std::vector<std::string>;

    NameServer();
    ~NameServer();

    Address address() const { return address_; }
    // What there is: "name type" to records, in any order.
    void knows(Told record);
    // From now on this makes the messages to be sent, of the one that would be right.
    void does(std::function<Replies(const Asked&, std::string right)> change);
    std::vector<Asked> asked() const;

    static std::string wire(std::string_view name);
    static std::string v4(const char* address);
    static std::string v6(const char* address);
    static std::string service(unsigned priority, unsigned weight, unsigned port, std::string_view host);
    static Replies once(std::string message) { return {std::move(message)}; }

 private:
    void serve();
    void serve_stream();
    Replies replies(const std::string& query, bool is_tcp, uint16_t port);
    std::string answer(const Asked& asked) const;

    mutable std::mutex mutex_;
    std::vector<Told> records_;
    std::vector<Asked> asked_;
    std::function<Replies(const Asked&, std::string)> change_;
    Fd datagrams_, listener_;
    Address address_;
    std::atomic<bool> over_ = false;
    std::thread thread_;
};

}  // namespace ringx
