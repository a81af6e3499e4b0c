// How well the servers' clocks go together: the clock drivers of a fleet in one process, over loopback TCP,
// each with a drift of its own, read at the same instants of the CLOCK_MONOTONIC they share.
//
// The skew at an instant is the greatest difference between two servers' readings; that every difference is
// within the two servers' published bounds is checked each time too.
#include "test/support/clock_server.hpp"
#include "test/support/percentile.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <future>
#include <thread>

using namespace stadion;
using namespace stadion::clocksync;
using namespace std::chrono_literals;

namespace {

using fleet = std::vector<std::unique_ptr<support::clock_server>>;

fleet start(unsigned servers, double drift_ppm) {
    fleet all;
    fleet_view view{1, 1, 1, {}};
    std::map<server_id, std::string> addresses;
    for (unsigned i = 0; i < servers; ++i) {
        const double share = servers == 1 ? 0 : 2.0 * i / (servers - 1) - 1; // from -1 to 1
        all.push_back(std::make_unique<support::clock_server>(share * drift_ppm));
        view.ring.push_back({i + 1, 1});
        addresses[i + 1] = all.back()->address();
    }
    for (unsigned i = 0; i < servers; ++i) all[i]->enter(i + 1, view, addresses);
    for (const auto& one : all) one->follow(1, 1);
    return all;
}

struct findings {
    std::vector<double> skew_us;
    double error_us_max = 0;
    unsigned outside = 0; // differences greater than the two bounds together
    unsigned unsure = 0;  // servers that had no sure time
};

void look(const fleet& servers, findings& into) {
    const instant now = local_clock::monotonic();
    std::vector<clock_driver::reading> readings;
    for (const auto& one : servers) {
        const auto read = one->clock().read_at(now);
        if (!read || read->state == clock_state::unsure || read->state == clock_state::unsynchronised)
            ++into.unsure;
        else
            readings.push_back(*read);
    }
    std::int64_t widest = 0;
    for (std::size_t i = 0; i < readings.size(); ++i) {
        into.error_us_max =
            std::max(into.error_us_max, static_cast<double>(readings[i].error.count()) / 1000);
        for (std::size_t j = 0; j < i; ++j) {
            const auto apart = std::abs(readings[i].time_ns - readings[j].time_ns);
            widest = std::max(widest, apart);
            into.outside += apart > (readings[i].error + readings[j].error).count();
        }
    }
    into.skew_us.push_back(static_cast<double>(widest) / 1000);
}

// The length of a measurement; nothing is synchronised by it.
void let_run(std::chrono::nanoseconds length) { std::promise<void>().get_future().wait_for(length); }

findings watch(const fleet& servers, std::chrono::milliseconds length) {
    constexpr auto between = 5ms;
    findings found;
    const auto end = std::chrono::steady_clock::now() + length;
    for (auto next = std::chrono::steady_clock::now(); next < end; next += between) {
        let_run(next - std::chrono::steady_clock::now());
        look(servers, found);
    }
    return found;
}

double percentile(std::vector<double>& of, double share) {
    if (of.empty()) return 0;
    const auto at = of.begin() + static_cast<std::ptrdiff_t>(stadion::test::rank_of(share, of.size()));
    std::nth_element(of.begin(), at, of.end());
    return *at;
}

class busy_loops {
public:
    explicit busy_loops(unsigned count) {
        for (unsigned i = 0; i < count; ++i)
            threads_.emplace_back([this] {
                while (!stop_.load(std::memory_order_relaxed)) {
                }
            });
    }
    ~busy_loops() {
        stop_ = true;
        for (auto& one : threads_) one.join();
    }

private:
    std::atomic<bool> stop_{false};
    std::vector<std::thread> threads_;
};

bool all_synchronised(const fleet& servers) {
    return std::ranges::all_of(servers,
                               [](const auto& one) { return one->clock().now().state == "SYNCHRONISED"; });
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app{"skew of the cluster clock between the servers of one machine"};
    unsigned servers = 5, busy = 4;
    double drift_ppm = 100, seconds = 600, leaderless_s = 10;
    app.add_option("--servers", servers, "how many")->capture_default_str()->check(CLI::Range(2, 64));
    app.add_option("--drift-ppm", drift_ppm, "their drifts, evenly within ± this")->capture_default_str();
    app.add_option("--seconds", seconds, "of each run")->capture_default_str();
    app.add_option("--busy", busy, "loops beside the second run")->capture_default_str();
    app.add_option("--leaderless", leaderless_s, "seconds without a leader")->capture_default_str();
    CLI11_PARSE(app, argc, argv);

    bool reached = true;
    const auto judge = [&reached](bool good) {
        reached = reached && good;
        return good ? "" : "   MISSED";
    };
    const auto show = [&](const char* what, findings found, double p99_us_max) {
        const double half = percentile(found.skew_us, 0.5), most = percentile(found.skew_us, 0.99);
        std::printf("%-28s skew p50 %6.2f us, p99 %6.2f us (<= %.0f), max %6.2f us%s\n", what, half, most,
                    p99_us_max, percentile(found.skew_us, 1), judge(most <= p99_us_max));
        std::printf("%-28s bounds at most %.1f us; %u of %zu looks outside them, %u without a time%s\n", "",
                    found.error_us_max, found.outside, found.skew_us.size(), found.unsure,
                    judge(found.outside == 0 && found.unsure == 0));
        std::fflush(stdout);
    };
    const auto length = std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));

    std::printf("%u servers, drifts within +-%.0f ppm, %.0f s a run, looked at every 5 ms\n", servers,
                drift_ppm, seconds);
    const fleet all = start(servers, drift_ppm);
    const auto begun = std::chrono::steady_clock::now();
    while (!all_synchronised(all) && std::chrono::steady_clock::now() - begun < 30s) let_run(10ms);
    watch(all, 5s); // until the rates are learned
    show("idle", watch(all, length), 10);
    {
        const busy_loops load(busy);
        show(("beside " + std::to_string(busy) + " busy loops").c_str(), watch(all, length), 20);
    }

    watch(all, 3s);
    findings before = watch(all, 1s);
    for (const auto& one : all) one->follow(2, 0);
    watch(all, std::chrono::milliseconds(static_cast<std::int64_t>(leaderless_s * 1000)));
    findings after = watch(all, 1s);
    const double grown = percentile(after.skew_us, 1) - percentile(before.skew_us, 0.5);
    std::printf("%-28s skew grew by %.2f us in %.0f s (<= 20)%s\n", "without a leader", grown, leaderless_s,
                judge(grown <= 20));
    return reached ? 0 : 1;
}
