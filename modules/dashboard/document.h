// modules/dashboard/document.h - the page as it is sent: one document, and what its browser is allowed to do with it.
//
// Style and script stand in the document, so that there is one thing to ask for wherever it is. The policy admits these
// two by their hashes and nothing else that runs or looks; the page may ask its own origin only.
#pragma once

#include <string>
#include <string_view>

namespace ringx::http::dashboard {

struct Document {
    std::string html;
    std::string policy;  // Content-Security-Policy
    std::string etag;    // with quotes

    // `api` is where the API is, as a reference relative to the page.
    explicit Document(std::string_view api);
};

}  // namespace ringx::http::dashboard
