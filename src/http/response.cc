#include "http/response.h"

#include "http/text.h"

namespace ringx::http {

const ResponseField* ResponseFields::find(std::string_view name) const {
    const ResponseField* field = first_;
    while (field != nullptr && !equals_ignore_case(field->name, name)) field = field->next;
    return field;
}

void ResponseFields::remove(std::string_view name) {
    for (ResponseField** place = &first_; *place != nullptr;) {
        ResponseField& field = **place;
        if (equals_ignore_case(field.name, name)) {
            *place = field.next;
        } else {
            place = &field.next;
        }
    }
}

}  // namespace ringx::http
