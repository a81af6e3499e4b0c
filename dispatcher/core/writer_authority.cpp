#include "dispatcher/core/writer_authority.hpp"

#include <algorithm>

namespace stadion::dispatcher {

wire::result<void> writer_authority::may_join(std::uint64_t board, bool is_child,
                                              balancer::time_point now) const {
    if (record_.epoch == 0 || board == record_.board) return {};
    const auto who = "database server " + std::to_string(record_.server_id) + " with board " +
                     std::to_string(record_.board);
    if (has_writer_)
        return wire::make_error(wire::status::failed_precondition,
                                who + " writes for this fleet; one with another board, " +
                                    std::to_string(board) + ", is not taken in beside it");
    if (is_child || left_ || now - vacant_since_ >= replace_after) return {};
    const auto left = std::chrono::ceil<std::chrono::seconds>(replace_after - (now - vacant_since_));
    auto failure = wire::make_error(
        wire::status::failed_precondition,
        who + " wrote for this fleet and is away; one with another board, " + std::to_string(board) +
            ", is taken in its place if it has not come back in " + std::to_string(left.count()) + " s");
    failure.retry_after = left;
    return failure;
}

std::uint64_t writer_authority::grant(std::uint32_t server_id, const wire::position& has) {
    const bool same_board = record_.epoch != 0 && record_.board == has.board;
    const auto seen = same_board ? record_.sequence : 0;
    if (!same_board || record_.server_id != server_id) ++record_.epoch;
    record_.server_id = server_id;
    record_.board = has.board;
    record_.sequence = std::max(seen, has.sequence);
    has_writer_ = true;
    left_ = false;
    return seen;
}

void writer_authority::departed(std::uint32_t server_id, bool said_goodbye, balancer::time_point now) {
    if (!is_writer(server_id)) return;
    has_writer_ = false;
    left_ = said_goodbye;
    vacant_since_ = now;
}

// Only the writer can change the board.
void writer_authority::note_position(std::uint32_t server_id, const wire::position& has) {
    if (is_writer(server_id) && has.board != record_.board) {
        record_.board = has.board;
        record_.sequence = has.sequence;
    }
    if (has.board == record_.board) record_.sequence = std::max(record_.sequence, has.sequence);
}

} // namespace stadion::dispatcher
