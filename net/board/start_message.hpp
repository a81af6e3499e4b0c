// The first message of a JSON feed, made in pieces, so that a large board needs no large buffer.
//
// Its content is "board":"b","sequence":n and, unless the feed is resumed, "games":[…],"teams":[…]. The board
// id is a string, because it may have more digits than a number in a browser. Threading: none.
#pragma once

#include "net/board/live_board.hpp"

#include <string>
#include <string_view>

namespace stadion::net {

// "snapshot", "resumed", "reset".
std::string_view start_name(board_subscriber::start_kind kind) noexcept;

class start_message {
public:
    // `before` and `after` enclose the content.
    start_message(std::string before, const wire::position& at, shared_batch states, std::string after);

    // The next piece, of about `board_subscriber::piece_bytes`; `is_done` says whether it was the last.
    std::string next();
    bool is_done() const noexcept { return part_ == part::done; }

private:
    enum class part : std::uint8_t { games, teams, end, done };
    bool append_items(std::string& piece, std::string_view type);

    std::string piece_;
    shared_batch states_;
    std::string after_;
    part part_ = part::games;
    std::size_t next_ = 0;
    bool first_ = true;
};

} // namespace stadion::net
