// Events of a board, as several tests make them.
#pragma once

#include "wire/board.hpp"

#include <memory>
#include <string>

namespace stadion::net {

inline wire::board_event_ptr score(std::uint64_t sequence, const std::string& game) {
    v1::Event event;
    event.set_sequence(sequence);
    event.set_topic("games/" + game);
    event.mutable_score()->set_game(game);
    event.mutable_score()->set_sequence(sequence);
    return std::make_shared<const wire::board_event>(std::move(event));
}

} // namespace stadion::net
