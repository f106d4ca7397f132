// request_tape_test.cc - batches of requests: whichever target they begin with, the next follow in turn.
//
// Requests are single letters here.
#include "bench/request_tape.h"

#include <gtest/gtest.h>

using ringx::bench::RequestTape;

TEST(RequestTape, a_batch_begins_with_any_target_and_goes_round) {
    RequestTape tape({"a", "bb", "c"}, 4);
    EXPECT_EQ(tape.batch(0, 1), "a");
    EXPECT_EQ(tape.batch(1, 1), "bb");
    EXPECT_EQ(tape.batch(0, 4), "abbca");
    EXPECT_EQ(tape.batch(2, 4), "cabbc");
    EXPECT_EQ(tape.next(2), 0u);
    EXPECT_EQ(tape.next(1, 4), 2u);
}

TEST(RequestTape, a_single_target_is_asked_again_and_again) {
    RequestTape tape({"xy"}, 3);
    EXPECT_EQ(tape.targets(), 1u);
    EXPECT_EQ(tape.batch(0, 3), "xyxyxy");
    EXPECT_EQ(tape.next(0), 0u);
}
