#include "net/board/start_message.hpp"

namespace stadion::net {

std::string_view start_name(board_subscriber::start_kind kind) noexcept {
    switch (kind) {
    case board_subscriber::start_kind::snapshot:
        return "snapshot";
    case board_subscriber::start_kind::resumed:
        return "resumed";
    case board_subscriber::start_kind::reset:
        return "reset";
    }
    return "reset";
}

start_message::start_message(std::string before, const wire::position& at, shared_batch states,
                             std::string after)
    : piece_(std::move(before)), states_(std::move(states)), after_(std::move(after)) {
    piece_ += "\"board\":\"" + std::to_string(at.board) + "\",\"sequence\":" + std::to_string(at.sequence);
    if (states_)
        piece_ += ",\"games\":[";
    else
        part_ = part::end;
}

bool start_message::append_items(std::string& piece, std::string_view type) {
    for (; next_ < states_->size(); ++next_) {
        if (piece.size() >= board_subscriber::piece_bytes) return false;
        const auto& state = *(*states_)[next_];
        if (state.type() != type) continue;
        if (!std::exchange(first_, false)) piece += ',';
        piece += state.state_json();
    }
    next_ = 0;
    first_ = true;
    return true;
}

std::string start_message::next() {
    auto piece = std::exchange(piece_, {});
    if (part_ == part::games) {
        if (!append_items(piece, "score")) return piece;
        piece += "],\"teams\":[";
        part_ = part::teams;
    }
    if (part_ == part::teams) {
        if (!append_items(piece, "tally")) return piece;
        piece += ']';
        part_ = part::end;
    }
    if (part_ == part::end) {
        piece += after_;
        part_ = part::done;
        states_.reset();
    }
    return piece;
}

} // namespace stadion::net
