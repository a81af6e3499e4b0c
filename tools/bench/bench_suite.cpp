#include "tools/bench/bench_suite.hpp"

#include "tools/bench/bench_memory.hpp"
#include "tools/bench/bench_nginx.hpp"
#include "tools/bench/bench_push.hpp"
#include "wire/method_numbers.hpp"
#include "wire/proto/database.pb.h"
#include "wire/proto/frontend.pb.h"
#include "wire/proto/handshake.pb.h"

#include <sys/poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

namespace stadion::tools {
namespace {

// The same method at a front-end and at the database server.
std::uint16_t query_at(bool database) {
    return database ? wire::rpc::database_query_score_by_game : wire::rpc::front_end_query_score_by_game;
}
std::uint16_t update_at(bool database) {
    return database ? wire::rpc::database_update_score_by_game : wire::rpc::front_end_update_score_by_game;
}
std::uint16_t watch_at(bool database) {
    return database ? wire::rpc::database_watch : wire::rpc::front_end_subscribe;
}
constexpr std::size_t games = 64;
constexpr int answer_within_ms = 5'000;
constexpr std::size_t nobody = 0xffff'ffff; // no connection of a generator, so that keys are not used twice
constexpr std::size_t push_outstanding = 1'000; // just below what one connection may have in flight
const std::string stamp_marker("\x0a\x05"
                               "bench"
                               "\x10",
                               8);

std::string game_name(std::size_t number) { return "bench-" + std::to_string(10 + number); }

// One game after the other; the points of "bench" say when the update was made.
std::vector<std::string> update_bodies() {
    std::vector<std::string> bodies;
    for (std::size_t i = 0; i < games; ++i) {
        v1::UpdateScoreByGameRequest request;
        request.set_game(game_name(i));
        (*request.mutable_points())["bench"] = static_cast<std::int32_t>(stamp_of(0));
        bodies.push_back(request.SerializeAsString());
    }
    return bodies;
}

// Far from the ids of other runs: an idempotency key used again would be a repetition, not an update.
std::uint64_t id_first_of(std::size_t run) { return (std::uint64_t{run} + 1) << 40; }

// Sends one request by itself; the bytes of its answer. The server's refusal when it is one.
wire::result<std::string> ask_once(const std::string& address, const bench_traffic& traffic) {
    const auto descriptor = bench_connect(address);
    if (!descriptor) return descriptor.error();
    const struct closer {
        int descriptor;
        ~closer() { ::close(descriptor); }
    } owned{*descriptor};
    std::string out;
    traffic.greet(out, nobody);
    traffic.request(out, 1, nobody);
    ::send(*descriptor, out.data(), out.size(), MSG_NOSIGNAL);
    std::string received;
    char buffer[16 * 1024];
    for (;;) {
        pollfd polled{*descriptor, POLLIN, 0};
        if (::poll(&polled, 1, answer_within_ms) != 1)
            return wire::make_error(wire::status::deadline_exceeded, address + " does not answer");
        const auto size = ::recv(*descriptor, buffer, sizeof buffer, 0);
        if (size <= 0) return wire::make_error(wire::status::unavailable, address + " closed the connection");
        received.append(buffer, static_cast<std::size_t>(size));
        for (bench_traffic::answer answer; (answer = traffic.look_at(received)).size != 0;
             received.erase(0, answer.size)) {
            if (!answer.counts) continue;
            if (!answer.failed) return received.substr(0, answer.size);
            v1::Error error;
            const bool is_wire = received.front() == 0;
            if (is_wire)
                error.ParseFromArray(received.data() + wire::frame_header_size,
                                     static_cast<int>(answer.size - wire::frame_header_size));
            return wire::make_error(wire::status::failed_precondition,
                                    is_wire ? error.message() : received.substr(0, received.find('\r')));
        }
    }
}

} // namespace

bench_suite::bench_suite(bench_plan plan, const bench_echo& echo,
                         std::function<void(const std::string&)> on_progress)
    : plan_(std::move(plan)), echo_(echo), on_progress_(std::move(on_progress)) {}

bool bench_suite::is_wanted(const std::string& name) const {
    return plan_.only.empty() || std::any_of(plan_.only.begin(), plan_.only.end(),
                                             [&](const auto& prefix) { return name.starts_with(prefix); });
}

bench_row& bench_suite::begin(const std::string& name, const std::string& unit, const std::string& peer) {
    on_progress_(name);
    auto& row = rows_.emplace_back();
    row.scenario = name;
    row.unit = unit;
    row.peer = peer;
    return row;
}

wire::result<std::vector<bench_row>> bench_suite::run() {
    if (auto prepared = prepare(); !prepared) return prepared.error();
    // Memory comes first: what other scenarios have freed would hide what the connections cost.
    if (is_wanted("memory")) run_memory();
    for (const shape& one : {shape{"wire 64×1", 64, 1, 0.9}, shape{"wire 64×16", 64, 16, 0.6},
                             shape{"wire 1×1", 1, 1, 0}, shape{"wire 1×1024", 1, 1024, 0}})
        if (is_wanted(one.name)) run_queries(one, false);
    for (const shape& one : {shape{"registered 64×1", 64, 1, 0.9}, shape{"registered 64×16", 64, 16, 0.6}})
        if (is_wanted(one.name) && !plan_.is_database) run_queries(one, true);
    if (is_wanted("rest 64")) run_rest();
    for (const shape& one : {shape{"updates 1", 1, 1, 0}, shape{"updates 64", 16, 4, 0},
                             shape{"updates 256", 16, 16, 0}, shape{"updates 1024", 64, 16, 0}}) {
        if (!is_wanted(one.name)) continue;
        run_updates(one, one.name, plan_.address, update_at(plan_.is_database));
        if (!plan_.is_database && !plan_.database.empty())
            run_updates(one, "part: database, " + std::string(one.name), plan_.database, update_at(true));
    }
    for (const std::size_t subscribers : {1, 10, 100})
        if (is_wanted("push " + std::to_string(subscribers))) run_push(subscribers);
    return std::move(rows_);
}

// Makes the games that the scenarios read, update and follow.
wire::result<void> bench_suite::prepare() {
    for (const auto& body : update_bodies()) {
        const wire_traffic one({update_at(plan_.is_database), {body}, true, stamp_marker, plan_.token});
        if (auto made = ask_once(plan_.address, one); !made) return made.error();
    }
    return {};
}

void bench_suite::compare(bench_row& row, const shape& one, const bench_traffic& ours,
                          const bench_traffic& peers, const std::string& peer_address,
                          const std::string& address) {
    bench_load load{address.empty() ? plan_.address : address, one.connections, one.outstanding,
                    std::min(plan_.threads, one.connections)};
    load.measure = plan_.measure;
    auto peer_load = load;
    peer_load.address = peer_address;
    for (std::size_t i = 0; i < plan_.repeat && row.problem.empty(); ++i) {
        load.id_first = id_first_of(i);
        const auto mine = generate(load, ours);
        const auto peer = generate(peer_load, peers);
        if (!mine || !peer) {
            row.problem = (mine ? peer : mine).error().message;
            return;
        }
        row.runs.push_back(mine->per_second);
        row.peer_runs.push_back(peer->per_second);
        row.latency.merge(mine->latency);
        row.failed += mine->failed;
    }
}

void bench_suite::run_queries(const shape& one, bool registered) {
    auto& row = begin(one.name, "/s", "echo");
    if (one.reach != 0) row.reach = one.reach;
    row.reach_is_ratio = true;
    v1::QueryScoreByGameRequest request;
    request.set_game(game_name(0));
    const wire_traffic ours(
        {query_at(plan_.is_database), {request.SerializeAsString()}, false, {}, plan_.token, registered});
    const auto answer = ask_once(plan_.address, ours);
    if (!answer) {
        row.problem = answer.error().message;
        return;
    }
    compare(row, one, ours, echo_traffic((ours.request_size() + answer->size()) / 2), echo_.address());
}

void bench_suite::run_rest() {
    auto& row = begin("rest 64", "/s", "echo");
    row.reach = 150'000;
    const http_traffic ours(plan_.address, "/v1/games/" + game_name(0), plan_.token);
    const auto answer = ask_once(plan_.address, ours);
    if (!answer) {
        row.problem = answer.error().message;
        return;
    }
    compare(row, {"rest", 64, 1, 0}, ours, echo_traffic((ours.request_size() + answer->size()) / 2),
            echo_.address());
    if (plan_.with_nginx) run_nginx(answer->substr(answer->find("\r\n\r\n") + 4));
}

void bench_suite::run_nginx(const std::string& body) {
    auto& row = begin("rest 64, nginx", "/s", "nginx");
    const auto nginx = bench_nginx::start(body, plan_.server_threads);
    if (!nginx) {
        row.problem = nginx.error().message;
        return;
    }
    const http_traffic ours(plan_.address, "/v1/games/" + game_name(0), plan_.token);
    compare(row, {"rest", 64, 1, 0}, ours, http_traffic(nginx->address(), "/", {}), nginx->address());
}

// As scorers do: each update has an idempotency key of its own, and is durable when it is answered.
void bench_suite::run_updates(const shape& one, const std::string& name, const std::string& address,
                              std::uint16_t number) {
    auto& row = begin(name, "/s", "echo");
    const wire_traffic ours({number, update_bodies(), true, stamp_marker, plan_.token});
    const auto answer = ask_once(address, ours);
    if (!answer) {
        row.problem = answer.error().message;
        return;
    }
    compare(row, one, ours, echo_traffic((ours.request_size() + answer->size()) / 2), echo_.address(),
            address);
}

void bench_suite::run_push(std::size_t subscribers) {
    auto& row = begin("push " + std::to_string(subscribers), "/s", "echo");
    if (subscribers == 100) row.reach = 4'000'000;
    const wire_traffic writer(
        {update_at(plan_.is_database), update_bodies(), true, stamp_marker, plan_.token});
    push_load load;
    load.address = plan_.address;
    load.subscribers = subscribers;
    load.measure = plan_.measure;
    load.marker = stamp_marker;
    load.outstanding = push_outstanding;
    std::string body;
    if (plan_.is_database) {
        v1::WatchRequest request;
        request.add_prefixes("games/bench-");
        body = request.SerializeAsString();
    } else {
        v1::SubscribeRequest request;
        request.add_topics("games/bench-*");
        body = request.SerializeAsString();
    }
    const wire_traffic subscribing({watch_at(plan_.is_database), {body}, false, {}, plan_.token});
    subscribing.greet(load.subscribe, 0);
    subscribing.request(load.subscribe, 1, 0);

    // The peer broadcasts frames as large as the answer to an update, which is about the size of an event.
    const auto answer = ask_once(plan_.address, writer);
    const echo_traffic peer_writer(answer ? answer->size() : 100);
    auto peer_load = load;
    peer_load.address = echo_.broadcast_address();
    peer_load.subscribe.clear();
    for (std::size_t i = 0; i < plan_.repeat; ++i) {
        load.id_first = id_first_of(i);
        const auto mine = generate_push(load, writer);
        const auto peer = generate_push(peer_load, peer_writer);
        if (!mine || !peer) {
            row.problem = (mine ? peer : mine).error().message;
            return;
        }
        row.runs.push_back(mine->deliveries_per_second);
        row.peer_runs.push_back(peer->deliveries_per_second);
        row.latency.merge(mine->to_each);
        row.to_last.merge(mine->to_last);
        row.not_to_all += mine->not_to_all;
    }
}

void bench_suite::run_memory() {
    auto& row = begin("memory, idle", " B", "echo");
    row.less_is_better = true;
    row.reach = 2'500;
    const wire_traffic greeting({query_at(plan_.is_database), {""}, false, {}, plan_.token});
    memory_load load{plan_.address, plan_.pid, plan_.idle_connections, {}};
    greeting.greet(load.greeting, 0);
    const auto mine = measure_idle_memory(load);
    load.address = echo_.address();
    load.pid = echo_.pid();
    const auto peer = measure_idle_memory(load);
    if (!mine || !peer) {
        row.problem = (mine ? peer : mine).error().message;
        return;
    }
    row.runs = {*mine};
    row.peer_runs = {*peer};
}

} // namespace stadion::tools
