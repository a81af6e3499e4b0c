// An attacker outside the fleet: reaches every server, knows the protocol and guesses well, but has no ring
// key.
#include "test/support/simulator_world.hpp"

#include <algorithm>

namespace stadion::support {

using namespace clocksync;
using namespace std::chrono_literals;

void simulator::world::schedule_strangers() {
    const unsigned messages = 5 + static_cast<unsigned>(random_.below(60));
    for (unsigned i = 0; i < messages; ++i) {
        const auto server = static_cast<unsigned>(random_.below(processes_.size()));
        at_time(random_.between(5ms, storm_end_ + 200ms), [this, server] { hear_stranger(server); });
    }
}

void simulator::world::hear_stranger(unsigned server) {
    const process& p = processes_[server];
    if (!p.machines) return;
    on_process(server, p.life, [this, server, message = some_message(server)] {
        if (!processes_[server].machines) return;
        if (options_.trace)
            trace(topic_of(message), "stranger -> " + name_of_place(server) + "  " + describe(message));
        server_takes(server, stranger, message);
    });
}

epoch_number simulator::world::some_epoch(unsigned server) {
    const epoch_number known = processes_[server].machines->election.epoch();
    switch (random_.below(8)) {
    case 0:
        return 0;
    case 1:
        return known - std::min<epoch_number>(known, 1);
    case 2:
        return known + 1;
    case 3:
        return 1'000'000;
    case 4:
        return ~epoch_number{0};
    default:
        return known;
    }
}

server_id simulator::world::some_id() {
    switch (random_.below(10)) {
    case 0:
        return 0;
    case 1:
        return 99;
    case 2:
        return ~server_id{0};
    default:
        return processes_[random_.below(processes_.size())].self.id;
    }
}

order_frame simulator::world::some_frame(unsigned server) {
    const ordered_multicast& order = processes_[server].machines->order;
    const view_id next{some_epoch(server), random_.below(5)};
    const view_id view = random_.chance(0.5) ? order.view() : next;
    const std::uint64_t timestamp = random_.chance(0.5) ? random_.below(1000) : random_.next();
    switch (random_.below(8)) {
    case 0: {
        std::string messages;
        append_message(messages, encode_runs({{0, "stranger", random_.below(100), 1 + random_.below(5)}}));
        data_frame data{view, timestamp, 0, true, {}, batch{}};
        data.holds.assign(order.members().size(), timestamp);
        auto& forged = *data.messages;
        forged.timestamp = timestamp;
        forged.incarnation = 1 + random_.below(6);
        forged.first_number = 1 + random_.below(20);
        forged.count = 1;
        forged.size = messages.size();
        forged.storage = std::make_shared<const std::string>(std::move(messages));
        return data;
    }
    case 1:
        return stop_frame{next, order.members()};
    case 2:
        return propose_frame{next, order.view(), order.members(), {}, {}, 0, 0};
    case 3:
        return commit_frame{next.epoch, next};
    case 4:
        return installed_frame{view};
    case 5:
        return state_frame{view, next, 0, timestamp, {}, 0, 0, {}};
    case 6:
        return confirm_frame{next};
    default:
        return stale_frame{next.epoch};
    }
}

any_message simulator::world::some_message(unsigned server) {
    const ring_key guess = random_.chance(0.5) ? 0 : random_.next();
    const epoch_number epoch = some_epoch(server);
    switch (random_.below(6)) {
    case 0: {
        std::vector<server_id> visited;
        for (const ring_member& m : processes_[server].machines->election.ring()) visited.push_back(m.id);
        if (random_.chance(0.5) && !visited.empty()) visited.resize(random_.below(visited.size()));
        const double score = random_.chance(0.5) ? 1e300 : 10;
        return pass_election{epoch, some_id(), some_id(), score, visited, some_id(), guess};
    }
    case 1:
        return coordinator_message{epoch, some_id(), random_.chance(0.5), 1e9, guess};
    case 2:
        return new_election{};
    case 3:
        return clock_probe{epoch, random_.below(10), static_cast<std::uint32_t>(random_.below(10)), guess};
    case 4: {
        const process& p = processes_[server];
        clock_correction forged;
        forged.epoch = epoch;
        forged.round = random_.chance(0.5) ? 1'000'000 : random_.below(20);
        forged.incarnation = p.self.incarnation;
        forged.at = forged.measured = local(p);
        forged.target =
            p.machines->clock.clock().line().target_at(local(p)) + random_.between(-100ms, 100ms).count();
        forged.drift_bound = 1e-6;
        forged.bound = 1us;
        forged.key = guess;
        return forged;
    }
    default:
        return order_bytes{some_id(), guess, std::make_shared<const std::string>(encode(some_frame(server)))};
    }
}

} // namespace stadion::support
