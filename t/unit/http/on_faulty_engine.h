// t/unit/http/on_faulty_engine.h - what tests of conversations over sockets share that lead them through each error.
//
// They run on both engines, each inside of one that can fail.
#pragma once

#include "t/unit/event/both_engines.h"
#include "t/unit/http/faulty_engine.h"

namespace ringx {

class OnFaultyEngine : public engine_test::BothEngines {
 protected:
    // Whoever has more to set up looks afterwards whether there is an engine.
    void SetUp() override {
        BothEngines::SetUp();
        if (IsSkipped()) return;
        engine = FaultyEngine::open(loop, settings);
        ASSERT_NE(engine, nullptr);
    }

    FaultyEngine* engine = nullptr;  // the loop's
};

}  // namespace ringx
