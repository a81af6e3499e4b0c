#include "dispatcher/core/writer_seat.hpp"

#include <algorithm>

namespace stadion::dispatcher {

wire::result<void> writer_seat::may_enter(std::uint64_t board, bool is_child,
                                          balancer::time_point now) const {
    if (record_.epoch == 0 || board == record_.board) return {};
    const auto who = "database server " + std::to_string(record_.server_id) + " with board " +
                     std::to_string(record_.board);
    if (taken_)
        return wire::make_error(wire::status::failed_precondition,
                                who + " writes for this fleet; one with another board, " +
                                    std::to_string(board) + ", is not taken in beside it");
    if (is_child || retired_ || now - empty_since_ >= replace_after) return {};
    const auto left = std::chrono::ceil<std::chrono::seconds>(replace_after - (now - empty_since_));
    auto failure = wire::make_error(
        wire::status::failed_precondition,
        who + " wrote for this fleet and is away; one with another board, " + std::to_string(board) +
            ", is taken in its place if it has not come back in " + std::to_string(left.count()) + " s");
    failure.retry_after = left;
    return failure;
}

std::uint64_t writer_seat::take(std::uint32_t server_id, const wire::position& has) {
    const bool same_board = record_.epoch != 0 && record_.board == has.board;
    const auto seen = same_board ? record_.sequence : 0;
    if (!same_board || record_.server_id != server_id) ++record_.epoch;
    record_.server_id = server_id;
    record_.board = has.board;
    record_.sequence = std::max(seen, has.sequence);
    taken_ = true;
    retired_ = false;
    return seen;
}

void writer_seat::gone(std::uint32_t server_id, bool said_goodbye, balancer::time_point now) {
    if (!is_writer(server_id)) return;
    taken_ = false;
    retired_ = said_goodbye;
    empty_since_ = now;
}

// The writer alone says which board it is.
void writer_seat::heard(std::uint32_t server_id, const wire::position& has) {
    if (is_writer(server_id) && has.board != record_.board) {
        record_.board = has.board;
        record_.sequence = has.sequence;
    }
    if (has.board == record_.board) record_.sequence = std::max(record_.sequence, has.sequence);
}

} // namespace stadion::dispatcher
