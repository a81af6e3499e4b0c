#include "wire/names.hpp"

#include <algorithm>
#include <string>

namespace stadion::wire {

bool is_utf8(std::string_view text) noexcept {
    std::size_t i = 0;
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    while (i < text.size()) {
        const auto first = byte(i);
        if (first < 0x80) {
            ++i;
            continue;
        }
        const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
        if (first < 0xc2 || first > 0xf4 || i + length > text.size()) return false;
        for (std::size_t k = 1; k < length; ++k)
            if ((byte(i + k) & 0xc0) != 0x80) return false;
        const auto second = byte(i + 1);
        if (first == 0xe0 && second < 0xa0) return false; // overlong
        if (first == 0xed && second > 0x9f) return false; // a surrogate
        if (first == 0xf0 && second < 0x90) return false; // overlong
        if (first == 0xf4 && second > 0x8f) return false; // beyond U+10FFFF
        i += length;
    }
    return true;
}

result<void> check_name(std::string_view what, std::string_view name) {
    const auto refuse = [&](std::string_view why) {
        return make_error(status::invalid_argument, std::string(what) + " " + std::string(why));
    };
    if (name.empty()) return refuse("is empty");
    if (name.size() > name_bytes_max)
        return refuse("is " + std::to_string(name.size()) + " bytes long, at most 128 are allowed");
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    if (std::any_of(name.begin(), name.end(), is_control)) return refuse("holds a control character");
    if (!is_utf8(name)) return refuse("is not valid UTF-8");
    return {};
}

} // namespace stadion::wire
