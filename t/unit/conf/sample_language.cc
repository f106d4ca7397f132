#include "t/unit/conf/sample_language.h"

#include <span>

namespace ringx::conf::sample {
namespace {

void open_http(Core&, Binding& binding) { binding.enter(http); }
void open_server(Core&, Binding& binding) { binding.enter(server); }
void open_location(Core&, Binding& binding) { binding.enter(location); }
void open_events(Core&, Binding& binding) { binding.enter(events); }

void read_types(Core& core, Binding& binding) {
    for (const Statement& statement : binding.children()) {
        for (const Word& word : std::span(statement.words).subspan(1)) {
            core.types.emplace_back(word.text, statement.words[0].text);
        }
    }
}

void set_pair(Settings& settings, Binding& binding) {
    if (settings.pair.given) return binding.duplicate();
    auto first = binding.parse<unsigned>(binding.words()[0]);
    auto second = binding.parse<unsigned>(binding.words()[1]);
    if (!first || !second) return;
    if (*first > *second) return binding.refuse("has its numbers in the wrong order", "the smaller one comes first");
    if (*first == *second) binding.warn(binding.words()[1], "both are the same");
    settings.pair.give(*first * 100 + *second);
}

constexpr Context everywhere = http | server | location;

constexpr Directive core_directives[] = {
    block<&open_http>("http", main, {0, 0}, "Opens http."),
    block<&open_events>("events", main, {0, 0}, "Opens events."),
    block<&open_server>("server", http, {0, 0}, "Opens a server."),
    block<&open_location>("location", server | location, {1, 2}, "Opens a location."),
    block<&read_types>("types", everywhere, {0, 0}, "Maps endings to types."),
    accepted("multi_accept", events, {1, 1}, "The kernel decides."),
    accepted<unsigned>("types_hash_max_size", everywhere, "Tables grow by themselves."),
};

constexpr Directive directives[] = {
    value<&Settings::root>("root", everywhere, "Where files are."),
    value<&Settings::sendfile>("sendfile", everywhere, "Uses sendfile."),
    value<&Settings::level>("level", everywhere, "How hard.").between(1, 9),
    value<&Settings::priority>("priority", main, "How soon.").at_least(-20),
    value<&Settings::buffer>("buffer", everywhere, "How much."),
    value<&Settings::body_max>("body_max", everywhere, "How much at most."),
    value<&Settings::timeout>("timeout", everywhere, "How long."),
    value<&Settings::expires>("expires", everywhere, "How old."),
    value<&Settings::buffers>("buffers", everywhere, "How many."),
    value<&Settings::balance>("balance", everywhere, "Who is next."),
    value<&Settings::allowed>("allowed", everywhere, "Who may be next."),
    list<&Settings::index>("index", everywhere, "Files for directories."),
    value<&Settings::answer>("answer", everywhere, "Said at once.").not_inherited(),
    custom<&set_pair, &Settings::pair>("pair", everywhere, {2, 2}, "Two numbers.").shown_as("low high"),
};

constexpr Directive watched_directives[] = {
    value<&Watched::tag>("tag", server | location, "A name."),
};

constinit Slot<Core> core;

}  // namespace

constinit Slot<Settings> settings;
constinit Slot<Watched> watched;

void Watched::inherit(const Watched& outer) { path = outer.path; }

void Watched::complete(Completion& completion) {
    path += '/';
    path += *tag;
    if (*tag == "bad") completion.mistake(completion.block().place(), "tag \"bad\" is bad", "try another");
    if (*tag == "odd") completion.warn("tag \"odd\" is odd");
}

const Language& language() {
    static const Section sections[] = {
        {"core", core_directives, &core}, {"sample", directives, &settings}, {"watched", watched_directives, &watched}};
    static const Language language(sections);
    return language;
}

Tree load_bundle(Bundle& bundle, std::string_view globals) {
    return load(language(), bundle, {.conf_path = "/conf/server.conf", .prefix = "/prefix/", .globals = globals});
}

Tree load_text(std::string_view text, std::string_view globals) {
    Bundle bundle = Bundle::in_memory();
    bundle.add("/conf/server.conf", std::string(text));
    return load_bundle(bundle, globals);
}

std::vector<std::string> lines(const std::vector<Mistake>& mistakes) {
    std::vector<std::string> texts;
    for (const Mistake& mistake : mistakes) texts.push_back(mistake.line());
    return texts;
}

}  // namespace ringx::conf::sample
