#include "proc/generation.h"

namespace ringx::proc {

conf::Bundle Origin::open_bundle() const {
    conf::Bundle bundle = conf::Bundle::from_disk();
    bundle.add(default_error_log_path, error_log);
    if (text) bundle.add(conf_path, *text);
    return bundle;
}

std::shared_ptr<Generation> Generation::build(const Program& program, conf::Bundle bundle) {
    auto generation = std::make_shared<Generation>();
    generation->loaded_ = std::make_shared<Loaded>(std::move(bundle), conf::Tree());
    Loaded& loaded = *generation->loaded_;
    loaded.tree = conf::load(program.language, loaded.bundle, program.origin.options());
    if (loaded.tree.failed()) return generation;

    std::shared_ptr<const conf::Tree> tree(generation->loaded_, &loaded.tree);
    for (const Protocol& protocol : program.protocols) {
        auto& site = generation->sites_.emplace_back(protocol.make_site(tree));
        if (!site) continue;
        auto& listens = site->listens();
        generation->listens_.insert(generation->listens_.end(), listens.begin(), listens.end());
    }
    return generation;
}

}  // namespace ringx::proc
