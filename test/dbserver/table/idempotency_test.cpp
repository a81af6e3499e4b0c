#include "dbserver/table/idempotency.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

namespace stadion::dbserver {
namespace {

using verdict = idempotency_keys::verdict;

class a_table_of_keys {
public:
    explicit a_table_of_keys(key_bounds within) : keys(within) { keys.set_secret({7, 11}); }

    key_use use(const std::string& key, const std::string& caller = "a") const {
        return {keys.hash_of_key(key), 1, keys.hash_of_caller(caller)};
    }
    verdict reserve(const std::string& key, const std::string& caller = "a") {
        return keys.reserve(use(key, caller), now_us, found);
    }
    void keep(const std::string& key, const std::string& caller = "a") {
        const key_use what = use(key, caller);
        keys.keep({what.key, what.request, ++sequence, now_us, what.caller, 0});
    }

    idempotency_keys keys;
    key_record found;
    std::int64_t now_us = 1'000'000;
    std::uint64_t sequence = 0;
};

TEST(idempotency_keys, know_a_key_until_its_time_is_over_and_not_longer) {
    a_table_of_keys table({1000, 1000, 100});
    EXPECT_EQ(table.reserve("k"), verdict::fresh);
    EXPECT_EQ(table.reserve("k"), verdict::running);
    table.keep("k");
    table.now_us += 99;
    EXPECT_EQ(table.reserve("k"), verdict::answered);
    EXPECT_EQ(table.found.sequence, 1u);
    key_use other = table.use("k");
    other.request = 2;
    EXPECT_EQ(table.keys.reserve(other, table.now_us, table.found), verdict::reused);
    table.now_us += 1;
    EXPECT_EQ(table.reserve("k"), verdict::fresh);
}

TEST(idempotency_keys, beyond_a_callers_bound_refuse_a_new_key_and_forget_no_old_one) {
    a_table_of_keys table({1000, 10, 100});
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(table.reserve(std::to_string(i)), verdict::fresh);
        table.keep(std::to_string(i));
        ++table.now_us;
    }
    EXPECT_EQ(table.reserve("one more"), verdict::full);
    EXPECT_EQ(table.found.at_us, 1'000'100); // when the oldest goes
    for (int i = 0; i < 10; ++i) EXPECT_EQ(table.reserve(std::to_string(i)), verdict::answered);
    EXPECT_EQ(table.reserve("another's", "b"), verdict::fresh);
    table.now_us += 90;
    table.keys.forget_expired(table.now_us);
    EXPECT_EQ(table.reserve("one more"), verdict::fresh);
}

TEST(idempotency_keys, beyond_the_bound_of_all_refuse_every_new_key) {
    a_table_of_keys table({10, 10, 100});
    for (int i = 0; i < 10; ++i) table.keep(std::to_string(i), std::to_string(i));
    EXPECT_EQ(table.reserve("new", "new"), verdict::full);
    for (int i = 0; i < 10; ++i) EXPECT_EQ(table.reserve(std::to_string(i)), verdict::answered);
}

TEST(idempotency_keys, that_had_no_effect_do_not_count) {
    a_table_of_keys table({10, 10, 100});
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(table.reserve("k" + std::to_string(i)), verdict::fresh);
        table.keys.release(table.use("k" + std::to_string(i)));
    }
    EXPECT_EQ(table.keys.size(), 0u);
}

TEST(idempotency_keys, used_again_after_their_time_are_known_from_then_on) {
    a_table_of_keys table({1000, 1000, 100});
    table.keep("k");
    table.now_us += 60;
    table.keep("k"); // as they are read at a start, before anything is forgotten
    table.now_us += 60;
    EXPECT_EQ(table.reserve("k"), verdict::answered);
    EXPECT_EQ(table.found.sequence, 2u);
    table.now_us += 60;
    EXPECT_EQ(table.reserve("k"), verdict::fresh);
}

TEST(idempotency_keys, are_found_among_many_that_come_and_go) {
    a_table_of_keys table({100'000, 100'000, 5'000});
    std::mt19937 random(1);
    std::map<int, std::int64_t> known;
    for (int i = 0; i < 60'000; ++i) {
        table.now_us += 1;
        table.keep(std::to_string(i));
        known[i] = table.now_us;
        const int other = static_cast<int>(random() % static_cast<unsigned>(i + 1));
        const bool is_known = known[other] + 5'000 > table.now_us;
        ASSERT_EQ(table.reserve(std::to_string(other)), is_known ? verdict::answered : verdict::fresh) << i;
        if (!is_known) table.keys.release(table.use(std::to_string(other)));
    }
    table.keys.forget_expired(table.now_us + 10'000);
    EXPECT_EQ(table.keys.size(), 0u);
}

TEST(idempotency_keys, take_at_most_64_bytes_each) {
    a_table_of_keys table({4'000'000, 4'000'000, 1'000'000'000});
    for (const std::size_t count : {100'000u, 210'000u, 420'000u}) { // before and after slots are doubled
        while (table.keys.size() < count) table.keep(std::to_string(table.keys.size()));
        EXPECT_LE(table.keys.memory_bytes(), 64u * count);
    }
}

} // namespace
} // namespace stadion::dbserver
