// http/file_body.h - how an open file becomes the body of a response, and how a body of pieces is read piece by piece.
//
// A small file is read into memory when the kernel has it in its own, so that head and body leave in one send and the
// descriptor is closed at once; a large one leaves by sendfile. A file the administrator keeps out of the
// page cache (directio) is read through aligned buffers.
#pragma once

#include "event/loop.h"
#include "http/open_file.h"
#include "http/request.h"
#include "http/response.h"

namespace ringx::http {

// The whole file as the body: pieces, content_length and file.
// REQUIRES: it is a regular file.
void set_file_body(Request& request, Response& response, FileRef file);

// A source of the bytes of the response's pieces, in the request's arena: for filters that change a body and senders
// that cannot send files. The response keeps its file and its length, and has no pieces any more.
// REQUIRES: response.source is null.
BodySource* read_pieces(Request& request, Response& response);

}  // namespace ringx::http
