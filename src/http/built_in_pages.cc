#include "http/built_in_pages.h"

#include "http/core_settings.h"
#include "http/status.h"

namespace ringx::http {

Response built_in_page(Request& request, uint16_t status) {
    Response response;
    response.status = sent_status(status);
    ErrorPage page = error_page(status);
    if (page.title.empty()) {
        if (status >= 200 && status != 204 && status != 304) response.content_length = 0;
        return response;
    }
    std::string_view detail_head = page.detail.empty() ? "" : "<center>";
    std::string_view detail_tail = page.detail.empty() ? "" : "</center>\r\n";
    std::string_view name = *request.core->server_tokens;
    response.content_type = "text/html";
    response.set_body(request.arena.join({"<html>\r\n<head><title>", page.title,
                                          "</title></head>\r\n<body>\r\n<center><h1>", page.heading,
                                          "</h1></center>\r\n", detail_head, page.detail, detail_tail, "<hr><center>",
                                          name, "</center>\r\n</body>\r\n</html>\r\n"}));
    return response;
}

}  // namespace ringx::http
