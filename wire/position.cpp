#include "wire/position.hpp"

#include <charconv>

namespace stadion::wire {
namespace {

bool read(std::string_view text, std::uint64_t& value) noexcept {
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    return !text.empty() && failure == std::errc{} && end == text.data() + text.size();
}

} // namespace

std::string to_text(const position& where) {
    return std::to_string(where.board) + '-' + std::to_string(where.sequence);
}

std::optional<position> parse_position(std::string_view text) noexcept {
    position where;
    if (const auto dash = text.find('-'); dash != std::string_view::npos) {
        if (!read(text.substr(0, dash), where.board)) return std::nullopt;
        text.remove_prefix(dash + 1);
    }
    if (!read(text, where.sequence)) return std::nullopt;
    return where;
}

} // namespace stadion::wire
