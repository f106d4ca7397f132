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
    const std::shared_ptr<Burial>& burial = generation->burial_;
    generation->loaded_ = buried(burial, std::make_shared<Loaded>(std::move(bundle), conf::Tree()));
    Loaded& loaded = *generation->loaded_;
    loaded.tree = conf::load(program.language, loaded.bundle, program.origin.options());
    if (loaded.tree.failed()) return generation;
    generation->logs().present_level()->keep_at(program.run_state.log_level());
    generation->logs().remember_in(program.recent_errors);

    std::shared_ptr<const conf::Tree> tree(generation->loaded_, &loaded.tree);
    for (const Protocol& protocol : program.protocols) {
        std::shared_ptr<const Site> made = protocol.make_site(tree);
        auto& site = generation->sites_.emplace_back(made ? buried(burial, std::move(made)) : nullptr);
        if (!site) continue;
        auto& listens = site->listens();
        generation->listens_.insert(generation->listens_.end(), listens.begin(), listens.end());
    }
    return generation;
}

}  // namespace ringx::proc
