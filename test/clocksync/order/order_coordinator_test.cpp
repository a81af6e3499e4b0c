#include "clocksync/order/order_coordinator.hpp"

#include <gmock/gmock.h>

namespace stadion::clocksync {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr duration retry = 200ms;
constexpr duration unix_ahead = 1000h;
constexpr epoch_number epoch = 7;
constexpr view_id old_view{6, 1};

std::vector<server_id> receivers(const addressed_frames& frames) {
    std::vector<server_id> all;
    for (const auto& one : frames) all.push_back(one.to);
    return all;
}

// The frames of one kind.
template <typename Frame>
std::vector<std::pair<server_id, Frame>> only(const addressed_frames& frames) {
    std::vector<std::pair<server_id, Frame>> all;
    for (const auto& one : frames)
        if (const auto* frame = std::get_if<Frame>(&one.frame)) all.emplace_back(one.to, *frame);
    return all;
}

report_frame report(const view_id& proposal, std::uint64_t incarnation, const view_id& installed = {},
                    std::vector<held> holdings = {}, std::optional<propose_frame> confirmed = {}) {
    return {proposal, incarnation, installed, std::move(holdings), std::move(confirmed)};
}

// Server 1 leads a ring of three.
class a_coordinator : public testing::Test {
protected:
    a_coordinator() {
        EXPECT_THAT(of_.on_ring(now_, ring_), IsEmpty()) << "it does not lead yet";
        const auto begun = of_.lead(now_, epoch);
        EXPECT_THAT(receivers(begun), ElementsAre(3, 1, 2));
        EXPECT_EQ(only<stop_frame>(begun).size(), 3u);
    }

    // All members report; the frames that the last report leads to.
    addressed_frames all_report(const view_id& proposal, const view_id& installed = old_view) {
        of_.on_report(now_, 1, report(proposal, 1, installed));
        of_.on_report(now_, 2, report(proposal, 1, installed));
        return of_.on_report(now_, 3, report(proposal, 3, installed));
    }
    addressed_frames all_confirm(const view_id& proposal) {
        addressed_frames last;
        for (const server_id from : {1u, 2u, 3u}) last = of_.on_confirm(now_, from, {proposal});
        return last;
    }

    instant now_ = 1s;
    const std::vector<ring_member> ring_{{3, 3}, {1, 1}, {2, 1}};
    order_coordinator of_{1, retry, unix_ahead, planted_bug::none};
    static constexpr view_id first_{epoch, 1}, second_{epoch, 2};
};

TEST_F(a_coordinator, leads_a_view_change_from_stop_to_installed) {
    const auto proposed = all_report(first_);
    EXPECT_THAT(receivers(proposed), ElementsAre(3, 1, 2));
    ASSERT_EQ(only<propose_frame>(proposed).size(), 3u);
    const auto committed = all_confirm(first_);
    EXPECT_THAT(receivers(committed), ElementsAre(3, 1, 2));
    ASSERT_EQ(only<commit_frame>(committed).size(), 3u);
    EXPECT_EQ(only<commit_frame>(committed)[0].second.proposal, first_);
    for (const server_id from : {1u, 2u, 3u}) {
        EXPECT_FALSE(of_.resting());
        of_.on_installed(from, {first_});
    }
    EXPECT_TRUE(of_.resting());
    EXPECT_EQ(of_.deadline(), never);
}

TEST_F(a_coordinator, proposes_only_when_every_member_has_reported_as_the_incarnation_in_the_ring) {
    EXPECT_THAT(of_.on_report(now_, 1, report(first_, 1)), IsEmpty());
    EXPECT_THAT(of_.on_report(now_, 1, report(first_, 1)), IsEmpty()) << "the same one again";
    EXPECT_THAT(of_.on_report(now_, 2, report(first_, 1)), IsEmpty());
    EXPECT_THAT(of_.on_report(now_, 3, report(first_, 2)), IsEmpty()) << "a former incarnation";
    EXPECT_THAT(of_.on_report(now_, 3, report(second_, 3)), IsEmpty()) << "of another proposal";
    EXPECT_THAT(of_.on_report(now_, 4, report(first_, 3)), IsEmpty()) << "no member";
    EXPECT_EQ(only<propose_frame>(of_.on_report(now_, 3, report(first_, 3))).size(), 3u);
}

TEST_F(a_coordinator, commits_only_when_every_member_has_confirmed_this_proposal) {
    all_report(first_);
    of_.on_confirm(now_, 1, {first_});
    of_.on_confirm(now_, 2, {first_});
    EXPECT_THAT(of_.on_confirm(now_, 2, {first_}), IsEmpty());
    EXPECT_THAT(of_.on_confirm(now_, 3, {second_}), IsEmpty());
    EXPECT_THAT(of_.on_confirm(now_, 4, {first_}), IsEmpty());
    EXPECT_EQ(only<commit_frame>(of_.on_confirm(now_, 3, {first_})).size(), 3u);
}

TEST_F(a_coordinator, cuts_at_the_last_batch_that_any_survivor_holds_and_names_its_holder) {
    of_.on_report(now_, 1, report(first_, 1, old_view, {{1, 300}, {2, 100}}));
    of_.on_report(now_, 2, report(first_, 1, old_view, {{1, 200}, {2, 150}}));
    const auto proposed = only<propose_frame>(of_.on_report(now_, 3, report(first_, 3, {}, {{2, 999}})));
    ASSERT_EQ(proposed.size(), 3u);
    const propose_frame& proposal = proposed[0].second;
    EXPECT_EQ(proposal.base, old_view);
    EXPECT_THAT(proposal.members, ElementsAre(ring_member{1, 1}, ring_member{2, 1}, ring_member{3, 3}));
    EXPECT_THAT(proposal.survivors, ElementsAre(1, 2)) << "3 is a newcomer; what it holds is of no view";
    EXPECT_THAT(proposal.cut, ElementsAre(cut_entry{1, 300, 1}, cut_entry{2, 150, 2}));
    EXPECT_EQ(proposal.donor, 1u);
    EXPECT_EQ(proposal.began_us, 0u);
}

TEST_F(a_coordinator, keeps_the_latest_cut_that_a_survivor_confirmed) {
    const propose_frame earlier{{6, 2}, old_view, ring_, {1, 2}, {{1, 100, 1}}, 1, 0};
    const propose_frame later{{6, 3}, old_view, ring_, {1, 2}, {{1, 250, 1}}, 1, 0};
    of_.on_report(now_, 1, report(first_, 1, old_view, {{1, 300}}, earlier));
    of_.on_report(now_, 2, report(first_, 1, old_view, {{1, 250}}, later));
    const auto proposed = only<propose_frame>(of_.on_report(now_, 3, report(first_, 3, old_view)));
    ASSERT_EQ(proposed.size(), 3u);
    EXPECT_THAT(proposed[0].second.cut, ElementsAre(cut_entry{1, 250, 1})) << "it may have been committed";
}

TEST_F(a_coordinator, takes_the_state_from_a_survivor_when_it_is_a_newcomer_itself) {
    of_.on_report(now_, 1, report(first_, 1));
    of_.on_report(now_, 2, report(first_, 1, old_view));
    const auto proposed = only<propose_frame>(of_.on_report(now_, 3, report(first_, 3, old_view)));
    ASSERT_EQ(proposed.size(), 3u);
    EXPECT_THAT(proposed[0].second.survivors, ElementsAre(2, 3));
    EXPECT_EQ(proposed[0].second.donor, 2u);
}

TEST_F(a_coordinator, begins_a_new_log_when_nobody_has_a_view) {
    const auto proposed = only<propose_frame>(all_report(first_, {}));
    ASSERT_EQ(proposed.size(), 3u);
    EXPECT_THAT(proposed[0].second.survivors, IsEmpty());
    EXPECT_EQ(proposed[0].second.donor, 0u);
    EXPECT_EQ(proposed[0].second.began_us, static_cast<std::uint64_t>((now_ + unix_ahead) / 1us));
}

TEST_F(a_coordinator, finishes_a_view_that_only_some_have_installed_and_then_begins_again) {
    const view_id half_installed{6, 2};
    const propose_frame confirmed{half_installed, old_view, ring_, {1, 2}, {}, 1, 0};
    of_.on_report(now_, 1, report(first_, 1, half_installed));
    of_.on_report(now_, 2, report(first_, 1, old_view, {}, confirmed));
    const auto frames = of_.on_report(now_, 3, report(first_, 3, {}, {}, confirmed));
    const auto commits = only<commit_frame>(frames);
    ASSERT_EQ(commits.size(), 1u) << "3 was to be sent the state, and is again";
    EXPECT_EQ(commits[0].first, 2u);
    EXPECT_EQ(commits[0].second.proposal, half_installed);
    EXPECT_EQ(commits[0].second.epoch, epoch);
    ASSERT_EQ(only<stop_frame>(frames).size(), 3u);
    EXPECT_EQ(only<stop_frame>(frames)[0].second.proposal, second_);
}

TEST_F(a_coordinator, repeats_each_step_to_those_who_have_not_answered) {
    of_.on_report(now_, 1, report(first_, 1, old_view));
    EXPECT_THAT(of_.tick(now_ + retry - 1ns), IsEmpty());
    EXPECT_EQ(of_.deadline(), now_ + retry);
    now_ += retry;
    EXPECT_THAT(receivers(of_.tick(now_)), ElementsAre(3, 2));
    EXPECT_THAT(of_.tick(now_), IsEmpty());
    all_report(first_);
    of_.on_confirm(now_, 3, {first_});
    now_ += retry;
    const auto proposed = of_.tick(now_);
    EXPECT_THAT(receivers(proposed), ElementsAre(1, 2));
    EXPECT_EQ(only<propose_frame>(proposed).size(), 2u);
    all_confirm(first_);
    of_.on_installed(1, {first_});
    now_ += retry;
    const auto committed = of_.tick(now_);
    EXPECT_THAT(receivers(committed), ElementsAre(3, 2));
    EXPECT_EQ(only<commit_frame>(committed).size(), 2u);
}

TEST_F(a_coordinator, begins_anew_when_a_proposal_is_not_confirmed_in_time) {
    all_report(first_);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(only<propose_frame>(of_.tick(now_ += retry)).size(), 3u) << i;
    const auto anew = only<stop_frame>(of_.tick(now_ += retry));
    ASSERT_EQ(anew.size(), 3u);
    EXPECT_EQ(anew[0].second.proposal, second_);
}

TEST_F(a_coordinator, begins_anew_when_the_ring_changes_and_rests_when_it_is_dropped) {
    all_report(first_);
    EXPECT_THAT(of_.on_ring(now_, ring_), IsEmpty()) << "the same ring";
    const auto anew = of_.on_ring(now_, {{1, 1}, {2, 1}});
    EXPECT_THAT(receivers(anew), ElementsAre(1, 2));
    ASSERT_EQ(only<stop_frame>(anew).size(), 2u);
    EXPECT_EQ(only<stop_frame>(anew)[0].second.proposal, second_);
    EXPECT_THAT(of_.on_ring(now_, {{2, 1}}), IsEmpty());
    EXPECT_TRUE(of_.resting());
    EXPECT_EQ(of_.deadline(), never);
}

TEST_F(a_coordinator, leads_again_only_in_a_higher_epoch_and_says_nothing_once_it_stepped_down) {
    EXPECT_THAT(of_.lead(now_, epoch), IsEmpty());
    EXPECT_THAT(of_.lead(now_, epoch - 1), IsEmpty());
    const auto higher = only<stop_frame>(of_.lead(now_, epoch + 1));
    ASSERT_EQ(higher.size(), 3u);
    EXPECT_EQ(higher[0].second.proposal, (view_id{epoch + 1, 1}));
    of_.step_down();
    EXPECT_FALSE(of_.leads());
    EXPECT_THAT(all_report({epoch + 1, 1}), IsEmpty());
    EXPECT_THAT(of_.tick(now_ + 1h), IsEmpty());
    EXPECT_THAT(of_.on_ring(now_, {{1, 1}}), IsEmpty());
}

} // namespace
} // namespace stadion::clocksync
