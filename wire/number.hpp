// A whole text as a number, or nothing: no sign before unsigned numbers, no space, nothing behind it, no
// number that does not fit.
#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>

namespace stadion::wire {

template <std::integral Number>
std::optional<Number> parse_number(std::string_view text) noexcept {
    Number value{};
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

} // namespace stadion::wire
