// The fleet's one writer of the board: which database server is taken in, and what is remembered of it.
#include "dispatcher/service/fleet_service.hpp"

#include <spdlog/spdlog.h>

namespace stadion::dispatcher {
namespace {

// How often it is written how far the board is.
constexpr std::chrono::seconds writer_remembered_every{5};

balancer::time_point now() { return std::chrono::steady_clock::now(); }

} // namespace

// Says a refusal once, not every time it is asked for again.
wire::result<void> fleet_service::may_enter(const v1::JoinRequest& request) {
    if (request.kind() != "dbserver") return {};
    bool is_child = false;
    for (const auto& child : children_->table().running())
        is_child = is_child || (child.kind == "dbserver" && child.pid == request.pid());
    auto fine = writer_->may_enter(request.board(), is_child, now());
    const auto who = request.address() + " of process " + std::to_string(request.pid());
    if (!fine && std::exchange(refused_, who) != who)
        spdlog::warn("the database server at {} is not taken in: {}", who, fine.error().message);
    return fine;
}

wire::result<void> fleet_service::seat_writer(const v1::JoinRequest& request, v1::JoinResponse& answer) {
    if (request.kind() != "dbserver") return {};
    const auto before = writer_->record();
    const bool was_taken = writer_->is_taken();
    answer.set_seen_sequence(writer_->take(answer.server_id(), {request.board(), request.sequence()}));
    const auto& record = writer_->record();
    refused_.clear();
    if (before.epoch != 0 && before.board != record.board)
        spdlog::warn(
            "the fleet has another board: {} of database server {}, and no longer {}, of which {} commits "
            "had been seen; everybody who follows it begins anew",
            record.board, record.server_id, before.board, before.sequence);
    if (was_taken && before.server_id != record.server_id)
        registry_->drop_silent(
            balancer::server_id{before.server_id}); // it has lost its folder, so it is dead
    return remember([&](memory& content) { content.writer = record; });
}

void fleet_service::remember_writer() {
    const auto& known = memory_.content().writer;
    const auto& record = writer_->record();
    const bool is_news = known.board != record.board || known.epoch != record.epoch;
    if (!is_news && now() - writer_remembered_at_ < writer_remembered_every) return;
    writer_remembered_at_ = now();
    const auto remembered = remember([&](memory& content) { content.writer = record; });
    if (!remembered) spdlog::error("the writer is not remembered: {}", remembered.error().message);
}

} // namespace stadion::dispatcher
