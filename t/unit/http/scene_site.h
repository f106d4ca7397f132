// http/scene_site.h - sites for the tests of conversations: from a text to a site, as main.cc and the master do it.
//
// The language is the server's own, without what belongs to processes, and one directive more: `handler NAME;` puts a
// handler of the tests in the place of the modules. Error logs are opened, so that a test may read them.
//     now     answers at once with a text
//     later   answers after one operation of the engine, with what it then sees of the request's head
//     echo    answers with the request's body
//     hold    answers with the request's body, held and read twice, and says where it was kept
//     pieces  memory, a range of the file $document_root/large, memory
//     source  the same from a BodySource, of unknown length; `counted` announces it
//     never   nothing, and closes
//     peers   how many connections the peers of an upstream have, which the query names; how many requests wait for
//             them; how many idle connections the worker keeps
#pragma once

#include <memory>
#include <string_view>

#include "conf/load.h"
#include "http/site.h"

namespace ringx::http {

// The tree of these main-level directives; fails the test, and gives null, when there is a mistake.
std::shared_ptr<const conf::Tree> scene_tree(std::string_view configuration);

// A site with `configuration` inside its http block.
std::shared_ptr<const Site> scene_site(std::string_view configuration);

// A directory for the files of this process, removed at its end. It holds
//     small   "small\n"
//     large   large_bytes bytes, none of which is like its neighbours
const std::string& scene_directory();
std::string_view large_text();
inline constexpr size_t large_bytes = 1 << 20;

}  // namespace ringx::http
