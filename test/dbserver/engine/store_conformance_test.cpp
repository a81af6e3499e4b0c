// What every engine guarantees.
#include "test/dbserver/engine/every_engine.hpp"

#include <gmock/gmock.h>

#include <future>
#include <thread>

namespace stadion::dbserver {
namespace {

using ::testing::HasSubstr;

TYPED_TEST_SUITE(every_engine, engines);

TYPED_TEST(every_engine, makes_a_game_by_its_first_update_and_merges_points) {
    const outcome first = this->commit(set_points("hockey", {{"Gauls", 1}, {"Romans", 0}}));
    ASSERT_EQ(first.result, v1::Outcome::APPLIED);
    EXPECT_EQ(first.sequence, 1u);
    EXPECT_EQ(first.state->version(), 1u);

    this->clock.advance(1'500'001);
    v1::Mutation second = set_points("hockey", {{"Gauls", 2}});
    second.mutable_update_score()->set_title("Final");
    second.mutable_update_score()->set_status(v1::Score::LIVE);
    ASSERT_EQ(this->commit(second).result, v1::Outcome::APPLIED);

    const state_ptr now = this->opened->load("games/hockey");
    ASSERT_TRUE(now);
    EXPECT_EQ(now->json(),
              R"({"game":"hockey","title":"Final","status":"LIVE","points":{"Gauls":2,"Romans":0},)"
              R"("updated_at":1700000001.500001,"version":2,"sequence":2})");
}

TYPED_TEST(every_engine, keeps_title_and_status_that_an_update_does_not_name_and_drops_them_when_replacing) {
    v1::Mutation first = set_points("golf", {{"A", 1}, {"B", 2}});
    first.mutable_update_score()->set_title("Open");
    first.mutable_update_score()->set_status(v1::Score::OFFICIAL);
    this->commit(first);
    EXPECT_EQ(this->commit(set_points("golf", {{"A", 3}})).state->score()->title(), "Open");

    v1::Mutation replaced;
    replaced.mutable_replace_score()->set_game("golf");
    (*replaced.mutable_replace_score()->mutable_points())["C"] = 9;
    const outcome after = this->commit(replaced);
    ASSERT_EQ(after.result, v1::Outcome::APPLIED);
    EXPECT_THAT(after.state->json(), HasSubstr(R"("title":"","status":"START_LIST","points":{"C":9})"));
}

TYPED_TEST(every_engine, counts_medals_and_never_below_none) {
    EXPECT_EQ(this->commit(add_medal("gauls", "gold", 2)).state->tally()->gold(), 2u);
    EXPECT_EQ(this->commit(add_medal("gauls", "gold", -1)).state->tally()->gold(), 1u);
    const outcome refused = this->commit(add_medal("gauls", "gold", -2));
    EXPECT_EQ(refused.result, v1::Outcome::REFUSED);
    EXPECT_THAT(refused.failure->message, HasSubstr("gauls has 1 gold"));
    EXPECT_EQ(this->opened->load("teams/gauls")->version(), 2u);
    EXPECT_FALSE(this->opened->load("teams/romans"));
    EXPECT_EQ(this->commit(add_medal("romans", "silver", -1)).result, v1::Outcome::REFUSED);
    EXPECT_FALSE(this->opened->load("teams/romans"));
}

TYPED_TEST(every_engine, refuses_what_is_malformed_and_names_it) {
    const auto message = [this](v1::Mutation mutation) {
        const outcome refused = this->commit(std::move(mutation));
        EXPECT_EQ(refused.result, v1::Outcome::REFUSED);
        EXPECT_EQ(refused.failure->code, wire::status::invalid_argument);
        return refused.failure->message;
    };
    EXPECT_THAT(message(set_points("", {})), HasSubstr("game must not be empty"));
    EXPECT_THAT(message(set_points(std::string(129, 'x'), {})), HasSubstr("129 bytes"));
    EXPECT_THAT(message(set_points("a\nb", {})), HasSubstr("control characters"));
    EXPECT_THAT(message(set_points("\xff", {})), HasSubstr("not UTF-8"));
    EXPECT_THAT(message(set_points("g", {{"", 1}})), HasSubstr("name in points"));
    EXPECT_THAT(message(add_medal("gauls", "tin")), HasSubstr("\"tin\""));
    EXPECT_THAT(message(add_medal("gauls", "gold", 0)), HasSubstr("by must not be 0"));
    EXPECT_THAT(message(v1::Mutation()), HasSubstr("no operation"));
    EXPECT_EQ(this->opened->sequence(), 0u);
}

TYPED_TEST(every_engine, refuses_a_game_of_too_many_bytes_and_leaves_what_is_there) {
    const auto sides = [](int from, int count) {
        std::map<std::string, std::int32_t> points;
        for (int i = from; i < from + count; ++i) points[std::string(120, 'x') + std::to_string(i)] = i;
        return points;
    };
    EXPECT_EQ(this->commit(set_points("new", sides(0, 600))).failure->code, wire::status::resource_exhausted);
    EXPECT_FALSE(this->opened->load("games/new"));
    ASSERT_EQ(this->commit(set_points("g", sides(0, 400))).result, v1::Outcome::APPLIED);
    const outcome refused = this->commit(set_points("g", sides(400, 200)));
    EXPECT_EQ(refused.result, v1::Outcome::REFUSED);
    EXPECT_EQ(refused.failure->code, wire::status::resource_exhausted);
    EXPECT_THAT(refused.failure->message, HasSubstr("at most 65536 are allowed"));
    EXPECT_EQ(this->opened->load("games/g")->version(), 1u);
    EXPECT_LE(this->opened->load("games/g")->message().size(), 65536u);
    EXPECT_EQ(this->commit(set_points("g", {{"A", 1}})).result, v1::Outcome::APPLIED);
}

TYPED_TEST(every_engine, holds_an_expected_version) {
    EXPECT_EQ(this->commit(expecting(0, set_points("g", {{"A", 1}}))).result, v1::Outcome::APPLIED);
    const outcome conflict = this->commit(expecting(0, set_points("g", {{"A", 2}})));
    EXPECT_EQ(conflict.result, v1::Outcome::CONFLICT);
    EXPECT_EQ(conflict.failure->code, wire::status::failed_precondition);
    EXPECT_EQ(conflict.state->version(), 1u);
    EXPECT_EQ(this->commit(expecting(1, set_points("g", {{"A", 3}}))).result, v1::Outcome::APPLIED);
    EXPECT_EQ(this->commit(expecting(7, set_points("none", {}))).result, v1::Outcome::CONFLICT);
}

TYPED_TEST(every_engine, answers_each_mutation_of_a_commit_on_its_own_merits) {
    std::promise<std::vector<outcome>> promise;
    this->opened->commit({add_medal("a", "gold"), add_medal("a", "gold", -5), add_medal("a", "silver"),
                          expecting(9, add_medal("a", "gold"))},
                         [&](std::vector<outcome> outcomes) { promise.set_value(std::move(outcomes)); });
    const auto outcomes = promise.get_future().get();
    ASSERT_EQ(outcomes.size(), 4u);
    EXPECT_EQ(outcomes[0].result, v1::Outcome::APPLIED);
    EXPECT_EQ(outcomes[1].result, v1::Outcome::REFUSED);
    EXPECT_EQ(outcomes[2].result, v1::Outcome::APPLIED);
    EXPECT_EQ(outcomes[3].result, v1::Outcome::CONFLICT);
    EXPECT_EQ(outcomes[3].state->version(), 2u);
}

TYPED_TEST(every_engine, scans_by_prefix_in_order_and_in_pages) {
    for (const char* name : {"b", "a", "d", "c"}) this->commit(set_points(name, {}));
    this->commit(add_medal("a", "gold"));
    const auto names = [](const std::vector<state_ptr>& states) {
        std::string text;
        for (const auto& one : states) text += one->table() + " ";
        return text;
    };
    EXPECT_EQ(names(this->opened->scan("games/")), "games/a games/b games/c games/d ");
    EXPECT_EQ(names(this->opened->scan("games/", {"games/b", 1})), "games/c ");
    EXPECT_EQ(names(this->opened->scan("")), "games/a games/b games/c games/d teams/a ");
    EXPECT_EQ(names(this->opened->scan("users/")), "");
}

TYPED_TEST(every_engine, shows_sinks_every_event_in_order_before_the_completion) {
    std::mutex lock;
    std::vector<std::uint64_t> seen;
    const subscription watching = this->opened->watch([&](std::span<const event> batch) {
        std::lock_guard hold(lock);
        for (const event& one : batch) {
            EXPECT_EQ(one.sequence, one.state->sequence());
            EXPECT_EQ(this->opened->load(one.state->table())->sequence(), one.sequence);
            seen.push_back(one.sequence);
        }
    });
    for (int i = 0; i < 20; ++i) {
        const outcome done = this->commit(add_medal("t" + std::to_string(i % 3), "gold"));
        std::lock_guard hold(lock);
        ASSERT_FALSE(seen.empty());
        EXPECT_EQ(seen.back(), done.sequence);
    }
    for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i], i + 1);
}

TYPED_TEST(every_engine, resumes_a_feed_from_what_is_retained_and_says_when_it_is_not) {
    engine_options few = this->options;
    few.retained_events_max = 4;
    this->opened.reset();
    TypeParam other;
    const auto small = other.open(few);
    for (int i = 0; i < 10; ++i) commit_and_wait(*small, add_medal("t", "gold"));
    const auto rest = small->events_since(6);
    ASSERT_TRUE(rest);
    ASSERT_EQ(rest->size(), 4u);
    EXPECT_EQ(rest->front().sequence, 7u);
    EXPECT_EQ(small->events_since(8, 1)->front().sequence, 9u);
    EXPECT_TRUE(small->events_since(10)->empty());
    EXPECT_FALSE(small->events_since(5));
}

TYPED_TEST(every_engine, tells_the_history_of_a_table) {
    this->commit(set_points("g", {{"A", 1}}));
    this->clock.advance(5);
    this->commit(set_points("other", {}));
    this->commit(set_points("g", {{"A", 2}, {"B", 1}}, "secret"));
    const auto past = this->opened->history("games/g");
    ASSERT_TRUE(past);
    ASSERT_EQ(past->size(), 2u);
    EXPECT_EQ((*past)[0].sequence, 1u);
    EXPECT_EQ((*past)[1].sequence, 3u);
    EXPECT_EQ((*past)[1].version, 2u);
    EXPECT_EQ((*past)[1].operation, "update_score");
    EXPECT_EQ((*past)[1].details, R"({"op":"update_score","game":"g","points":{"A":2,"B":1}})");
    EXPECT_EQ((*past)[1].state->json(), this->opened->load("games/g")->json());
    EXPECT_EQ(this->opened->history("games/none").error().code, wire::status::not_found);
}

TYPED_TEST(every_engine, shows_the_board_as_it_stood) {
    const std::int64_t start = this->clock.now();
    for (int i = 1; i <= 5; ++i) {
        this->clock.advance(10);
        this->commit(add_medal("gauls", "gold"));
    }
    this->clock.advance(10);
    this->commit(add_medal("romans", "gold"));
    EXPECT_FALSE(*this->opened->load_at("teams/gauls", start + 9));
    EXPECT_EQ((*this->opened->load_at("teams/gauls", start + 30))->tally()->gold(), 3u);
    EXPECT_EQ((*this->opened->load_at("teams/gauls", start + 39))->tally()->gold(), 3u);
    EXPECT_EQ(this->opened->scan_at("teams/", start + 50)->size(), 1u);
    EXPECT_EQ(this->opened->scan_at("teams/", start + 60)->size(), 2u);
}

TYPED_TEST(every_engine, undoes_an_update_and_plays_the_rest_again) {
    this->commit(set_points("g", {{"A", 1}}));
    const outcome wrong = this->commit(set_points("g", {{"A", 9}, {"B", 9}}));
    this->commit(set_points("g", {{"C", 3}}));
    const outcome undone = this->commit(make_reversal(wrong.sequence, "scored for the wrong match"));
    ASSERT_EQ(undone.result, v1::Outcome::APPLIED);
    EXPECT_THAT(undone.state->json(), HasSubstr(R"("points":{"A":1,"C":3})"));
    EXPECT_EQ(undone.state->version(), 4u);

    const auto past = this->opened->history("games/g");
    ASSERT_EQ(past->size(), 4u);
    EXPECT_EQ((*past)[1].reversed_by, undone.sequence);
    EXPECT_EQ((*past)[3].reverses, wrong.sequence);
    EXPECT_EQ((*past)[3].reason, "scored for the wrong match");
    EXPECT_EQ(this->opened->events_since(3)->front().kind, event_kind::reversal);
    EXPECT_EQ(this->opened->events_since(3)->front().reverses, wrong.sequence);

    EXPECT_EQ(this->commit(make_reversal(wrong.sequence, "again")).failure->code,
              wire::status::failed_precondition);
    EXPECT_EQ(this->commit(make_reversal(999, "none")).failure->code, wire::status::not_found);
    const outcome redone = this->commit(make_reversal(undone.sequence, "it was right"));
    EXPECT_THAT(redone.state->json(), HasSubstr(R"("points":{"A":9,"B":9,"C":3})"));
}

TYPED_TEST(every_engine, does_not_undo_what_others_stand_on) {
    const outcome won = this->commit(add_medal("gauls", "gold"));
    this->commit(add_medal("gauls", "gold", -1));
    const outcome refused = this->commit(make_reversal(won.sequence, "no"));
    EXPECT_EQ(refused.result, v1::Outcome::REFUSED);
    EXPECT_THAT(refused.failure->message, HasSubstr("cannot be undone"));
}

TYPED_TEST(every_engine, frozen_shows_the_public_the_board_as_it_stood_and_a_scorer_as_it_is) {
    this->commit(add_medal("gauls", "gold"));
    const std::int64_t before = this->clock.now();
    const outcome frozen = this->commit(make_freeze(true));
    ASSERT_EQ(frozen.result, v1::Outcome::APPLIED);
    this->clock.advance(10);
    this->commit(add_medal("gauls", "gold"));
    this->commit(add_medal("romans", "gold"));

    ASSERT_TRUE(this->opened->frozen_since());
    EXPECT_EQ(this->opened->frozen_since()->sequence, frozen.sequence);
    EXPECT_EQ(this->opened->frozen_since()->at_us, before);
    EXPECT_EQ(this->opened->load("teams/gauls")->tally()->gold(), 1u);
    EXPECT_EQ(this->opened->load("teams/gauls", audience::scorer)->tally()->gold(), 2u);
    EXPECT_FALSE(this->opened->load("teams/romans"));
    EXPECT_EQ(this->opened->scan("teams/").size(), 1u);
    EXPECT_EQ(this->opened->scan("teams/", {}, audience::scorer).size(), 2u);
    EXPECT_EQ(this->opened->history("teams/gauls")->size(), 1u);
    EXPECT_EQ(this->opened->history("teams/gauls", 0, 10, audience::scorer)->size(), 2u);
    EXPECT_EQ(this->opened->history("teams/romans").error().code, wire::status::not_found);
    EXPECT_EQ((*this->opened->load_at("teams/gauls", before + 100))->tally()->gold(), 1u);
    EXPECT_EQ(this->opened->scan_at("teams/", before + 100)->size(), 1u);

    this->commit(make_freeze(false));
    EXPECT_FALSE(this->opened->frozen_since());
    EXPECT_EQ(this->opened->load("teams/gauls")->tally()->gold(), 2u);
    EXPECT_EQ(this->opened->scan("teams/").size(), 2u);
}

TYPED_TEST(every_engine, applies_concurrent_updates_of_one_table_each_once) {
    constexpr int threads_count = 4, each = 250;
    std::vector<std::thread> threads;
    for (int t = 0; t < threads_count; ++t)
        threads.emplace_back([this] {
            for (int i = 0; i < each; ++i)
                EXPECT_EQ(this->commit(add_medal("gauls", "gold")).result, v1::Outcome::APPLIED);
        });
    for (auto& one : threads) one.join();
    EXPECT_EQ(this->opened->load("teams/gauls")->tally()->gold(), 1000u);
    EXPECT_EQ(this->opened->load("teams/gauls")->version(), 1000u);
    EXPECT_EQ(this->opened->history("teams/gauls")->size(), 1000u);
}

TYPED_TEST(every_engine, refuses_commits_once_it_is_stopped) {
    this->opened->stop();
    const outcome late = this->commit(add_medal("gauls", "gold"));
    EXPECT_EQ(late.result, v1::Outcome::UNAVAILABLE);
    EXPECT_EQ(this->opened->health().state, condition::stopped);
}

TYPED_TEST(every_engine, time_never_goes_back) {
    this->clock.advance(1000);
    const auto first = this->commit(add_medal("a", "gold")).state->updated_at_us();
    this->clock.advance(-500);
    EXPECT_EQ(this->commit(add_medal("b", "gold")).state->updated_at_us(), first);
}

} // namespace
} // namespace stadion::dbserver
