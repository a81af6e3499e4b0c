// Mutation test of the campaigns: they must detect each planted bug. Built with STADION_PLANTED_BUGS.
//
//     store_planted_bugs [NAME]
#include "dbserver/table/planted_bug.hpp"
#include "test/support/store_campaign.hpp"

#include <cstdio>
#include <string_view>

namespace {

using namespace stadion;
using dbserver::bug;

constexpr std::string_view names[] = {"none",
                                      "answers_before_sync",
                                      "publishes_before_sync",
                                      "retries_failed_sync",
                                      "no_directory_sync",
                                      "no_rewrite_after_unclean",
                                      "leaves_torn_tail",
                                      "ignores_record_checksum",
                                      "ignores_file_checksum",
                                      "loses_keys_at_checkpoint",
                                      "removes_segments_too_early",
                                      "renames_before_manifest",
                                      "forgets_history",
                                      "keeps_failed_drafts",
                                      "forgets_freeze",
                                      "loses_sessions_at_checkpoint",
                                      "forgets_keys_early",
                                      "confirms_too_much",
                                      "goes_back_to_a_checkpoint",
                                      "answers_from_waiting_states"};
static_assert(std::size(names) == static_cast<std::size_t>(bug::ends));

// Runs the campaigns in turn until one of them detects a bug.
test::campaign_figures hunt(std::uint64_t seeds) {
    test::campaign_figures figures;
    for (std::uint64_t seed = 1; seed <= seeds && figures.broken_promises == 0; ++seed) {
        test::try_damage(seed, 40, figures);
        test::try_concurrency(seed, 400, figures);
        if (figures.broken_promises == 0) test::try_crashes(seed, 4, figures);
        if (figures.broken_promises == 0) test::try_survived_faults(seed, 10, figures);
        if (figures.broken_promises == 0 && seed % 8 == 1) test::try_failed_calls(seed, figures);
    }
    return figures;
}

} // namespace

int main(int count, char** arguments) {
    int unseen = 0;
    for (std::size_t i = 1; i < std::size(names); ++i) {
        if (count > 1 && names[i] != arguments[1]) continue;
        dbserver::planted_bug = static_cast<bug>(i);
        const test::campaign_figures found = hunt(60);
        std::printf("%-30s %s\n", std::string(names[i]).c_str(),
                    found.broken_promises ? found.first_broken.substr(0, 140).c_str() : "NOT SEEN");
        std::fflush(stdout);
        unseen += found.broken_promises == 0;
    }
    dbserver::planted_bug = bug::none;
    if (const auto sound = hunt(2); sound.broken_promises) {
        std::printf("without a bug: %s\n", sound.first_broken.c_str());
        return 1;
    }
    return unseen == 0 ? 0 : 1;
}
