#include "balancer/member_table.hpp"

#include <algorithm>
#include <cassert>

namespace stadion::balancer {
namespace {

// A wanted id above this is a mistake; giving it out would use up the numbers.
constexpr std::uint32_t wanted_id_max = 0x7fffffff;

server_id after(server_id id) { return static_cast<server_id>(number(id) + 1); }

} // namespace

const char* to_text(departure_reason reason) noexcept {
    switch (reason) {
    case departure_reason::left:
        return "left";
    case departure_reason::connection_lost:
        return "connection lost";
    case departure_reason::silent:
        return "silent";
    case departure_reason::replaced:
        return "replaced by another at its address";
    }
    return "unknown";
}

member_table::member_table(member_settings settings, std::uint64_t first_view_number, server_id first_id)
    : settings_(settings), view_number_(first_view_number), next_id_(first_id) {
    assert(settings_.heartbeat_period.count() > 0 && settings_.misses_max > 0);
    assert(first_id != server_id::none);
}

member_table::join_outcome member_table::join(const join_event& event, time_point now) {
    join_outcome outcome;
    outcome.id = choose_id(event);

    const auto holder = std::find_if(members_.begin(), members_.end(), [&](const auto& entry) {
        return entry.second.address == event.address && entry.first != outcome.id;
    });
    if (holder != members_.end()) outcome.replaced = remove(holder, departure_reason::replaced);

    member entered;
    entered.id = outcome.id;
    entered.kind = event.kind;
    entered.address = event.address;
    entered.clients = event.clients;
    entered.capacity = event.capacity;
    entered.pid = event.pid;
    entered.services = event.services;
    entered.connection = event.connection;
    entered.heard_at = now;
    // The same process on a new connection keeps the order it was given.
    if (const member* before = find(outcome.id); before && before->pid == event.pid) {
        entered.order = before->order;
        if (entered.order != server_order::none) entered.state = server_state::draining;
    }
    members_.insert_or_assign(outcome.id, std::move(entered));
    ++view_number_;
    return outcome;
}

server_id member_table::choose_id(const join_event& event) {
    const auto holder = members_.find(event.wanted);
    const bool free = holder == members_.end() || holder->second.address == event.address;
    if (event.wanted != server_id::none && number(event.wanted) <= wanted_id_max && free) {
        next_id_ = std::max(next_id_, after(event.wanted));
        return event.wanted;
    }
    const server_id given = next_id_;
    next_id_ = after(next_id_);
    return given;
}

bool member_table::heartbeat(const heartbeat_event& event, time_point now) {
    const auto position = members_.find(event.id);
    if (position == members_.end()) return false;
    member& server = position->second;

    server.heard_at = now;
    if (event.sequence != 0 && event.sequence <= server.sequence) return true;

    if (event.sequence != 0) server.sequence = event.sequence;
    server.connection = event.connection;
    server.clients = event.clients;
    server.capacity = event.capacity;
    server.load = event.load;
    set_state(server, event.state);
    return true;
}

// A server that was told to drain is draining, although it reports another state until it has heard of it.
void member_table::set_state(member& server, server_state reported) {
    const server_state next = server.order == server_order::none ? reported : server_state::draining;
    if (next == server.state) return;
    server.state = next;
    ++view_number_;
}

std::optional<departure> member_table::leave(server_id id, departure_reason reason) {
    const auto position = members_.find(id);
    if (position == members_.end()) return std::nullopt;
    return remove(position, reason);
}

std::vector<departure> member_table::connection_lost(connection_id connection) {
    std::vector<departure> gone;
    if (connection == connection_id::none) return gone;
    for (auto next = members_.begin(); next != members_.end();) {
        const auto position = next++;
        if (position->second.connection == connection)
            gone.push_back(remove(position, departure_reason::connection_lost));
    }
    return gone;
}

std::vector<departure> member_table::tick(time_point now) {
    using duration = time_point::duration;
    const duration gap = ticked_at_ ? now - *ticked_at_ : duration::zero();
    const duration late = std::max(gap - tick_interval(), duration::zero());
    ticked_at_ = now;
    for (auto& [id, server] : members_) server.heard_at = std::min(now, server.heard_at + late);

    std::vector<departure> gone;
    if (late > tick_interval()) return gone;
    for (auto next = members_.begin(); next != members_.end();) {
        const auto position = next++;
        if (now - position->second.heard_at >= silence_max())
            gone.push_back(remove(position, departure_reason::silent));
    }
    return gone;
}

departure member_table::remove(std::map<server_id, member>::iterator position, departure_reason reason) {
    departure gone{std::move(position->second), reason};
    gone.last.state = server_state::down;
    members_.erase(position);
    ++view_number_;
    return gone;
}

bool member_table::give_order(server_id id, server_order order) {
    const auto position = members_.find(id);
    if (position == members_.end()) return false;
    member& server = position->second;
    server.order = order;
    if (order != server_order::none) set_state(server, server_state::draining);
    return true;
}

const member* member_table::find(server_id id) const {
    const auto position = members_.find(id);
    return position == members_.end() ? nullptr : &position->second;
}

} // namespace stadion::balancer
