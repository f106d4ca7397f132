// http/response.h - what a handler gives back: a status, fields and a body.
//
// A body is nothing, pieces of memory and of one file in the order they are sent, or a source that is pulled from. A
// file range that no filter touched leaves by sendfile. Everything a response points to lives in the request's arena,
// in the generation, or is held by the response itself.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "base/arena.h"
#include "base/result.h"
#include "event/task.h"
#include "http/open_file.h"

namespace ringx::http {

class Request;
class Tunnel;

// A field of the response beside those with a member of their own.
struct ResponseField {
    std::string_view name;
    std::string_view value;
    ResponseField* next = nullptr;
};

// Fields in order, in the arena of the request.
class ResponseFields {
 public:
    void add(Arena& arena, std::string_view name, std::string_view value) {
        *end_place() = arena.make<ResponseField>(name, value, nullptr);
    }
    const ResponseField* first() const { return first_; }
    bool empty() const { return first_ == nullptr; }

    // The first field of this name, in any case; null when there is none.
    const ResponseField* find(std::string_view name) const;
    // Takes out all fields of this name.
    void remove(std::string_view name);

 private:
    ResponseField** end_place() {
        ResponseField** place = &first_;
        while (*place != nullptr) place = &(*place)->next;
        return place;
    }

    ResponseField* first_ = nullptr;
};

// A part of a body: bytes in memory, or a range of the response's file.
struct Piece {
    std::string_view memory;   // used when bytes_of_file is 0
    uint64_t offset = 0;
    uint64_t bytes_of_file = 0;

    uint64_t size() const { return bytes_of_file > 0 ? bytes_of_file : memory.size(); }
};

// A body that is made while it is sent. It lives in the request's arena. Before the first call of next() it waits for
// nothing, so one that nobody asked needs no end.
class BodySource {
 public:
    virtual ~BodySource() = default;
    // The next bytes, valid until the next call; empty at the end. An error aborts the connection: the status has left.
    virtual Task<Result<std::string_view>> next() = 0;
    // Before the first next(): whether bytes may go to a socket that takes them as they are, without passing through
    // memory.
    virtual bool can_move() { return false; }
    // Whether there are such bytes now, behind what next() has just given; then move_to() comes before the next call
    // of that.
    virtual bool begin_move() { return false; }
    // Moves what is here to the socket, without waiting: how many bytes; 0: next() has what follows. An error is the
    // socket's; after EAGAIN, which says that it is full, the next call is this one again.
    virtual Result<size_t> move_to(int /*socket*/) { return size_t{0}; }
    // The client takes nothing for now: a source that has bytes coming in may keep them meanwhile.
    virtual void stalled() {}
    // A next() that waits for others than the disk is to end soon, with ECANCELED: the connection is gone.
    virtual void cancel() {}
    // Nobody will ask for more, before the end or after it. What goes on between two calls of next() is ended here.
    // REQUIRES: no next() is awaited.
    virtual Task<void> close() { co_return; }
};

struct Response {
    uint16_t status = 200;
    std::string_view reason;                   // of another server; empty: the usual one of the status
    std::string_view server, date;             // likewise; empty: our own
    std::string_view content_type;
    std::optional<uint64_t> content_length;    // unset: chunked, or until the end of the connection; of a HEAD too
    int64_t last_modified = -1;                // seconds since 1970
    std::string_view last_modified_text;       // the same, printed; may be empty although last_modified is set
    std::string_view etag;                     // with quotes
    std::string_view location;
    bool ranges_allowed = false;               // ranges may be cut out of it: Accept-Ranges
    bool single_range = false;                 // but not several at once
    bool is_foreign = false;                   // another server's: what it says is not for us to judge
    bool length_is_unknown = false;            // of a foreign one to HEAD
    bool keep_alive = true;                    // false: the connection ends with this response
    ResponseFields fields;
    // Makes the fields that follow the body, once it has been sent; null when none do.
    ResponseFields (*make_trailers)(Request&) = nullptr;
    ResponseFields trailers;                   // what it made

    std::span<const Piece> pieces;             // in the arena, or:
    Piece single;                              // a body of one piece, when `pieces` is empty and this is not
    FileRef file;                              // what pieces of a file are ranges of; also keeps cached bytes alive
    BodySource* source = nullptr;
    std::unique_ptr<Tunnel>* tunnel = nullptr;  // what the connection becomes with it; taken out when it does

    // The body is one piece; content_length becomes its size.
    void set_body(const Piece& piece) {
        single = piece;
        pieces = {};
        content_length = piece.size();
    }
    void set_body(std::string_view text) { set_body(Piece{text, 0, 0}); }
    bool has_pieces() const { return !pieces.empty() || single.size() > 0; }
};

}  // namespace ringx::http
