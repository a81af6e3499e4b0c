// The order's figures over loopback TCP: `order_throughput` prints, for 3, 5 and 7 members, ordered 64-byte
// messages per second, the latency of a single message, and the longest pause in delivery when a member or
// the leader is killed; `--kills 1000` for the long run. Exits 1 when a figure is missed, or when anything
// was lost, doubled or reordered.
#include "test/bench/order_fleet.hpp"
#include "test/support/percentile.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <future>
#include <random>

namespace {

using namespace stadion;
using namespace stadion::clocksync;
using namespace std::chrono_literals;
using bench::fleet;
using bench::fleet_member;
using steady = std::chrono::steady_clock;

constexpr std::size_t message_bytes = 64;

std::int64_t nanoseconds_now() { return steady::now().time_since_epoch().count(); }

template <typename T>
T percentile(std::vector<T>& of, double share) {
    if (of.empty()) return T{};
    const auto place = of.begin() + static_cast<std::ptrdiff_t>(stadion::test::rank_of(share, of.size()));
    std::nth_element(of.begin(), place, of.end());
    return *place;
}

// The length of a measurement; nothing is synchronised by it.
void let_run(std::chrono::milliseconds length) { std::promise<void>().get_future().wait_for(length); }

bool wait_until(const std::function<bool()>& holds, std::chrono::milliseconds within = 10s) {
    const auto end = steady::now() + within;
    while (!holds()) {
        if (steady::now() > end) return false;
        let_run(1ms);
    }
    return true;
}

void on_all(fleet& servers, const std::function<void(fleet_member&)>& what) {
    for (const auto& one : servers.members()) servers.tell(one->id(), what);
}

// ---- throughput

// Fills the queue, and again whenever there is room.
void pour(fleet_member& into, const std::atomic<bool>& on) {
    if (!on) return;
    const std::string message(message_bytes, 'm');
    for (unsigned i = 0; i < 2048; ++i)
        if (!into.order().submit(message)) return;
    into.home().post([&into, &on] { pour(into, on); });
}

double throughput(unsigned members, std::chrono::milliseconds length) {
    struct log {
        std::uint64_t hash = 0, index = 0;
    };
    std::mutex guard;
    std::map<const fleet_member*, log> logs;
    std::atomic<std::uint64_t> wrong{0};
    std::atomic<bool> on{true};
    fleet servers(members, [&](fleet_member& at, const order_output::delivered& what) {
        log* mine;
        {
            const std::lock_guard hold(guard);
            mine = &logs[&at];
        }
        std::uint64_t read = 0, bytes = 0;
        for_each_message(what.messages, what.skip, [&](std::uint64_t, std::string_view message) {
            ++read;
            bytes += message.size();
        });
        if (what.first_index != mine->index || read != what.messages.count - what.skip ||
            bytes != read * message_bytes)
            ++wrong;
        mine->index = what.first_index + read;
        mine->hash =
            (mine->hash ^ (what.origin * 0x9e3779b97f4a7c15 + what.messages.first_number)) * 0x100000001b3;
    });
    if (!wait_until([&] { return servers.settled(); })) return 0;
    for (const auto& one : servers.members()) one->on_room = [&on, at = one.get()] { pour(*at, on); };
    on_all(servers, [&](fleet_member& one) { pour(one, on); });
    let_run(length / 4);
    const auto lowest = [&] {
        std::uint64_t index = ~std::uint64_t{0};
        for (const auto& one : servers.members()) index = std::min(index, one->index());
        return index;
    };
    const std::uint64_t before = lowest();
    const auto start = steady::now();
    let_run(length);
    const double rate =
        static_cast<double>(lowest() - before) / std::chrono::duration<double>(steady::now() - start).count();
    on = false;
    const bool drained = wait_until([&] {
        const auto all = servers.members();
        return std::ranges::all_of(all, [&](const auto& one) {
            return one->order().now().lag == 0 && one->index() == all[0]->index();
        });
    });
    for (const auto& one : servers.members()) one->kill();
    const log first = logs.begin()->second;
    for (const auto& [who, at] : logs)
        if (at.hash != first.hash || at.index != first.index) ++wrong;
    if (wrong != 0 || !drained || logs.size() != members) {
        std::printf("the logs differ\n");
        return 0;
    }
    return rate;
}

// ---- latency

double latency_us(unsigned members, unsigned messages) {
    std::mutex guard;
    std::vector<double> all;
    std::atomic<std::uint64_t> arrived{0};
    fleet servers(members, [&](fleet_member&, const order_output::delivered& what) {
        for_each_message(what.messages, what.skip, [&](std::uint64_t, std::string_view message) {
            std::int64_t sent;
            std::memcpy(&sent, message.data(), sizeof sent);
            const std::lock_guard hold(guard);
            all.push_back(static_cast<double>(nanoseconds_now() - sent) / 1000);
            ++arrived;
        });
    });
    if (!wait_until([&] { return servers.settled(); })) return 1e9;
    const auto everyone = servers.members();
    for (unsigned i = 0; i < messages; ++i) {
        servers.tell(everyone[i % members]->id(), [](fleet_member& one) {
            std::string message(message_bytes, 'm');
            const std::int64_t now = nanoseconds_now();
            std::memcpy(message.data(), &now, sizeof now);
            (void)one.order().submit(message);
        });
        if (!wait_until([&] { return arrived == (i + 1) * members; })) return 1e9;
    }
    for (const auto& one : everyone) one->kill();
    return percentile(all, 0.5);
}

// ---- kills

// Everything that was delivered anywhere, by index; each delivery is compared with it.
class witness {
public:
    void delivered(const order_output::delivered& what) {
        const std::lock_guard hold(guard_);
        std::uint64_t index = what.first_index;
        for_each_message(what.messages, what.skip, [&](std::uint64_t number, std::string_view) {
            const name one{what.origin, what.messages.incarnation, number};
            if (index < log_.size()) {
                if (log_[index] != one) complain("reordered");
            } else if (index > log_.size()) {
                complain("a gap");
            } else {
                std::uint64_t& last = last_[{one.origin, one.incarnation}];
                if (number <= last) complain("doubled");
                if (number > last + 1) complain("lost");
                last = number;
                log_.push_back(one);
            }
            ++index;
        });
    }
    std::uint64_t size() {
        const std::lock_guard hold(guard_);
        return log_.size();
    }
    std::uint64_t last_of(server_id origin, std::uint64_t incarnation) {
        const std::lock_guard hold(guard_);
        return last_[{origin, incarnation}];
    }
    void complain(const char* what) {
        if (wrong_++ == 0) std::printf("violation: %s\n", what);
    }
    std::uint64_t wrong() const { return wrong_; }

private:
    struct name {
        server_id origin;
        std::uint64_t incarnation, number;
        friend bool operator==(const name&, const name&) = default;
    };
    std::mutex guard_;
    std::vector<name> log_;
    std::map<std::pair<server_id, std::uint64_t>, std::uint64_t> last_;
    std::atomic<std::uint64_t> wrong_{0};
};

// Submits one message every half millisecond, on the member's worker.
void trickle(const std::shared_ptr<fleet_member>& one, const std::atomic<bool>& on) {
    auto timer = std::make_shared<net::asio::steady_timer>(one->home().context());
    const auto weak = std::weak_ptr(one);
    auto again = std::make_shared<std::function<void()>>();
    *again = [weak, timer, &on, self = std::weak_ptr(again)] {
        timer->expires_after(500us);
        timer->async_wait([weak, timer, &on, keep = self.lock()](net::error_code failed) {
            const auto at = weak.lock();
            if (failed || !at || !on) return;
            (void)at->order().submit(std::string(message_bytes, 'm'));
            (*keep)();
        });
    };
    (*again)();
}

struct pauses {
    std::vector<double> member_ms, leader_ms;
    bool correct = true;
};

pauses kill_some(unsigned members, unsigned kills) {
    witness seen;
    std::atomic<bool> on{true};
    std::mutex guard;
    std::map<const fleet_member*, std::pair<std::int64_t, std::int64_t>>
        times; // last delivery, longest pause
    fleet servers(members, [&](fleet_member& at, const order_output::delivered& what) {
        seen.delivered(what);
        const std::int64_t now = nanoseconds_now();
        const std::lock_guard hold(guard);
        auto& [last, longest] = times[&at];
        if (last != 0) longest = std::max(longest, now - last);
        last = now;
    });
    pauses result;
    const auto start = [&on](fleet_member& one) { trickle(one.shared_from_this(), on); };
    if (!wait_until([&] { return servers.settled(); })) return {{}, {}, false};
    on_all(servers, start);

    std::mt19937 random(7);
    for (unsigned i = 0; i < kills; ++i) {
        auto all = servers.members();
        const auto leader = std::ranges::find_if(all, [](const auto& one) { return one->leads(); });
        const bool of_leader = i % 2 == 0;
        auto victim = leader != all.end() ? *leader : all[0];
        if (!of_leader)
            while (victim->leads()) victim = all[random() % all.size()];
        {
            const std::lock_guard hold(guard);
            times.clear();
        }
        const std::uint64_t before = seen.size();
        wait_until([&] { return seen.size() > before + 20; });
        servers.kill(victim);
        victim.reset();
        all.clear();
        const std::uint64_t after = seen.size();
        if (!wait_until([&] { return servers.settled() && seen.size() > after + 100; }, 5s)) {
            seen.complain("delivery does not go on");
            break;
        }
        {
            const std::lock_guard hold(guard);
            std::int64_t longest = 0;
            for (const auto& one : servers.members()) longest = std::max(longest, times[one.get()].second);
            (of_leader ? result.leader_ms : result.member_ms).push_back(static_cast<double>(longest) / 1e6);
        }
        const auto fresh = servers.add();
        if (!wait_until([&] { return servers.settled(); }, 5s)) {
            seen.complain("a newcomer is not let in");
            break;
        }
        servers.tell(fresh->id(), start);
    }
    on = false;
    const bool drained = wait_until([&] {
        const auto all = servers.members();
        return std::ranges::all_of(
            all, [&](const auto& one) { return one->order().now().lag == 0 && one->index() == seen.size(); });
    });
    if (!drained) seen.complain("not everything was delivered");
    for (const auto& one : servers.members()) {
        one->kill();
        const auto& machine = one->order().machine();
        if (seen.last_of(one->id(), machine.process_incarnation()) != machine.next_number() - 1)
            seen.complain("a survivor's message is lost");
    }
    result.correct = seen.wrong() == 0;
    return result;
}

struct figures {
    unsigned members;
    double messages_per_second_min;
    double latency_us_max;
};
constexpr figures wanted[] = {{3, 1.0e6, 300}, {5, 0.7e6, 350}, {7, 0.5e6, 400}};
constexpr double pause_ms_max = 50;

} // namespace

int main(int argc, char** argv) {
    CLI::App app{"throughput, latency and gaps of the total order, over loopback TCP"};
    unsigned kills = 20, only = 0, messages = 1000;
    bool only_correct = false;
    std::chrono::milliseconds length{3000};
    long length_ms = length.count();
    app.add_option("--kills", kills, "how many for each number of members");
    app.add_option("--members", only, "only this many");
    app.add_option("--length-ms", length_ms, "of a throughput run");
    app.add_option("--messages", messages, "of a latency run");
    app.add_flag("--only-correct", only_correct, "a figure that is missed is no failure");
    CLI11_PARSE(app, argc, argv);
    length = std::chrono::milliseconds(length_ms);

    bool reached = true, correct = true;
    const auto judge = [&reached](bool good) {
        reached = reached && good;
        return good ? "" : "   MISSED";
    };
    for (const figures& f : wanted) {
        if (only != 0 && f.members != only) continue;
        if (length.count() > 0) {
            const double rate = throughput(f.members, length);
            std::printf("%u members   %9.0f messages/s (>= %.0f)%s\n", f.members, rate,
                        f.messages_per_second_min, judge(rate >= f.messages_per_second_min));
        }
        if (messages > 0) {
            const double us = latency_us(f.members, messages);
            std::printf("%u members   %9.0f us p50 (<= %.0f)%s\n", f.members, us, f.latency_us_max,
                        judge(us <= f.latency_us_max));
        }
        if (kills > 0) {
            pauses gap = kill_some(f.members, kills);
            const auto show = [&](const char* who, std::vector<double>& ms) {
                const auto n = ms.size();
                const double half = percentile(ms, 0.5), most = percentile(ms, 0.99);
                std::printf("%u members   %9.1f ms p99 pause, p50 %.1f, %zu kills of %s (<= %.0f)%s\n",
                            f.members, most, half, n, who, pause_ms_max,
                            judge(n == 0 || most <= pause_ms_max));
            };
            show("the leader", gap.leader_ms);
            show("a member", gap.member_ms);
            std::printf("%u members   nothing lost, doubled or reordered: %s%s\n", f.members,
                        gap.correct ? "yes" : "no", judge(gap.correct));
            correct = correct && gap.correct;
        }
        std::fflush(stdout);
    }
    return correct && (reached || only_correct) ? 0 : 1;
}
