// net/tls_channel.h - one side of a TLS connection, as a Stream has it: bytes of the network in, bytes above out.
//
// Here is what both sides have in common: what was received and not yet used, what was made and the socket has not
// taken, and how OpenSSL reads, writes and seals for as long as it is asked to.
// The Receiver of the connection reads through it. What is to be sent leaves through the socket at once as far as it
// takes it; the rest waits here, and push() goes on with it. What the handshake has to say always waits, so that it
// leaves together. Without a socket all of it waits: for tests.
// Buffers are given back while a connection is idle.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "event/wait.h"
#include "net/openssl.h"
#include "net/parts.h"

namespace ringx {

// What comes behind something that is sent.
enum class Follows : uint8_t {
    nothing,  // it leaves now
    others,   // of other connections, in this turn: it may leave together with them
    more,     // at once: they may share a packet
    end,      // of the connection, at once: the last bytes may share a packet with it
};

class TlsChannel : public ReceiveFilter {
 public:
    TlsChannel(const TlsChannel&) = delete;
    TlsChannel& operator=(const TlsChannel&) = delete;

    enum class Progress : uint8_t { done, hungry, failed };

    // For those who want more of the handshake than goes on here: until it is settled.
    SSL* handshake() const { return ssl_.get(); }
    // Why it failed: " (SSL: …)".
    const std::string& fault() const { return fault_; }
    // The first error of OpenSSL's behind it; 0: none.
    unsigned long fault_code() const { return fault_code_; }

    // What was received; before the handshake is done by its caller, then by the Receiver.
    void push(Lease lease) override;
    State state() override;
    // Lets go of what was received, when all of it is used, and of the buffer when others need it. From the loop's
    // thread.
    void give_back();
    Result<Lease> take() override;

    // Encrypts as much as is worth sending together, and sends it as far as the socket takes it. Returns how much was
    // taken, which is all gone or waits here. `now_ms` is the loop's clock.
    size_t send(std::span<const iovec> parts, Follows follows, uint64_t now_ms);
    // Sends what waits. False: some of it still does; error() tells when that will not change.
    virtual bool push();
    virtual bool has_unsent() const { return !unsent_.empty(); }
    // What waits does so to leave with what comes next: the last words of the handshake, or a last answer.
    bool holds_back() const { return holds_back_ && !unsent_.empty(); }
    int error() const { return error_; }
    std::string_view unsent() const { return unsent_; }
    // Where there is no socket, its user sends what waits.
    std::string take_unsent() { return std::exchange(unsent_, {}); }

    // Says that no more will be sent.
    virtual void send_close_notify();
    // The other side said that no more will come. A stream that ends without this was cut off.
    bool is_closed() const { return closed_; }

    // What is sent on the socket leaves as records, without send().
    bool kernel_seals() const { return kernel_seals_; }

 protected:
    TlsChannel(SSL_CTX* context, int socket);

    static TlsChannel& of(const SSL* ssl) { return *static_cast<TlsChannel*>(SSL_get_app_data(ssl)); }

    // What was received and not yet used.
    std::string_view rest() const { return received_.view().substr(read_); }
    // As SSL_read(). 0 before the handshake is settled: there is nothing, and it goes on.
    virtual int read_some(char* to, size_t bytes);
    // As SSL_write_ex().
    virtual bool write_some(std::string_view bytes);
    virtual void write(std::string_view bytes);
    Progress do_handshake();
    void read_with_openssl();
    void take_fault();
    // How much goes into the next record.
    virtual size_t record_bytes() const;
    virtual size_t send_parts(PartReader& parts) { return send_with_openssl(parts); }
    size_t send_with_openssl(PartReader& parts);
    // OpenSSL is not asked any more. Whatever has ended the connection, its session may be resumed.
    void end_openssl();

    // What is encrypted at a time: several records leave before the socket is asked again, and what it does not take
    // is held in memory.
    static constexpr size_t send_bytes_max = 64 * 1024;
    static constexpr size_t small_record_bytes = 4096;

    OwnedSsl ssl_;
    int socket_;
    int error_ = 0;  // of the last send that failed for good
    Lease received_;  // not yet decrypted, from read_ on
    size_t read_ = 0;
    Lease plain_;  // decrypted, not yet taken
    std::string unsent_;
    std::string fault_;
    unsigned long fault_code_ = 0;
    uint64_t streamed_ = 0;  // bytes sent without a pause
    State state_ = State::hungry;
    Follows follows_ = Follows::nothing;
    bool is_settled_ = false;  // the handshake is over
    bool kernel_seals_ = false;
    bool closed_ = false;

 private:
    friend struct TlsBio;

    int read(char* to, size_t bytes);
    int send_flags() const;

    bool holds_back_ = false;
    uint64_t sent_at_ms_ = 0;
};

}  // namespace ringx
