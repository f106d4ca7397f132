#include "http/turn_files.h"

#include <bit>
#include <functional>

namespace ringx::http {

unsigned TurnFiles::place_of(std::string_view path) {
    return static_cast<unsigned>(std::hash<std::string_view>()(path) % places_max);
}

FileRef TurnFiles::find(std::string_view path, uint64_t direct_from) const {
    if (taken_ == 0) return {};
    const Place& place = places_[place_of(path)];
    bool is_same = place.file && place.path == path && place.direct_from == direct_from;
    return is_same ? place.file : FileRef();
}

void TurnFiles::keep(std::string_view path, uint64_t direct_from, const FileRef& file) {
    unsigned number = place_of(path);
    Place& place = places_[number];
    place.path = path;
    place.direct_from = direct_from;
    place.file = file;
    taken_ |= uint32_t{1} << number;
    if (!linked()) loop_.defer(*this);
}

void TurnFiles::forget() {
    for (; taken_ != 0; taken_ &= taken_ - 1) places_[static_cast<unsigned>(std::countr_zero(taken_))].file = {};
}

}  // namespace ringx::http
