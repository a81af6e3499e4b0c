#include "dbserver/server/fleet_driver.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

namespace stadion::dbserver {
namespace {

write_grant::time_point now() { return std::chrono::steady_clock::now(); }

} // namespace

fleet_driver::fleet_driver(net::worker& home, net::board_set& boards, board_file file, bool in_fleet)
    : home_(home), boards_(boards), file_(std::move(file)), board_(file_.board()), grant_(in_fleet, now()) {
    if (!file_.reason().empty())
        spdlog::warn(
            "the board is a new one, {}: everybody who follows it begins anew, because of the store {}",
            file_.board(), file_.reason());
}

void fleet_driver::add_to(net::server& server) {
    server.add_status([self = shared_from_this()](nlohmann::ordered_json& status) {
        status["board"] = std::to_string(self->board_); // a string: JavaScript numbers are less precise
        status["writer_epoch"] = self->grant_.epoch();
    });
    server.add_check("writer", [self = shared_from_this()]() -> wire::result<void> {
        // Not after a pause, which is over in a moment. A server without an epoch may wait for long.
        if (self->grant_.epoch() != 0 || self->grant_.may_write(now())) return {};
        return self->grant_.check(0, now());
    });
}

void fleet_driver::follow(net::membership& member) {
    member.on_welcomed = [self = shared_from_this()](const v1::JoinResponse& response) {
        self->server_id_ = response.server_id();
        self->refusal_.clear();
        self->on_view(response.view());
        if (response.seen_sequence() > self->boards_.head())
            self->change_board(self->board_, response.seen_sequence());
    };
    member.on_refused = [self = shared_from_this()](const wire::error& why) { self->on_refused(why); };
    member.on_answer = [self = shared_from_this()](const v1::HeartbeatResponse& response) {
        self->grant_.granted(response.writer_epoch(), now());
    };
    home_.post([self = shared_from_this()] { self->tick(); });
}

void fleet_driver::on_view(const v1::View& view) {
    if (view.number() < view_number_) return; // overtaken
    view_number_ = view.number();
    grant_.granted(view.writer_id() == server_id_ ? view.writer_epoch() : 0, now());
}

void fleet_driver::close() { tick_.disarm(); }

void fleet_driver::note_end() {
    if (auto written = file_.write(boards_.head()); !written)
        spdlog::warn("how far the board came is not noted: {}", written.error().message);
}

void fleet_driver::tick() {
    grant_.tick(now());
    home_.arm(tick_, write_grant::tick_every);
}

void fleet_driver::on_refused(const wire::error& why) {
    grant_.granted(0, now());
    if (std::exchange(refusal_, why.message) != why.message)
        spdlog::warn("the dispatcher does not take this database server into the fleet: {}", why.message);
}

wire::result<void> fleet_driver::may_commit(std::uint64_t writer_epoch) const {
    return grant_.check(writer_epoch, now());
}

wire::result<void> fleet_driver::may_watch(const v1::WatchRequest& request, net::role_set roles) {
    if (request.writer_epoch() != 0)
        if (auto fine = grant_.check(request.writer_epoch(), now()); !fine) return fine;
    const bool is_server = (roles & net::roles(net::role::server)) != 0;
    if (is_server && request.board() == board_ && request.since() > boards_.head()) {
        home_.post([self = shared_from_this(), board = request.board(), seen = request.since()] {
            self->change_board(board, seen);
        });
        auto failure =
            wire::make_error(wire::status::unavailable, "the board is about to become another one");
        failure.retry_after = std::chrono::milliseconds{50};
        return failure;
    }
    return {};
}

void fleet_driver::change_board(std::uint64_t board, std::uint64_t seen) {
    if (board != board_) return; // changed already
    const auto written = file_.renew(boards_.head());
    if (!written) spdlog::error("the new board is not remembered: {}", written.error().message);
    board_ = file_.board();
    spdlog::warn(
        "the store has gone back: its newest commit is {}, and of board {} commit {} has been seen; the "
        "board is {} from now on, and everybody who follows it begins anew",
        boards_.head(), board, seen, file_.board());
    boards_.rename(file_.board());
}

} // namespace stadion::dbserver
