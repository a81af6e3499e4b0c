// Each protocol's ordinary run and its main failure, as an exchange that a person can read.
//
// STADION_UPDATE_GOLDEN=1 writes the files anew; the difference then belongs into the review.
#include "test/support/simulator.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace stadion::support {
namespace {

using namespace std::chrono_literals;

// Three servers, 100 µs for every message, no chance.
class golden : public testing::Test {
protected:
    golden() {
        simulation_options options;
        options.servers = 3;
        options.even_delays = true;
        options.trace = [this](trace_topic which, std::string_view line) {
            const bool beat = line.ends_with(", beat");
            if (recording_ && !beat && (which == wanted_ || which == trace_topic::membership) && wanted(line))
                (transcript_ += line) += '\n';
        };
        fleet_.emplace(options);
    }

    static bool wanted(std::string_view line) {
        for (const std::string_view noise : {"Heartbeat", "  View ", "periodic", "refused:"})
            if (line.find(noise) != std::string_view::npos) return false;
        return true;
    }
    void record(trace_topic which) {
        wanted_ = which;
        recording_ = true;
    }
    void expect_transcript(const std::string& name) {
        ASSERT_FALSE(fleet_->violation()) << *fleet_->violation();
        const std::string path = std::string(STADION_SOURCE_DIR) + "/test/clocksync/golden/" + name + ".txt";
        if (std::getenv("STADION_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << transcript_;
        std::ifstream file(path);
        const std::string expected{std::istreambuf_iterator<char>(file), {}};
        EXPECT_EQ(transcript_, expected) << "in " << path;
    }

    std::optional<simulator> fleet_;
    trace_topic wanted_ = trace_topic::election;
    bool recording_ = false;
    std::string transcript_;
};

TEST_F(golden, election_ordinary) {
    fleet_->set_load(2, 20);
    record(trace_topic::election);
    fleet_->run_until(8ms);
    expect_transcript("election_ordinary");
}

TEST_F(golden, election_leader_killed) {
    fleet_->run_until(230ms);
    record(trace_topic::election);
    fleet_->crash(0);
    fleet_->run_until(240ms);
    expect_transcript("election_leader_killed");
}

TEST_F(golden, election_leader_paused_and_fenced) {
    fleet_->set_load(0, 20); // nobody challenges it
    fleet_->run_until(230ms);
    record(trace_topic::election);
    fleet_->pause(0);
    fleet_->run_until(500ms);
    fleet_->resume(0);
    fleet_->run_until(502ms);
    expect_transcript("election_leader_paused_and_fenced");
}

TEST_F(golden, order_ordinary) {
    fleet_->run_until(230ms);
    record(trace_topic::order);
    fleet_->submit(0, "asterix", 1, 3);
    fleet_->submit(2, "obelix", 1, 2);
    fleet_->run_until(235ms);
    expect_transcript("order_ordinary");
}

TEST_F(golden, order_leader_killed_with_messages_under_way) {
    fleet_->run_until(230ms);
    record(trace_topic::order);
    fleet_->submit(0, "asterix", 1, 3);
    fleet_->submit(1, "obelix", 1, 2);
    fleet_->run_until(230ms + 50us);
    fleet_->crash(0);
    fleet_->run_until(240ms);
    expect_transcript("order_leader_killed_with_messages_under_way");
}

TEST_F(golden, clock_ordinary) {
    fleet_->run_until(300ms);
    record(trace_topic::clock);
    fleet_->run_until(410ms);
    expect_transcript("clock_ordinary");
}

TEST_F(golden, clock_leader_killed) {
    fleet_->run_until(230ms);
    record(trace_topic::clock);
    fleet_->crash(0);
    fleet_->run_until(240ms);
    expect_transcript("clock_leader_killed");
}

} // namespace
} // namespace stadion::support
