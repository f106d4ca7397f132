// http/core_settings.h - the directives of the http core, and their values in a block.
//
// The slot has an instance in every http, server, location and limit_except block. Times that a request waits are
// milliseconds.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "conf/language.h"
#include "http/file_cache.h"
#include "http/variables.h"
#include "http/version.h"
#include "net/resolver_rules.h"
#include "net/temp_paths.h"

namespace ringx::http {

class Answer;
class Request;

// One `error_page` line: these codes are answered with `target`.
struct ErrorPageRule {
    std::vector<uint16_t> codes;
    int overwrite = -1;  // =CODE; 0: the code of whatever the target answers; -1: the code that led here
    Template target;     // a path, @name or an absolute URL
};

struct MimeType {
    uint64_t key;                // the first eight characters of the extension: what they are ordered by
    std::string_view extension;  // lower case, without the dot
    std::string_view type;
};

// The content of a `types` block.
class MimeTypes {
 public:
    void add(std::string_view extension, std::string_view type);
    // Empty when there is none.
    std::string_view find(std::string_view extension) const;
    bool empty() const { return types_.empty(); }

 private:
    std::vector<MimeType> types_;  // those with the same key in the order they were written
};

// Whom keep-alive confuses: http/old_browsers.h.
enum class OldBrowser : uint8_t { none, msie6, safari };
constexpr std::array<conf::Choice<OldBrowser>, 3> choices(OldBrowser) {
    return {{{"none", OldBrowser::none}, {"msie6", OldBrowser::msie6}, {"safari", OldBrowser::safari}}};
}

struct CoreSettings {
    // How paths become files: the value of `root` or `alias`, absolute once evaluated, and then the URI without its
    // first `alias_bytes` bytes. With an alias in a regex location nothing of the URI is appended: alias_bytes is
    // npos.
    Template root;
    std::string_view root_prefix;  // goes before a value that turns out to be relative
    bool root_given = false;
    bool is_alias = false;
    size_t alias_bytes = 0;

    Setting<MimeTypes> types;
    Setting<std::string_view> default_type{"text/plain"};
    Setting<std::vector<ErrorPageRule>> error_pages;
    Setting<bool> recursive_error_pages{false};
    Setting<bool> internal{false};
    enum class Satisfy : uint8_t { all, any };
    Setting<Satisfy> satisfy{Satisfy::all};
    Setting<std::chrono::milliseconds> auth_delay{std::chrono::milliseconds(0)};

    Setting<bool> sendfile{true};  // nginx: off; what is sent is the same
    Setting<conf::Size> sendfile_max_chunk{conf::Size{2 << 20}};
    Setting<bool> tcp_nopush{true};  // nginx: off; an extra packet helps nobody
    Setting<bool> tcp_nodelay{true};
    Setting<bool> etag{true};
    enum class ModifiedSince : uint8_t { off, exact, before };
    Setting<ModifiedSince> if_modified_since{ModifiedSince::exact};
    Setting<uint32_t> max_ranges{~uint32_t{0}};
    Setting<bool> log_not_found{true};
    Setting<bool> log_subrequest{false};

    OpenRules open_rules;  // put together from the settings below when the block is complete
    struct FileCacheSize {
        bool on = false;
        uint32_t max = 0;
        std::chrono::milliseconds inactive{60'000};
    };
    Setting<FileCacheSize> open_file_cache;
    Setting<std::chrono::seconds> open_file_cache_valid{std::chrono::seconds(60)};
    Setting<uint32_t> open_file_cache_min_uses{1};
    Setting<bool> open_file_cache_errors{false};
    struct SymlinkRule {
        OpenRules::Symlinks symlinks = OpenRules::Symlinks::follow;
        Template from;
    };
    Setting<SymlinkRule> disable_symlinks;
    Setting<conf::Offset> directio{conf::Offset{~uint64_t{0}}};  // the largest: off
    Setting<conf::Offset> directio_alignment{conf::Offset{512}};

    // The Server field: "ringx/0.1.0", "ringx", a text of the administrator, or empty to leave it out.
    Setting<std::string_view> server_tokens{RINGX_SERVER_FIELD};

    Setting<std::chrono::milliseconds> client_header_timeout{std::chrono::seconds(60)};
    Setting<std::chrono::milliseconds> client_body_timeout{std::chrono::seconds(60)};
    Setting<std::chrono::milliseconds> send_timeout{std::chrono::seconds(60)};
    Setting<std::chrono::milliseconds> keepalive_timeout{std::chrono::seconds(75)};
    Setting<std::chrono::seconds> keepalive_header{std::chrono::seconds(0)};  // Keep-Alive: timeout=N; 0: none
    Setting<uint32_t> keepalive_requests{1000};
    Setting<std::chrono::milliseconds> keepalive_min_timeout{std::chrono::milliseconds(0)};
    Setting<conf::Flags<OldBrowser>> keepalive_disable{conf::Flags<OldBrowser>{OldBrowser::msie6}};
    Setting<std::chrono::milliseconds> keepalive_time{std::chrono::hours(1)};
    Setting<std::chrono::milliseconds> lingering_time{std::chrono::seconds(30)};
    Setting<std::chrono::milliseconds> lingering_timeout{std::chrono::seconds(5)};
    enum class Lingering : uint8_t { off, on, always };
    Setting<Lingering> lingering_close{Lingering::on};
    Setting<bool> reset_timedout_connection{false};
    Setting<std::vector<Template>> early_hints;  // passed on when one of them is neither empty nor 0
    Setting<Template> limit_rate;  // bytes a second; empty: no limit
    Setting<Template> limit_rate_after;
    Setting<bool> chunked_transfer_encoding{true};

    Setting<conf::Size> client_header_buffer_size{conf::Size{1024}};
    Setting<conf::Buffers> large_client_header_buffers{conf::Buffers{4, 8192}};
    Setting<uint32_t> max_headers{1000};
    Setting<bool> underscores_in_headers{false};
    Setting<bool> ignore_invalid_headers{true};
    Setting<bool> merge_slashes{true};
    Setting<conf::Offset> client_max_body_size{conf::Offset{1 << 20}};
    Setting<conf::Size> client_body_buffer_size{conf::Size{16384}};
    Setting<TempPath> client_body_temp_path;
    enum class BodyFile : uint8_t { off, on, clean };
    Setting<BodyFile> client_body_in_file_only{BodyFile::off};

    Setting<std::shared_ptr<const ResolverRules>> resolver;  // null: as the system looks names up
    Setting<std::chrono::milliseconds> resolver_timeout{std::chrono::seconds(30)};
    // Both together.
    std::shared_ptr<const ResolverRules> resolver_rules() const;

    Setting<bool> absolute_redirect{true};
    Setting<bool> port_in_redirect{true};
    Setting<bool> server_name_in_redirect{false};

    // The handler a directive of this location installed (proxy_pass …); null: the modules' respond functions in order.
    Answer (*handler)(Request&) = nullptr;
    bool wants_slash = false;  // who asks for the location's name without its last slash is told to add it

    void inherit(const CoreSettings& outer);  // root and alias; the rest is inherited by its rows
    void complete(conf::Completion& completion);
};

extern constinit conf::Slot<CoreSettings> core_settings;
extern const conf::Section core_section;

}  // namespace ringx::http
