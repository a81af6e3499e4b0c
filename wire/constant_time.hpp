// Compares secrets.
#pragma once

#include <string_view>

namespace stadion::wire {

// Without saying by its duration where the two differ. `given` comes from outside.
inline bool equal_in_constant_time(std::string_view secret, std::string_view given) noexcept {
    unsigned difference = secret.size() == given.size() ? 0 : 1;
    for (std::size_t i = 0; i < given.size(); ++i) {
        const char expected = secret.empty() ? '\0' : secret[i % secret.size()];
        difference |= static_cast<unsigned char>(given[i]) ^ static_cast<unsigned char>(expected);
    }
    return difference == 0;
}

} // namespace stadion::wire
