// The first message of a JSON feed, in pieces: a board of any size costs a slow reader no more than a fast
// one.
//
// Its inside is "board":"b","sequence":n and, unless resumed, "games":[…],"teams":[…]. The board is text: it
// has more digits than a browser's numbers. Threading: none.
#pragma once

#include "net/board/live_board.hpp"

#include <string>
#include <string_view>

namespace stadion::net {

// "snapshot", "resumed", "reset".
std::string_view start_name(board_subscriber::start_kind kind) noexcept;

class start_message {
public:
    // `before` and `after` enclose the inside.
    start_message(std::string before, const wire::position& at, shared_batch states, std::string after);

    // The next piece, of about 64 KiB; `is_done` says whether it was the last.
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
