#include "wire/position.hpp"

#include "wire/number.hpp"

namespace stadion::wire {
std::string to_text(const position& where) {
    return std::to_string(where.board) + '-' + std::to_string(where.sequence);
}

std::optional<position> parse_position(std::string_view text) noexcept {
    std::optional<std::uint64_t> board = 0;
    if (const auto dash = text.find('-'); dash != std::string_view::npos) {
        board = parse_number<std::uint64_t>(text.substr(0, dash));
        text.remove_prefix(dash + 1);
    }
    const auto sequence = parse_number<std::uint64_t>(text);
    if (!board || !sequence) return std::nullopt;
    return position{*board, *sequence};
}

} // namespace stadion::wire
