// t/fuzz/replay.cc - runs one fuzz target over saved inputs, with any compiler.
//
// Linked with each target in place of libFuzzer, so that every run of the tests holds what fuzzing has found: each
// argument is an input file or a directory of them. The target itself says whether the answer is right, by CHECK.

#include "base/check.h"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;

int replayed = 0;

void replay(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    CHECK(file.is_open());
    std::string bytes(std::istreambuf_iterator<char>(file), {});
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    replayed++;
}

}  // namespace

int main(int count, char** names) {
    for (int i = 1; i < count; i++) {
        if (!fs::is_directory(names[i])) {
            replay(names[i]);
            continue;
        }
        for (auto& entry : fs::recursive_directory_iterator(names[i])) {
            if (entry.is_regular_file()) replay(entry.path());
        }
    }
    std::printf("%s: %d inputs\n", names[0], replayed);
    return replayed == 0;  // a target without a corpus proves nothing
}
