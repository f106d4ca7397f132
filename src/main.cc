// main.cc - introduces the rooms to each other: the language of all modules, the protocols, and the processes.
//
// Everything is put together here and handed over; nothing is decided. Order is policy: sections and modules are listed
// from the outside in, and modules/list.cc orders those of http.
#include <string_view>
#include <vector>

#include "conf/language.h"
#include "http/core_settings.h"
#include "http/module.h"
#include "http/protocol.h"
#include "net/error_log.h"
#include "net/openssl_memory.h"
#include "net/system_needs.h"
#include "net/temp_paths.h"
#include "net/ticket_keys.h"
#include "net/worker_rights.h"
#include "net/zones.h"
#include "proc/command_line.h"
#include "proc/core_settings.h"
#include "proc/journal.h"
#include "proc/start.h"

namespace {

std::vector<ringx::conf::Section> sections() {
    using namespace ringx;
    std::vector<conf::Section> all = {proc::core_section, proc::events_section, log_files_section, named_zones_section,
                                      error_log_section, temp_paths_section, ticket_life_section,
                                      worker_rights_section, system_needs_section};
    for (const conf::Section* section : http::sections()) all.push_back(*section);
    for (const http::Module* module : http::modules()) {
        all.push_back({module->name, module->directives, module->settings});
    }
    return all;
}

}  // namespace

int main(int argc, char** argv) {
    using namespace ringx;
    proc::open_standard_descriptors();
    lend_openssl_memory();
    std::vector<std::string_view> arguments(argv + (argc > 0), argv + argc);
    auto line = proc::CommandLine::parse(arguments);
    if (!line) {
        proc::tell(line.error());
        return 1;
    }
    std::vector<conf::Section> all = sections();
    conf::Language language(all);
    std::vector<std::string_view> modules;
    for (const http::Module* module : http::modules()) modules.push_back(module->name);
    const Protocol protocols[] = {http::protocol};
    proc::ProcessTitle title(argc, argv);
    return proc::start(*line, {.language = language, .protocols = protocols, .modules = modules}, title);
}
