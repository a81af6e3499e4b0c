// Inside the simulator: processes, the dispatcher, the network, and the queue of what happens next.
#pragma once

#include "test/support/simulator.hpp"
#include "test/support/simulator_monitor.hpp"

#include "clocksync/clock/berkeley.hpp"
#include "clocksync/election/election.hpp"
#include "clocksync/order/ordered_multicast.hpp"
#include "clocksync/raffle/raffle.hpp"
#include "clocksync/ring/ring_authority.hpp"
#include "dispatcher/core/fleet_ring.hpp"

#include <deque>
#include <map>
#include <memory>
#include <queue>
#include <set>
#include <variant>

namespace stadion::support {

// ---- what travels

struct join_request {
    clocksync::ring_member previous;
};
struct join_answer {
    clocksync::ring_member self;
    clocksync::fleet_view view;
};
struct heartbeat {};
struct not_joined {}; // to a heartbeat: join again
struct new_election {};
struct leader_answer {}; // to a question whether it leads
struct lock_request {
    clocksync::election_reason reason;
};
struct lock_release {
    clocksync::epoch_number epoch;
    clocksync::server_id leader;
};
struct refused {
    clocksync::epoch_number epoch;
};
struct clock_refused {
    clocksync::epoch_number epoch;
};
struct order_bytes {
    clocksync::server_id from;
    clocksync::ring_key key;
    std::shared_ptr<const std::string> frame;
};

using any_message =
    std::variant<join_request, join_answer, heartbeat, not_joined, new_election, leader_answer,
                 clocksync::fleet_view, lock_request, lock_release, clocksync::lock_answer,
                 clocksync::pass_election, clocksync::coordinator_message, refused, order_bytes,
                 clocksync::clock_probe, clocksync::clock_reply, clocksync::clock_correction, clock_refused>;

std::string describe(const any_message& message);
trace_topic topic_of(const any_message& message);

class simulator::world {
public:
    static constexpr unsigned dispatcher = ~0U; // as an address
    static constexpr unsigned stranger = ~1U;   // as one that nothing is sent to
    static constexpr clocksync::ring_key key = 4711;
    static constexpr clocksync::duration links_hold = std::chrono::milliseconds(250); // without a word
    static constexpr std::uint64_t steps_max = 200'000; // a seeded run takes some thousands

    struct strands {
        clocksync::election election;
        clocksync::ordered_multicast order;
        clocksync::raffle raffle;
        clocksync::berkeley clock;
    };
    struct process {
        bool alive = false;
        bool paused = false;
        std::uint64_t connection = 0; // to the dispatcher
        bool isolated = false;        // from its peers
        bool cut_off = false;         // from the dispatcher
        std::uint64_t life = 0;       // counts starts, so that what was meant for a former one is lost
        instant started{0};
        double drift = 0;
        duration local_offset{0};
        double load = 10;
        std::deque<std::pair<instant, double>> scores; // lately, as of this life
        clocksync::ring_member self;
        std::uint64_t process_incarnation = 0;
        std::unique_ptr<strands> machines; // once admitted
        bool serving = false;
        std::deque<std::function<void()>> frozen; // what happened while paused
        instant timer_at = clocksync::never;
        std::uint64_t timer_token = 0;
        instant join_sent{-1'000'000'000};
        monitor::log_position log;
        monitor::clock_watch watch;
        std::map<std::string, std::uint64_t> next_request; // by client, of the workload here
    };

    explicit world(const simulation_options& options);

    bool run_until(instant time);
    instant now() const { return now_; }
    const std::optional<std::string>& violation() const { return monitor_.violation(); }
    const process& at(unsigned server) const { return processes_[server]; }

    void crash(unsigned server);
    void restart(unsigned server);
    void pause(unsigned server);
    void resume(unsigned server);
    void isolate(unsigned server, bool on, bool from_dispatcher_too = false);
    void crash_dispatcher();
    void restart_dispatcher();
    void pause_dispatcher();
    void resume_dispatcher();
    void stall(unsigned server, duration length); // it is merely busy: nothing is amiss
    void stall_all(duration length);
    void hear_stranger(unsigned server);
    void set_load(unsigned server, double spare_capacity);
    void submit(unsigned server, std::vector<clocksync::request_run> runs);

    void schedule_storm();
    instant storm_end() const { return storm_end_; }
    instant last_grant() const { return granted_at_.empty() ? instant{0} : granted_at_.rbegin()->second; }
    void check_settled();
    simulation_result result() const;

private:
    struct event {
        instant time;
        std::uint64_t sequence;
        std::function<void()> run;
        bool operator>(const event& other) const {
            return std::tie(time, sequence) > std::tie(other.time, other.sequence);
        }
    };

    // ---- time and network
    void at_time(instant time, std::function<void()> run);
    void send(unsigned from, unsigned to, any_message message);
    void arrive(unsigned from, unsigned to, std::uint64_t life, std::uint64_t sent_by,
                const any_message& message);
    duration delay();
    bool linked(unsigned from, unsigned to) const;
    unsigned place_of(clocksync::server_id id) const;
    void trace(trace_topic which, const std::string& text);
    std::string name_of_place(unsigned place) const;
    void note_trouble() { trouble_until_ = std::max(trouble_until_, now_ + std::chrono::milliseconds(700)); }
    void note_suffering() {
        servers_suffered_ = true;
        note_trouble();
    }

    // ---- the dispatcher
    struct dispatcher_state {
        bool alive = true;
        bool paused = false;
        instant paused_at{0};
        std::uint64_t life = 1;
        std::optional<stadion::dispatcher::fleet_ring> ring;
        stadion::dispatcher::fleet_ring::servers registered;
        std::optional<clocksync::election_lock> lock;
        std::map<clocksync::server_id, instant> heard;
        instant checked{0};
        std::deque<std::function<void()>> frozen; // what happened while paused
        clocksync::fleet_view shown;
        // On its disk.
        clocksync::server_id next_id = 1;
        clocksync::ring_record members_disk;
        clocksync::lock_record lock_disk;
    };
    void on_dispatcher(std::uint64_t life, std::function<void()> run);
    void dispatcher_admits(unsigned from, const join_request& join);
    void dispatcher_loses(clocksync::server_id id, std::uint64_t connection);
    void reconnect(unsigned server);
    void settle_dispatcher();
    void start_dispatcher();
    void dispatcher_takes(unsigned from, const any_message& message);
    void dispatcher_grants(unsigned from, clocksync::election_reason reason);
    void check_heartbeats();
    clocksync::fleet_view fleet() const;
    void persist(const std::optional<clocksync::lock_record>& record);

    // ---- a server
    void start(unsigned server, clocksync::ring_member previous);
    void beat(unsigned server, std::uint64_t life);
    void admit(unsigned server, const join_answer& answer);
    void server_takes(unsigned server, unsigned from, const any_message& message);
    void take_view(unsigned server, const clocksync::fleet_view& view);
    void sample_load(process& p);
    void tick(unsigned server);
    void arm(unsigned server);
    void on_process(unsigned server, std::uint64_t life, std::function<void()> run);
    void step(unsigned server);
    instant local(const process& p) const;
    instant true_time_of(const process& p, instant local_time) const;

    template <typename Call>
    void election_event(unsigned server, Call call);
    void perform(unsigned server, const clocksync::election_actions& actions);
    void perform(unsigned server, const clocksync::berkeley_actions& actions);
    template <typename Call>
    void order_event(unsigned server, Call call);
    void perform(unsigned server, clocksync::order_output& out);
    void take_order_bytes(unsigned server, const order_bytes& message);
    void check_clocks();
    std::vector<clocksync::server_id> alive_throughout(unsigned initiator,
                                                       clocksync::epoch_number epoch) const;

    // ---- strangers
    clocksync::epoch_number some_epoch(unsigned server);
    clocksync::server_id some_id();
    clocksync::order_frame some_frame(unsigned server);
    any_message some_message(unsigned server);
    void schedule_strangers();

    // ---- the storm
    void schedule_workload();
    void schedule_submission(instant when);
    void schedule_fault(instant when);
    std::vector<clocksync::request_run> random_runs(unsigned server);

    simulation_options options_;
    random_source random_;
    monitor monitor_;
    instant now_{0};
    std::uint64_t steps_ = 0;
    std::uint64_t sequence_ = 0;
    std::priority_queue<event, std::vector<event>, std::greater<>> events_;
    std::map<std::pair<unsigned, unsigned>, instant> last_arrival_;

    double loss_ = 0, repetition_ = 0;
    double delay_factor_ = 1;
    instant trouble_until_{0};
    bool servers_suffered_ = false; // other than by being busy: a log may have got lost
    std::set<clocksync::view_id> histories_;
    instant storm_end_{0};
    instant leader_since_{0};
    std::map<clocksync::epoch_number, instant> granted_at_;
    std::vector<process> processes_;
    dispatcher_state disp_;
    std::map<std::string, std::uint64_t> client_next_; // requests made so far, fleet-wide

    clocksync::election_settings election_settings_;
    clocksync::lock_settings lock_settings_;
    clocksync::order_settings order_settings_;
    clocksync::berkeley_settings berkeley_settings_;
    clocksync::clock_settings clock_settings_;
    clocksync::raffle_settings raffle_settings_;
};

// Events of one machine: the call gets the local time; what it answers is checked and performed.
template <typename Call>
void simulator::world::election_event(unsigned server, Call call) {
    process& p = processes_[server];
    clocksync::election& machine = p.machines->election;
    const clocksync::epoch_number before = machine.epoch();
    const clocksync::election_actions actions = call(local(p));
    monitor_.election_step(p.self.id, before, machine.epoch(), actions);
    if (machine.frozen_epoch() != 0)
        monitor_.froze_score(machine.frozen_epoch(), p.self.id, machine.frozen_score());
    perform(server, actions);
}

template <typename Call>
void simulator::world::order_event(unsigned server, Call call) {
    clocksync::order_output out;
    call(local(processes_[server]), out);
    perform(server, out);
}

} // namespace stadion::support
