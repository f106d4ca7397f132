// http/body_filter.h - how a filter changes the bytes of a body on their way to the client.
//
// A filter that changes bytes brings a BodyTransform; transform_body() puts it between the body, be it memory, a file
// or a source, and whoever sends. Memory is constant: the sender pulls, the transform fills one buffer, and the body is
// asked for more only when what it gave is used up. When a source has to wait, what has gone in comes out first, so
// that a slow body is as timely as without the filter. Whoever can change a small body in memory at once does so
// without this, and needs no coroutine.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/result.h"
#include "http/request.h"
#include "http/response.h"

namespace ringx::http {

class BodyTransform {
 public:
    virtual ~BodyTransform() = default;

    // What follows the input.
    enum class After : uint8_t {
        more,
        pause,  // nothing for a while: what went in is to come out now
        end,
    };

    // Takes bytes off `input` and writes into `room`; gives how many were written. When the room was not filled, all
    // of the input was taken, and at a pause or the end all of it has come out. After the end it gives nothing.
    virtual Result<size_t> step(std::string_view& input, After after, std::span<char> room) = 0;
};

// The body of the response, now the output of the transform, which lives in the request's arena. Its length is not
// known any more.
void transform_body(Request& request, Response& response, BodyTransform& transform);

// What a filter that changes the bytes has to take back of what was said about them: the length, the offer of ranges,
// and that the tag is a strong one.
void forget_identity(Request& request, Response& response);

// The body is in memory, in no more than one piece of at most `bytes_max` bytes.
bool is_small_in_memory(const Response& response, size_t bytes_max);

}  // namespace ringx::http
