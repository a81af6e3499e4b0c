#include "clocksync/order/hold_back.hpp"

#include <gmock/gmock.h>

namespace stadion::clocksync {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr auto no_limit = [](std::size_t) { return ~std::uint64_t{0}; };

struct delivered {
    std::size_t slot;
    std::uint64_t timestamp;

    friend bool operator==(const delivered&, const delivered&) = default;
};

class a_hold_back_queue : public testing::Test {
protected:
    void add(std::size_t slot, std::uint64_t timestamp, std::uint64_t first_number = 0) {
        batch one;
        one.timestamp = timestamp;
        one.first_number = first_number;
        queue_.add(slot, std::move(one));
    }
    // Takes everything that the limit admits.
    template <typename Limit>
    std::vector<delivered> deliver(Limit limit) {
        std::vector<delivered> all;
        std::size_t slot = 0;
        while (const batch* next = queue_.next(limit, slot)) {
            all.push_back({slot, next->timestamp});
            queue_.pop(slot);
        }
        return all;
    }

    hold_back queue_;
};

TEST_F(a_hold_back_queue, orders_the_batches_of_all_senders_by_their_timestamps) {
    queue_.reset(3);
    add(2, 5);
    add(0, 20);
    add(1, 10);
    add(2, 15);
    EXPECT_THAT(deliver(no_limit),
                ElementsAre(delivered{2, 5}, delivered{1, 10}, delivered{2, 15}, delivered{0, 20}));
    EXPECT_TRUE(queue_.empty());
}

TEST_F(a_hold_back_queue, gives_equal_timestamps_to_the_slot_chosen_and_then_to_those_after_it) {
    for (std::size_t first = 0; first < 3; ++first) {
        queue_.reset(3, first);
        for (std::size_t slot = 0; slot < 3; ++slot) add(slot, 7);
        EXPECT_THAT(deliver(no_limit), ElementsAre(delivered{first, 7}, delivered{(first + 1) % 3, 7},
                                                   delivered{(first + 2) % 3, 7}));
    }
}

TEST_F(a_hold_back_queue, gives_the_chosen_slot_nothing_but_ties) {
    queue_.reset(2, 1);
    add(0, 7);
    add(1, 8);
    EXPECT_THAT(deliver(no_limit), ElementsAre(delivered{0, 7}, delivered{1, 8}));
}

TEST_F(a_hold_back_queue, holds_back_what_is_above_its_sender_s_limit) {
    queue_.reset(2);
    for (const std::uint64_t timestamp : {10, 20, 30}) add(0, timestamp);
    add(1, 25);
    EXPECT_THAT(deliver([](std::size_t) { return std::uint64_t{9}; }), IsEmpty());
    EXPECT_THAT(deliver([](std::size_t) { return std::uint64_t{20}; }),
                ElementsAre(delivered{0, 10}, delivered{0, 20}));
    EXPECT_FALSE(queue_.empty());
    EXPECT_THAT(deliver([](std::size_t slot) { return slot == 0 ? std::uint64_t{29} : std::uint64_t{25}; }),
                ElementsAre(delivered{1, 25}));
    EXPECT_EQ(queue_.of(0).size(), 1u);
    EXPECT_TRUE(queue_.of(1).empty());
}

TEST_F(a_hold_back_queue, keeps_the_batches_of_one_sender_in_the_order_they_came) {
    queue_.reset(1);
    add(0, 10, 1);
    add(0, 10, 2); // of an equal timestamp
    EXPECT_EQ(queue_.of(0).front().first_number, 1u);
    EXPECT_EQ(queue_.pop(0).first_number, 1u);
    EXPECT_EQ(queue_.pop(0).first_number, 2u);
}

TEST_F(a_hold_back_queue, that_is_reset_is_empty) {
    queue_.reset(2);
    add(1, 10);
    queue_.reset(3);
    EXPECT_TRUE(queue_.empty());
    EXPECT_THAT(deliver(no_limit), IsEmpty());
    EXPECT_TRUE(queue_.of(2).empty());
}

} // namespace
} // namespace stadion::clocksync
