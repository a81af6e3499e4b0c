#include "wire/names.hpp"

#include "wire/utf8.hpp"

#include <string>

namespace stadion::wire {

result<void> check_name(std::string_view what, std::string_view name) {
    const auto refuse = [&](std::string_view why) {
        return make_error(status::invalid_argument, std::string(what) + " " + std::string(why));
    };
    if (name.empty()) return refuse("is empty");
    if (name.size() > name_bytes_max)
        return refuse("is " + std::to_string(name.size()) + " bytes long, at most 128 are allowed");
    if (!is_utf8(name)) return refuse("is not valid UTF-8");
    if (has_control_characters(name)) return refuse("holds a control character");
    return {};
}

} // namespace stadion::wire
