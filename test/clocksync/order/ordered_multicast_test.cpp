// What the simulated world does not count: how often a newcomer is sent the state.
#include "clocksync/order/ordered_multicast.hpp"

#include <gtest/gtest.h>

#include <deque>

namespace stadion::clocksync {
namespace {

using namespace std::chrono_literals;

constexpr ring_member donor{1, 1}, newcomer{2, 2};
constexpr std::size_t parts = 50;

order_settings small_parts() {
    order_settings settings;
    settings.part_bytes = 100;
    settings.parts_under_way = 4;
    settings.unix_ahead = 1000h;
    return settings;
}

// A donor with a log of its own, and a newcomer that is let in.
class donation : public testing::Test {
protected:
    donation() {
        step(1, [](auto& m, auto now, auto& out) { m.on_view(now, {1, 1, 1, {donor}}, out); });
        step(1, [](auto& m, auto now, auto& out) { m.on_leader(now, 1, donor.id, out); });
        deliver_all();
        for (auto& m : machines_)
            step(m.first, [](auto& one, auto now, auto& out) {
                one.on_view(now, {2, 1, 1, {donor, newcomer}}, out);
            });
    }

    ordered_multicast& of(server_id id) { return machines_.at(id); }
    template <typename Event>
    void step(server_id id, Event event) {
        order_output out;
        event(of(id), now_, out);
        perform(id, out);
    }
    void perform(server_id id, order_output& out) {
        for (const auto& one : out.frames) {
            const bool is_part = std::holds_alternative<state_frame>(*decode(one.frame));
            parts_sent_ += is_part;
            if (!(is_part && drops_parts_)) under_way_.push_back({id, one.to, one.frame});
        }
        if (out.restore) restored_ = *out.restore;
        if (!out.snapshot_wanted) return;
        order_output more;
        of(id).provide_snapshot(now_, snapshot_, more);
        perform(id, more);
    }
    void deliver_all() {
        while (!under_way_.empty()) {
            const auto one = under_way_.front();
            under_way_.pop_front();
            step(one.to, [&](auto& m, auto now, auto& out) { m.on_frame(now, one.from, *one.bytes, out); });
            step(one.to, [](auto& m, auto now, auto& out) { m.flush(now, out); });
        }
    }
    void wait(duration length) {
        const instant end = now_ + length;
        for (; now_ < end; now_ += 10ms) {
            for (auto& m : machines_)
                step(m.first, [](auto& one, auto now, auto& out) { one.tick(now, out); });
            deliver_all();
        }
    }

    struct letter {
        server_id from, to;
        std::shared_ptr<const std::string> bytes;
    };
    std::map<server_id, ordered_multicast> machines_{{1, ordered_multicast(small_parts(), donor)},
                                                     {2, ordered_multicast(small_parts(), newcomer)}};
    const std::string snapshot_ = std::string(parts * 100 - 50, 's');
    instant now_ = 1s;
    std::deque<letter> under_way_;
    std::optional<order_output::restored> restored_;
    std::size_t parts_sent_ = 0;
    bool drops_parts_ = false;
};

TEST_F(donation, sends_every_part_once_when_nothing_is_lost) {
    deliver_all();
    ASSERT_TRUE(restored_);
    EXPECT_EQ(restored_->snapshot, snapshot_);
    EXPECT_EQ(of(2).members().size(), 2u);
    wait(2s);
    EXPECT_EQ(parts_sent_, parts);
}

TEST_F(donation, to_somebody_who_takes_nothing_repeats_one_part_and_never_the_whole) {
    drops_parts_ = true;
    deliver_all();
    EXPECT_EQ(parts_sent_, 4u);
    wait(2s);
    EXPECT_LE(parts_sent_, 4u + 2s / 200ms);
    drops_parts_ = false;
    wait(1s);
    ASSERT_TRUE(restored_);
    EXPECT_EQ(restored_->snapshot, snapshot_);
    EXPECT_EQ(of(2).members().size(), 2u);
}

TEST_F(donation, tells_when_the_log_began_as_the_others_know_it) {
    const auto at_the_beginning = restored_->began_us;
    EXPECT_EQ(at_the_beginning, static_cast<std::uint64_t>((1000h + 1s) / 1us));
    now_ += 1h;
    deliver_all();
    EXPECT_EQ(restored_->began_us, at_the_beginning);
}

} // namespace
} // namespace stadion::clocksync
