// The simulator's messages as a reader sees them.
#include "test/support/simulator_world.hpp"

namespace stadion::support {

using namespace clocksync;

namespace {

template <typename... F>
struct overloaded : F... {
    using F::operator()...;
};
template <typename... F>
overloaded(F...) -> overloaded<F...>;

template <typename T, typename Name>
std::string list(const std::vector<T>& items, Name name) {
    std::string out = "[";
    for (const T& item : items) out += (out.size() > 1 ? " " : "") + name(item);
    return out + "]";
}

std::string text(double value) {
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, "%.4g", value);
    return buffer;
}
std::string text(server_id id) { return std::to_string(id); }
std::string text(const view_id& view) {
    return std::to_string(view.epoch) + "." + std::to_string(view.serial);
}
std::string number(std::uint64_t n) { return std::to_string(n); }
std::string ring(const std::vector<ring_member>& members) {
    return list(members, [](const ring_member& m) { return text(m.id); });
}
std::string ids(const std::vector<server_id>& all) {
    return list(all, [](server_id id) { return text(id); });
}

std::string describe_frame(const order_frame& frame) {
    return std::visit(
        overloaded{
            [](const data_frame& f) {
                std::string out = "data view " + text(f.view) + " timestamp " + number(f.timestamp) +
                                  " previous " + number(f.previous) + " holds " +
                                  list(f.holds, [](std::uint64_t last) { return number(last); });
                if (f.messages) {
                    out += ", messages " + number(f.messages->first_number);
                    if (f.messages->count > 1)
                        out += "-" + number(f.messages->first_number + f.messages->count - 1);
                }
                return out + (f.asks ? ", asks" : "");
            },
            [](const resend_frame& f) { return "resend after " + number(f.after); },
            [](const stop_frame& f) { return "stop for " + text(f.proposal) + ", ring " + ring(f.ring); },
            [](const report_frame& f) {
                return "report for " + text(f.proposal) + ": in " + text(f.installed) + ", holds " +
                       list(f.holdings,
                            [](const held& h) { return text(h.sender) + ":" + number(h.timestamp); }) +
                       (f.confirmed ? ", confirmed " + text(f.confirmed->proposal) : "");
            },
            [](const propose_frame& f) {
                return "propose " + text(f.proposal) + " after " + text(f.base) + ": members " +
                       ring(f.members) + ", survivors " + ids(f.survivors) + ", cut " +
                       list(f.cut, [](const cut_entry& c) {
                           return text(c.sender) + ":" + number(c.timestamp) + "@" + text(c.holder);
                       });
            },
            [](const fetch_frame& f) {
                return "fetch of server " + text(f.sender) + " after " + number(f.after) + " up to " +
                       number(f.up_to);
            },
            [](const fill_frame& f) {
                return "fill of server " + text(f.sender) + ": " +
                       list(f.batches, [](const batch& b) { return number(b.timestamp); });
            },
            [](const confirm_frame& f) { return "confirm " + text(f.proposal); },
            [](const commit_frame& f) { return "commit " + text(f.proposal); },
            [](const installed_frame& f) { return "installed " + text(f.view); },
            [](const state_frame& f) {
                return "state for " + text(f.view) + ": log of " + text(f.history) + " up to " +
                       number(f.index);
            },
            [](const stale_frame& f) { return "stale: epoch " + number(f.epoch); },
            [](const taken_frame& f) { return "taken of " + text(f.view) + ": " + number(f.bytes); },
        },
        frame);
}

} // namespace

trace_topic topic_of(const any_message& message) {
    return std::visit(overloaded{
                          [](const join_request&) { return trace_topic::membership; },
                          [](const join_answer&) { return trace_topic::membership; },
                          [](const heartbeat&) { return trace_topic::membership; },
                          [](const not_joined&) { return trace_topic::membership; },
                          [](const fleet_view&) { return trace_topic::membership; },
                          [](const order_bytes&) { return trace_topic::order; },
                          [](const clock_probe&) { return trace_topic::clock; },
                          [](const clock_reply&) { return trace_topic::clock; },
                          [](const clock_correction&) { return trace_topic::clock; },
                          [](const clock_refused&) { return trace_topic::clock; },
                          [](const auto&) { return trace_topic::election; },
                      },
                      message);
}

std::string describe(const any_message& message) {
    return std::visit(
        overloaded{
            [](const not_joined&) { return std::string("not joined"); },
            [](const new_election&) { return std::string("NewElection"); },
            [](const leader_answer&) { return std::string("the leader answers"); },
            [](const join_request& m) { return "Join as " + text(m.previous.id); },
            [](const join_answer& m) {
                return "joined as " + text(m.self.id) + ", incarnation " + number(m.self.incarnation);
            },
            [](const heartbeat&) { return std::string("Heartbeat"); },
            [](const fleet_view& m) {
                return "View " + number(m.number) + " epoch " + number(m.epoch) + " leader " +
                       text(m.leader) + " ring " + ring(m.ring);
            },
            [](const lock_request& m) { return "GetLeaderElectionLock " + std::string(to_string(m.reason)); },
            [](const lock_release& m) {
                return "ReleaseLeaderElectionLock epoch " + number(m.epoch) + " leader " + text(m.leader);
            },
            [](const lock_answer& m) {
                if (m.granted)
                    return "granted epoch " + number(m.epoch) +
                           (m.penalised != 0 ? ", penalised " + text(m.penalised) : "");
                return "refused: epoch " + number(m.epoch) + " holder " + text(m.holder) + " leader " +
                       text(m.leader);
            },
            [](const pass_election& m) {
                return "PassElection epoch " + number(m.epoch) + " best " + text(m.best_id) + " (" +
                       text(m.best_score) + ") visited " + ids(m.visited);
            },
            [](const coordinator_message& m) {
                return "CoordinatorMessage epoch " + number(m.epoch) + " leader " + text(m.leader) +
                       (m.beat ? ", beat" : "");
            },
            [](const refused& m) { return "stale: epoch " + number(m.epoch); },
            [](const order_bytes& m) { return describe_frame(*decode(m.frame)); },
            [](const clock_probe& m) {
                return "GetClock epoch " + number(m.epoch) + " round " + number(m.round) + " probe " +
                       number(m.index);
            },
            [](const clock_reply& m) {
                return "clock round " + number(m.round) + " probe " + number(m.index) +
                       (m.synchronised ? ", synchronised" : ", unsynchronised");
            },
            [](const clock_correction& m) {
                return "AdjustClock epoch " + number(m.epoch) + " round " + number(m.round) + " bound " +
                       number(static_cast<std::uint64_t>(m.bound.count() / 1000)) + " us";
            },
            [](const clock_refused& m) { return "stale: epoch " + number(m.epoch); },
        },
        message);
}

} // namespace stadion::support
