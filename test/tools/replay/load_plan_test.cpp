#include "tools/replay/load_plan.hpp"

#include "tools/demo/demo_data.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stadion::tools {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(load_plan, a_medal_table_sets_tallies) {
    const auto plan =
        plan_load("rank,code,team,gold,silver,bronze,total\r\n1,USA,\"United States\",40,44,42,126\r\n");
    EXPECT_THAT(plan.problems, IsEmpty());
    ASSERT_EQ(plan.mutations.size(), 1u);
    const auto& tally = plan.mutations[0].replace_tally();
    EXPECT_EQ(tally.team(), "United States");
    EXPECT_EQ(tally.gold(), 40u);
    EXPECT_EQ(tally.silver(), 44u);
    EXPECT_EQ(tally.bronze(), 42u);
}

TEST(load_plan, the_header_says_where_the_columns_are) {
    const auto plan = plan_load("bronze,team,gold,silver\n3,gauls,1,2\n");
    EXPECT_THAT(plan.problems, IsEmpty());
    ASSERT_EQ(plan.mutations.size(), 1u);
    EXPECT_EQ(plan.mutations[0].replace_tally().gold(), 1u);
    EXPECT_EQ(plan.mutations[0].replace_tally().bronze(), 3u);
}

TEST(load_plan, bad_lines_are_named_by_their_number) {
    const auto plan = plan_load("rank,code,team,gold,silver,bronze,total\n"
                                "1,GAU,gauls,1,1,1,4\n"
                                "2,ROM,romans,one,1,1,3\n"
                                "3,BRI,,1,1,1,3\n"
                                "4,NOR\n"
                                "5,GOT,goths,-1,1,1,1\n"
                                "6,EGY,egypt,1,1,1,3\n"
                                "7,EGY,egypt,1,1,1,3\n");
    EXPECT_THAT(plan.problems,
                ElementsAre(HasSubstr("line 2: the medals add up to 3"), HasSubstr("line 3: gold is 'one'"),
                            HasSubstr("line 4: the name is empty"), HasSubstr("line 5: 2 fields"),
                            HasSubstr("line 6: gold is '-1'"), HasSubstr("line 8: egypt")));
}

TEST(load_plan, a_table_without_its_columns_is_refused) {
    EXPECT_THAT(plan_load("country,gold\nx,1\n").problems, ElementsAre(HasSubstr("no column called team")));
    EXPECT_THAT(plan_load("").problems, ElementsAre(HasSubstr("empty")));
}

TEST(load_plan, a_game_list_sets_scores) {
    const auto plan =
        plan_load(R"([{"game":"hockey","title":"Final","points":{"gauls":2,"romans":-1},"status":"OFFICIAL"},
                                    {"game":"chess","points":{}}])");
    EXPECT_THAT(plan.problems, IsEmpty());
    ASSERT_EQ(plan.mutations.size(), 2u);
    const auto& score = plan.mutations[0].replace_score();
    EXPECT_EQ(score.game(), "hockey");
    EXPECT_EQ(score.title(), "Final");
    EXPECT_EQ(score.points().at("romans"), -1);
    EXPECT_EQ(score.status(), v1::Score::OFFICIAL);
    EXPECT_FALSE(plan.mutations[1].replace_score().has_status());
}

TEST(load_plan, a_bad_game_is_named_by_its_place) {
    const auto plan = plan_load(
        R"([{"game":"a","points":{"x":1.5}},{"points":{}},{"game":"b","points":{},"status":"OVER"}])");
    EXPECT_THAT(plan.problems, ElementsAre(HasSubstr("game 1: the points of x are 1.5"),
                                           HasSubstr("game 2: "), HasSubstr("game 3: no such status: OVER")));
    EXPECT_THAT(plan_load("[{").problems, ElementsAre(HasSubstr("not valid JSON")));
}

TEST(load_plan, a_tournament_is_loaded_as_it_ended) {
    const auto plan = plan_load(demo_matches_json());
    EXPECT_THAT(plan.problems, IsEmpty());
    ASSERT_EQ(plan.mutations.size(), 12u);
    const auto& final = plan.mutations.back().replace_score();
    EXPECT_EQ(final.points().at("Argentina"), 3);
    EXPECT_EQ(final.points().at("France"), 3);
    EXPECT_EQ(final.status(), v1::Score::OFFICIAL);
}

TEST(load_plan, the_demo_is_fine) {
    EXPECT_THAT(plan_load(demo_medals_csv()).problems, IsEmpty());
    EXPECT_EQ(plan_load(demo_medals_csv()).mutations.size(), 10u);
}

} // namespace
} // namespace stadion::tools
