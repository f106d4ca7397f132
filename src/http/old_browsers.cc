#include "http/old_browsers.h"

namespace ringx::http {
namespace {

bool says(std::string_view agent, std::string_view name) { return agent.find(name) != std::string_view::npos; }

// Versions 4 to 6, but for the mended 6 of XP's service pack.
bool is_msie6(std::string_view agent) {
    size_t at = agent.find("MSIE ");
    if (at == std::string_view::npos || says(agent, "Opera")) return false;
    std::string_view version = agent.substr(at + 5);
    if (version.size() < 3 || version[1] != '.') return false;
    return version[0] == '4' || version[0] == '5' || (version[0] == '6' && !says(version, "SV1"));
}

bool is_safari(std::string_view agent) {
    if (says(agent, "Opera") || says(agent, "MSIE ") || says(agent, "Gecko/") || says(agent, "Chrome/")) return false;
    return says(agent, "Safari/") && says(agent, "Mac OS X");
}

}  // namespace

bool is_confused_by_keep_alive(const Request& request, conf::Flags<OldBrowser> disabled) {
    using enum OldBrowser;
    if (request.method() == Method::post && disabled.has(msie6)) {
        if (is_msie6(request.head.value(Header::user_agent))) return true;
    }
    return disabled.has(safari) && is_safari(request.head.value(Header::user_agent));
}

}  // namespace ringx::http
