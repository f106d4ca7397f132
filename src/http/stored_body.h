// http/stored_body.h - `proxy_store` and its likes: a body that is kept in a file while it is sent.
//
// What comes is written to a file of its own beside the place it is for, and takes that place in one step when the body
// has come whole. So nobody ever finds half of it: what was cut off, or could not be written, leaves nothing behind.
// A body that cannot be kept is sent all the same.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "conf/language.h"
#include "http/request.h"
#include "http/response.h"
#include "http/temp_file.h"
#include "http/variables.h"

namespace ringx::http {

// Where bodies are kept.
struct StorePlace {
    enum class Kind : uint8_t { off, on, path } kind = Kind::off;  // on: where the request's file would be
    Template path;
};

// Read on | off | PATH, and USERS:PERMISSIONS ...
void read_store_place(Setting<StorePlace>& setting, conf::Binding& binding);
void read_store_access(Setting<mode_t>& setting, conf::Binding& binding);

// From now on the response's body is kept as well, unless the place is `off`. REQUIRES: it is a 200 to a GET, with the
// body as the server gave it.
void store_body(Request& request, const StorePlace& place, mode_t access, Response& response);

class StoredBody final : public BodySource {
 public:
    struct Goal {
        std::string_view path;
        mode_t access;
        int64_t last_modified;  // -1: not known
    };
    // `whole` is what is read; null: there is only `memory`. All of it outlives this.
    StoredBody(Request& request, const Goal& goal, std::string_view memory, BodySource* whole)
        : request_(request), goal_(goal), memory_(memory), whole_(whole) {}

    Task<Result<std::string_view>> next() override;
    void stalled() override;
    void cancel() override;
    Task<void> close() override;

 private:
    Task<Result<>> open();
    Task<Result<>> write(std::string_view bytes);
    Task<Result<>> finish();
    void give_up(const Error& error);

    Request& request_;
    Goal goal_;
    std::string_view memory_;
    BodySource* whole_;
    TempFile file_;
    uint64_t bytes_ = 0;
    bool has_failed_ = false;
    bool has_ended_ = false;
};

}  // namespace ringx::http
