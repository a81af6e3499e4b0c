#include "tools/bench/push_account.hpp"

#include <algorithm>

namespace stadion::tools {

void push_account::delivered(std::uint64_t sequence, std::chrono::microseconds after,
                             bool is_measured) noexcept {
    if (is_measured) to_each_.record(after);
    event& one = events_[sequence % events_kept];
    if (one.sequence > sequence) return; // a later event has its entry
    if (one.sequence != sequence) {
        not_to_all_ += one.is_measured && one.deliveries != 0 && one.deliveries < subscribers_;
        one = {sequence, 0, {}, is_measured};
    }
    one.after_max = std::max(one.after_max, after);
    if (++one.deliveries == subscribers_ && is_measured) to_last_.record(one.after_max);
}

std::optional<std::uint64_t> sequence_of_event(std::string_view body) noexcept {
    constexpr char first_field_varint = 0x08;
    if (body.empty() || body.front() != first_field_varint) return std::nullopt;
    std::uint64_t sequence = 0;
    for (std::size_t i = 1; i < body.size() && i <= 10; ++i) {
        const auto byte = static_cast<unsigned char>(body[i]);
        sequence |= std::uint64_t{byte & 0x7fu} << (7 * (i - 1));
        if (byte < 0x80) return sequence;
    }
    return std::nullopt;
}

} // namespace stadion::tools
