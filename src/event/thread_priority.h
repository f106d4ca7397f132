// event/thread_priority.h - who goes first when a loop shares its CPU with threads of its own process.
//
// Both are hints to the fair scheduler about the calling thread; where it refuses them the threads are equals.
#pragma once

namespace ringx {

// A loop runs for microseconds at a time: woken, it need not wait until another's time slice is over.
void go_first();
// For work that takes its time.
void stand_back();

}  // namespace ringx
