// http/server_settings.h - the blocks of http: servers with their addresses and names, locations with their paths.
//
// These settings only record what was written and refuse what contradicts itself; http/site.h makes of them what a
// request is routed by.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "conf/language.h"
#include "http/regex.h"
#include "net/listener.h"

namespace ringx {
class TlsContext;
}

namespace ringx::http {

struct NamedCertificates;

// One name of `server_name`.
struct ServerName {
    enum class Kind : uint8_t {
        exact,    // example.com, or empty
        suffix,   // *.example.com; the text is ".example.com"
        prefix,   // www.example.*; the text is "www.example."
        regex,    // ~pattern
    };
    Kind kind = Kind::exact;
    std::string_view text;  // lower case
    std::shared_ptr<const Regex> regex;

    // Whether a host, in lower case, is called so.
    bool matches(std::string_view host) const;
};

// One `listen` of a server.
struct ListenHere {
    std::string key;
    conf::Word word;
};

struct ServerSettings {
    std::vector<ListenHere> listens;
    std::vector<ServerName> names;
    std::shared_ptr<const TlsContext> tls;  // how it speaks TLS; null when it cannot
    std::shared_ptr<const NamedCertificates> named_certificates;  // beside those of `tls`; null when there are none
    bool needs_client_certificate = false;
    bool takes_connect = false;  // some location of it opens tunnels (tunnel_pass)
    std::string_view first_name;  // $server_name: in lower case, without a leading dot

    void complete(conf::Completion& completion);
};

// The name of a location block.
struct LocationName {
    enum class Kind : uint8_t {
        none,      // the block is a server
        prefix,    // /path
        final,     // ^~ /path: no regex after it
        exact,     // = /path
        regex,     // ~ pattern, ~* pattern
        named,     // @name
    };
    Kind kind = Kind::none;
    std::string_view text;
    std::shared_ptr<const Regex> regex;
};

struct LocationSettings {
    LocationName name;
    // The methods a limit_except in the location does not apply to, as bits; 0: it has none.
    uint32_t exempt_methods = 0;
};

// Whether TLS is spoken on an address.
enum class ListenTls : uint8_t {
    off,
    on,
    optional,  // with who begins with it; with others plain HTTP
};

// What the servers of a configuration say together about one address.
struct ListenAddress {
    Listen listen;
    bool options_given = false;
    bool proxy_protocol = false;     // said by any of its servers
    ListenTls tls = ListenTls::off;  // likewise
    const conf::Block* default_server = nullptr;  // the one marked so, or null
    std::set<std::pair<ServerName::Kind, std::string_view>> names;  // of all its servers
};

// Of the main block.
struct HttpSettings {
    conf::Block* http = nullptr;
    std::map<std::string, ListenAddress> addresses;  // by key
};

extern constinit conf::Slot<ServerSettings> server_settings;
extern constinit conf::Slot<LocationSettings> location_settings;
extern constinit conf::Slot<HttpSettings> http_settings;

extern const conf::Section http_section;
extern const conf::Section server_section;
extern const conf::Section location_section;

}  // namespace ringx::http
