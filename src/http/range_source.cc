#include "http/range_source.h"

#include <algorithm>

namespace ringx::http {

Task<Result<std::string_view>> RangeSource::next() {
    for (;;) {
        if (left_ == 0) co_return std::string_view();
        Result<std::string_view> part = co_await whole_.next();
        if (!part || part->empty()) co_return part;
        uint64_t passed = std::min<uint64_t>(before_, part->size());
        before_ -= passed;
        std::string_view bytes = part->substr(passed);
        bytes = bytes.substr(0, std::min<uint64_t>(left_, bytes.size()));
        left_ -= bytes.size();
        if (!bytes.empty()) co_return bytes;
    }
}

}  // namespace ringx::http
