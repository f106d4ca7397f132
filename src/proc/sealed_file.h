// proc/sealed_file.h - bytes for other processes, in a file of memory.
//
// The file is passed as a descriptor and belongs to no file system. Once sealed nobody can change it, not even its
// maker, so whoever gets it may read it at leisure.
#pragma once

#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace ringx::proc {

Result<Fd> seal(std::string_view bytes);
Result<std::string> read_sealed(int fd);

}  // namespace ringx::proc
