// How well Berkeley's machine keeps clocks together over networks that a loopback is not: five simulated
// servers with drifting clocks, seeded delays, minutes of simulated time in a second.
//
// The machines are production's, with production's settings; only messages and time are simulated, so the
// skew is against the exact truth.
#include "clocksync/clock/berkeley.hpp"
#include "test/support/percentile.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <queue>
#include <random>

using namespace stadion::clocksync;
using namespace std::chrono_literals;

namespace {

struct network {
    const char* name;
    double base_us, exponential_us; // of one direction
    double tail_share, tail_us;     // so often so much more
    double asymmetry;               // one direction takes this share more, the other less
    double skew_us_max;             // p99
};

constexpr network networks[] = {
    {"50 us + Exp(50 us), 1 % + 5 ms", 50, 50, 0.01, 5000, 0, 15},
    {"the same, 20 % asymmetric", 50, 50, 0.01, 5000, 0.2, 25},
    {"1 ms + Exp(1 ms)", 1000, 1000, 0, 0, 0, 250},
};

class fleet {
public:
    fleet(const network& over, unsigned servers, double drift_ppm, std::uint64_t seed)
        : over_(over), random_(seed) {
        std::uniform_real_distribution<double> drifts(-drift_ppm, drift_ppm), far(0, 1e12);
        fleet_view view{1, 1, 1, {}};
        for (unsigned i = 0; i < servers; ++i) view.ring.push_back({i + 1, 1});
        for (unsigned i = 0; i < servers; ++i) {
            node& n = nodes_.emplace_back();
            n.drift = drifts(random_) * 1e-6;
            n.offset = duration(static_cast<std::int64_t>(far(random_)));
            n.slower_out = random_() % 2 == 0;
            const std::int64_t system_time =
                1'700'000'000'000'000'000 + static_cast<std::int64_t>(i) * 300'000;
            n.machine.emplace(berkeley_settings{}, view.ring[i],
                              cluster_clock(clock_settings{}, local(n), system_time), 1);
        }
        for (unsigned i = 0; i < servers; ++i) {
            perform(i, nodes_[i].machine->on_view(local(nodes_[i]), view));
            perform(i, nodes_[i].machine->on_leader(local(nodes_[i]), 1, 1));
        }
    }

    void run_until(duration time) {
        while (!events_.empty() && events_.top().at <= time) {
            auto run = events_.top().run;
            now_ = events_.top().at;
            events_.pop();
            run();
        }
        now_ = time;
    }
    void lose_leader() {
        for (unsigned i = 0; i < nodes_.size(); ++i)
            perform(i, nodes_[i].machine->on_leader(local(nodes_[i]), 2, 0));
    }
    // Between the two that are furthest apart.
    double skew_us() {
        std::int64_t widest = 0;
        for (std::size_t i = 0; i < nodes_.size(); ++i)
            for (std::size_t j = 0; j < i; ++j) {
                const clock_line& a = nodes_[i].machine->clock().line();
                const clock_line& b = nodes_[j].machine->clock().line();
                const instant at_a = local(nodes_[i]), at_b = local(nodes_[j]);
                const auto apart = std::abs(a.reading_at(at_a) - b.reading_at(at_b));
                if (apart > (a.error_at(at_a) + b.error_at(at_b)).count()) ++outside_;
                widest = std::max(widest, apart);
            }
        return static_cast<double>(widest) / 1000;
    }
    unsigned outside() const { return outside_; }

private:
    struct node {
        double drift = 0;
        duration offset{0};
        bool slower_out = false;
        std::optional<berkeley> machine;
        instant armed = never;
    };
    struct event {
        duration at;
        std::uint64_t number;
        std::function<void()> run;
        bool operator>(const event& other) const {
            return std::tie(at, number) > std::tie(other.at, other.number);
        }
    };

    instant local(const node& n) const {
        return now_ + duration(std::llround(static_cast<double>(now_.count()) * n.drift)) + n.offset;
    }
    void after(duration length, std::function<void()> run) {
        events_.push({now_ + length, ++number_, std::move(run)});
    }
    duration delay(bool slower) {
        double us = over_.base_us + std::exponential_distribution<double>(1 / over_.exponential_us)(random_);
        if (std::uniform_real_distribution<double>()(random_) < over_.tail_share) us += over_.tail_us;
        return duration(std::llround(us * 1000 * (slower ? 1 + over_.asymmetry : 1 - over_.asymmetry)));
    }

    void perform(unsigned at, const berkeley_actions& actions) {
        for (const auto& action : actions) {
            if (const auto* probe = std::get_if<send_probe>(&action)) {
                const unsigned to = probe->to - 1;
                after(delay(nodes_[to].slower_out), [this, at, to, message = probe->message] {
                    const auto reply = nodes_[to].machine->on_probe(local(nodes_[to]), message);
                    after(delay(!nodes_[to].slower_out), [this, at, to, reply] {
                        perform(at, nodes_[at].machine->on_reply(local(nodes_[at]), to + 1, reply));
                    });
                });
            } else if (const auto* correction = std::get_if<send_correction>(&action)) {
                const unsigned to = correction->to - 1;
                after(delay(nodes_[to].slower_out), [this, to, message = correction->message] {
                    (void)nodes_[to].machine->on_correction(local(nodes_[to]), message);
                });
            }
        }
        cluster_clock& clock = nodes_[at].machine->clock();
        if (clock.line().synchronised && !clock.serving()) clock.begin_service();
        arm(at);
    }
    void arm(unsigned at) {
        node& n = nodes_[at];
        const instant due = n.machine->deadline();
        if (due == never || due >= n.armed) return;
        n.armed = due;
        const auto in = static_cast<double>((due - local(n)).count()) / (1 + n.drift);
        after(std::max(duration(std::llround(in)), duration(1)), [this, at] {
            node& late = nodes_[at];
            late.armed = never;
            berkeley_actions actions;
            if (local(late) >= late.machine->deadline()) actions = late.machine->tick(local(late));
            perform(at, actions);
        });
    }

    network over_;
    std::mt19937_64 random_;
    std::vector<node> nodes_;
    duration now_{0};
    std::priority_queue<event, std::vector<event>, std::greater<>> events_;
    std::uint64_t number_ = 0;
    unsigned outside_ = 0;
};

double percentile(std::vector<double>& of, double share) {
    const auto at = of.begin() + static_cast<std::ptrdiff_t>(stadion::test::rank_of(share, of.size()));
    std::nth_element(of.begin(), at, of.end());
    return *at;
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app{"skew of the cluster clock over simulated networks"};
    unsigned servers = 5, seeds = 20;
    double drift_ppm = 100;
    unsigned minutes = 10;
    app.add_option("--servers", servers, "how many")->capture_default_str()->check(CLI::Range(2, 64));
    app.add_option("--seeds", seeds, "runs over each network")->capture_default_str();
    app.add_option("--minutes", minutes, "simulated, of a run")->capture_default_str();
    app.add_option("--drift-ppm", drift_ppm, "their drifts, within ± this")->capture_default_str();
    CLI11_PARSE(app, argc, argv);

    bool reached = true;
    const auto judge = [&reached](bool good) {
        reached = reached && good;
        return good ? "" : "   MISSED";
    };
    std::printf("%u servers, drifts within +-%.0f ppm, %u runs of %u simulated minutes each\n", servers,
                drift_ppm, seeds, minutes);
    std::vector<double> grown;
    for (const network& over : networks) {
        std::vector<double> all;
        double worst = 0;
        unsigned outside = 0;
        for (unsigned seed = 1; seed <= seeds; ++seed) {
            fleet simulated(over, servers, drift_ppm, seed);
            constexpr auto learned_after = 10s;
            simulated.run_until(learned_after);
            std::vector<double> skews;
            duration now = learned_after;
            for (const duration end = now + std::chrono::minutes(minutes); now < end; now += 10ms) {
                simulated.run_until(now);
                skews.push_back(simulated.skew_us());
            }
            if (&over == &networks[0]) {
                simulated.lose_leader();
                const double before = simulated.skew_us();
                simulated.run_until(now + 10s);
                grown.push_back(simulated.skew_us() - before);
            }
            outside += simulated.outside();
            worst = std::max(worst, percentile(skews, 0.99));
            all.insert(all.end(), skews.begin(), skews.end());
        }
        const double most = percentile(all, 0.99);
        std::printf("%-32s skew p50 %7.2f us, p99 %7.2f us (<= %.0f), p99 of the worst run %7.2f us%s\n",
                    over.name, percentile(all, 0.5), most, over.skew_us_max, worst,
                    judge(most <= over.skew_us_max));
        if (outside != 0)
            std::printf("%-32s %u readings outside the published bounds%s\n", "", outside, judge(false));
        std::fflush(stdout);
    }
    const double most = percentile(grown, 1);
    std::printf("%-32s skew grows by at most %.2f us (<= 20)%s\n", "10 s without a leader", most,
                judge(most <= 20));
    return reached ? 0 : 1;
}
