#include "clocksync/raffle/raffle_log.hpp"

namespace stadion::clocksync {

void raffle_log::restore(const order_output::restored& from) {
    const std::lock_guard hold(mutex_);
    history_ = from.history;
    since_us_ = from.began_us;
    // A snapshot that cannot be read is from another version. Counting then begins here.
    if (!raffle_.restore(from.snapshot)) (void)raffle_.restore({});
}

std::vector<raffle_draw> raffle_log::deliver(const order_output::delivered& what) {
    std::vector<raffle_draw> draws;
    const std::lock_guard hold(mutex_);
    for_each_message(what.messages, what.skip, [&](std::uint64_t, std::string_view message) {
        for (raffle_draw& draw : raffle_.deliver(what.origin, message)) draws.push_back(std::move(draw));
    });
    return draws;
}

std::string raffle_log::snapshot() const {
    const std::lock_guard hold(mutex_);
    return raffle_.save();
}

raffle_log::standing raffle_log::now(bool with_draws) const {
    const std::lock_guard hold(mutex_);
    standing all{raffle_.every(), raffle_.requests(), raffle_.hash(), history_, since_us_, {}};
    if (with_draws) all.draws.assign(raffle_.draws().begin(), raffle_.draws().end());
    return all;
}

std::uint64_t raffle_log::next_request(std::string_view client) const {
    const std::lock_guard hold(mutex_);
    return raffle_.next_request(client);
}

std::string raffle_log::record() const {
    const auto copy = [this] {
        const std::lock_guard hold(mutex_);
        return raffle_.take_record();
    }();
    return copy.text();
}

} // namespace stadion::clocksync
