// What every engine guarantees when a mutation is repeated.
#include "test/dbserver/engine/every_engine.hpp"
#include "wire/retry_key.hpp"

#include <gmock/gmock.h>

namespace stadion::dbserver {
namespace {

using ::testing::HasSubstr;

template <typename Engine>
class exactly_once : public every_engine<Engine> {};

TYPED_TEST_SUITE(exactly_once, engines);

TYPED_TEST(exactly_once, answers_a_key_as_the_first_time_when_the_state_is_long_gone_from_memory) {
    engine_options few = this->options;
    few.retained_events_max = 2;
    TypeParam other;
    const auto small = other.open(few);
    const outcome first = commit_and_wait(*small, add_medal("gauls", "gold", 1, "k"));
    const outcome undone = commit_and_wait(*small, make_reversal(first.sequence, "no", "r"));
    for (int i = 0; i < 10; ++i) commit_and_wait(*small, add_medal("gauls", "silver"));
    const outcome again = commit_and_wait(*small, add_medal("gauls", "gold", 1, "k"));
    EXPECT_EQ(again.result, v1::Outcome::DUPLICATE);
    EXPECT_EQ(again.state->json(), first.state->json());
    const outcome undone_again = commit_and_wait(*small, make_reversal(first.sequence, "no", "r"));
    EXPECT_EQ(undone_again.result, v1::Outcome::DUPLICATE);
    EXPECT_EQ(undone_again.state->json(), undone.state->json());
}

TYPED_TEST(exactly_once, refuses_a_callers_new_key_beyond_its_bound_and_keeps_the_old_ones) {
    engine_options few = this->options;
    few.idempotency_keys_per_caller_max = 3;
    TypeParam other;
    const auto small = other.open(few);
    const auto add = [&](const std::string& key, const std::string& caller) {
        v1::Mutation mutation = add_medal("gauls", "gold", 1, key);
        mutation.set_caller(caller);
        return commit_and_wait(*small, mutation);
    };
    for (const char* key : {"1", "2", "3"}) EXPECT_EQ(add(key, "a").result, v1::Outcome::APPLIED);
    const outcome refused = add("4", "a");
    EXPECT_EQ(refused.result, v1::Outcome::UNAVAILABLE);
    EXPECT_EQ(refused.failure->code, wire::status::resource_exhausted);
    EXPECT_EQ(refused.failure->retry_after, std::chrono::hours(24));
    EXPECT_EQ(add("1", "a").result, v1::Outcome::DUPLICATE);
    EXPECT_EQ(add("4", "b").result, v1::Outcome::APPLIED);
    EXPECT_EQ(add("", "a").result, v1::Outcome::APPLIED);
}

TYPED_TEST(exactly_once,
           keeps_a_key_that_a_server_made_to_try_again_for_minutes_and_beside_the_callers_keys) {
    const std::string key = std::string(wire::retry_key_prefix) + "1";
    EXPECT_EQ(this->commit(add_medal("gauls", "gold", 1, key)).result, v1::Outcome::APPLIED);
    this->clock.advance(599'000'000);
    EXPECT_EQ(this->commit(add_medal("gauls", "gold", 1, key)).result, v1::Outcome::DUPLICATE);
    this->clock.advance(2'000'000);
    EXPECT_EQ(this->commit(add_medal("gauls", "gold", 1, key)).result, v1::Outcome::APPLIED);

    engine_options few = this->options;
    few.idempotency_keys_per_caller_max = 1;
    TypeParam other;
    const auto small = other.open(few);
    EXPECT_EQ(commit_and_wait(*small, add_medal("gauls", "gold", 1, "1")).result, v1::Outcome::APPLIED);
    EXPECT_EQ(commit_and_wait(*small, add_medal("gauls", "gold", 1, key)).result, v1::Outcome::APPLIED);
}

TYPED_TEST(exactly_once, counts_a_number_of_a_session_once_and_forgets_it_when_it_is_confirmed) {
    const session_id session = *this->opened->begin_session();
    const auto add = [&](std::uint64_t number, std::uint64_t lowest_open) {
        v1::Mutation mutation = add_medal("gauls", "gold");
        mutation.set_number(number);
        return commit_and_wait(*this->opened, mutation, {session, lowest_open});
    };
    const outcome first = add(1, 1);
    EXPECT_EQ(first.result, v1::Outcome::APPLIED);
    const outcome again = add(1, 1);
    EXPECT_EQ(again.result, v1::Outcome::DUPLICATE);
    EXPECT_EQ(again.state->json(), first.state->json());
    EXPECT_EQ(add(2, 2).result, v1::Outcome::APPLIED);
    EXPECT_EQ(add(1, 1).failure->code, wire::status::failed_precondition);
    EXPECT_EQ(this->opened->load("teams/gauls")->tally()->gold(), 2u);

    v1::Mutation lost = add_medal("gauls", "gold");
    lost.set_number(1);
    const outcome unknown = commit_and_wait(*this->opened, lost, {{99, 1}, 1});
    EXPECT_EQ(unknown.result, v1::Outcome::UNAVAILABLE);
    EXPECT_EQ(unknown.failure->details.at("session"), "unknown");
    lost.set_idempotency_key("k");
    EXPECT_EQ(commit_and_wait(*this->opened, lost, {session, 1}).failure->code,
              wire::status::invalid_argument);
}

TYPED_TEST(exactly_once, answers_a_repeated_key_as_the_first_time) {
    const outcome first = this->commit(add_medal("gauls", "gold", 1, "k1"));
    this->commit(add_medal("gauls", "gold"));
    const outcome again = this->commit(add_medal("gauls", "gold", 1, "k1"));
    EXPECT_EQ(again.result, v1::Outcome::DUPLICATE);
    EXPECT_EQ(again.sequence, first.sequence);
    EXPECT_EQ(again.state->json(), first.state->json());
    EXPECT_EQ(this->opened->load("teams/gauls")->tally()->gold(), 2u);

    const outcome other = this->commit(add_medal("gauls", "gold", 2, "k1"));
    EXPECT_EQ(other.result, v1::Outcome::REFUSED);
    EXPECT_EQ(other.failure->details.at("http_status"), "422");
}

TYPED_TEST(exactly_once, forgets_a_key_after_a_day_but_not_before) {
    this->commit(add_medal("gauls", "gold", 1, "k"));
    this->clock.advance(std::int64_t{86'399} * 1'000'000);
    EXPECT_EQ(this->commit(add_medal("gauls", "gold", 1, "k")).result, v1::Outcome::DUPLICATE);
    this->clock.advance(2'000'000);
    EXPECT_EQ(this->commit(add_medal("gauls", "gold", 1, "k")).result, v1::Outcome::APPLIED);
}

TYPED_TEST(exactly_once, a_refused_update_does_not_use_up_its_key) {
    EXPECT_EQ(this->commit(add_medal("gauls", "gold", -1, "k")).result, v1::Outcome::REFUSED);
    this->commit(add_medal("gauls", "gold"));
    EXPECT_EQ(this->commit(add_medal("gauls", "gold", -1, "k")).result, v1::Outcome::APPLIED);
}

TYPED_TEST(exactly_once, refuses_a_key_that_is_too_long) {
    const outcome refused = this->commit(add_medal("gauls", "gold", 1, std::string(257, 'k')));
    EXPECT_EQ(refused.result, v1::Outcome::REFUSED);
    EXPECT_THAT(refused.failure->message, HasSubstr("idempotency key is 257 bytes"));
    EXPECT_FALSE(this->opened->load("teams/gauls"));
}

} // namespace
} // namespace stadion::dbserver
