#include "frontend/remote_writer.hpp"

#include "frontend/numbered_writes.hpp"
#include "wire/error_message.hpp"
#include "wire/method_numbers.hpp"

namespace stadion::frontend {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr auto session_within = 250ms; // then it is requested again
constexpr auto pause_between = 10ms;
constexpr auto wait_for_database = 3s;
constexpr auto retry_after = 1s;

v1::Outcome failed(wire::error failure, v1::Outcome::Result result) {
    v1::Outcome outcome;
    outcome.set_result(result);
    outcome.set_code(static_cast<std::uint32_t>(failure.code));
    *outcome.mutable_error() = wire::to_message(failure);
    return outcome;
}

v1::Outcome not_answered(wire::error failure, bool was_sent) {
    if (failure.code == wire::status::unavailable || failure.code == wire::status::deadline_exceeded) {
        failure.message = "the database server does not answer (" + failure.message + "); reads go on";
        failure.code = wire::status::unavailable;
        failure.retry_after = retry_after;
    }
    failure.outcome_unknown = was_sent;
    return failed(std::move(failure), was_sent ? v1::Outcome::UNKNOWN : v1::Outcome::UNAVAILABLE);
}

bool says_session_is_unknown(const v1::Outcome& answer) {
    const auto& details = answer.error().details();
    const auto at = details.find("session");
    return at != details.end() && at->second == "unknown";
}

} // namespace

struct remote_writer::pending_write {
    net::worker& home;
    v1::CommitRequest request;
    handler done;
    net::deadline_wheel::clock::time_point give_up_at;
    bool was_sent = false; // an earlier attempt may have been applied
    std::uint64_t generation =
        0; // of the lane's session that it is numbered in; 0: it has a key, or no number yet
    std::unique_ptr<asio::steady_timer> pause;

    std::chrono::milliseconds left() const {
        return std::chrono::duration_cast<std::chrono::milliseconds>(give_up_at -
                                                                     net::deadline_wheel::clock::now());
    }
    bool has_key() const { return !request.mutations(0).idempotency_key().empty(); }
    std::uint64_t number() const { return request.mutations(0).number(); }
};

// One worker's link, session and waiting writes.
struct remote_writer::worker_state {
    std::shared_ptr<net::link> link;
    std::optional<v1::WriteSession> session;
    std::uint64_t generation = 0; // counts sessions
    numbered_writes numbers;
    bool is_session_requested = false;
    std::vector<write_ptr> waiting; // for a session to begin
    std::unique_ptr<asio::steady_timer> pause;
};

remote_writer::remote_writer(net::runtime& threads, const std::string& token) {
    net::link_options options;
    options.role = "server";
    options.node = "frontend writer";
    options.token = token;
    options.peer_proves_itself = true;
    options.reconnect_max = 250ms;
    for (std::size_t i = 0; i < threads.size(); ++i) {
        per_worker_.push_back(std::make_shared<worker_state>());
        per_worker_.back()->link = std::make_shared<net::link>(threads.at(i), options);
    }
}

remote_writer::~remote_writer() = default;

void remote_writer::follow(const std::string& address, std::uint64_t epoch) {
    writer_epoch_ = epoch;
    for (auto& one : per_worker_) one->link->home().post([one, address] { one->link->connect({address}); });
}

void remote_writer::close() {
    for (auto& one : per_worker_)
        one->link->home().post([one] {
            one->pause.reset();
            one->link->close();
        });
}

remote_writer::worker_state& remote_writer::state_of(const pending_write& one) {
    return *per_worker_[one.home.index()];
}

void remote_writer::write(net::worker& home, v1::Mutation mutation, std::chrono::milliseconds budget,
                          handler done) {
    v1::CommitRequest request;
    *request.add_mutations() = std::move(mutation);
    const auto within = std::min<std::chrono::milliseconds>(budget, wait_for_database);
    // A little before the caller's budget ends, so that the caller gets an answer instead of a timeout.
    const auto give_up_at = net::deadline_wheel::clock::now() + within - std::min(within / 10, 50ms);
    auto one = std::make_shared<pending_write>(
        pending_write{home, std::move(request), std::move(done), give_up_at, false, 0, nullptr});
    if (one->has_key()) return send(std::move(one));
    give_number(std::move(one));
}

// Gives the write a number and sends it, or keeps it until a session has begun.
void remote_writer::give_number(write_ptr one) {
    worker_state& in = state_of(*one);
    const auto number = in.session ? in.numbers.next() : std::nullopt;
    if (!number && (in.session || in.waiting.size() >= numbered_writes::window)) {
        auto full = wire::make_error(wire::status::resource_exhausted,
                                     "too many writes wait for the database server's answer");
        full.retry_after = 100ms;
        return one->done(failed(std::move(full), v1::Outcome::UNAVAILABLE));
    }
    if (!number) {
        in.waiting.push_back(std::move(one));
        if (!in.is_session_requested) begin_session(in);
        return;
    }
    one->generation = in.generation;
    one->request.mutable_mutations(0)->set_number(*number);
    *one->request.mutable_session() = *in.session;
    send(std::move(one));
}

void remote_writer::begin_session(worker_state& in) {
    in.is_session_requested = true;
    net::call_options options;
    options.budget = session_within;
    in.link->call(
        wire::rpc::database_begin_session, {}, options,
        [this, &in](wire::result<net::link::reply> outcome) { on_session(in, std::move(outcome)); });
}

void remote_writer::on_session(worker_state& in, wire::result<net::link::reply> outcome) {
    in.is_session_requested = false;
    auto waiting = std::exchange(in.waiting, {});
    v1::WriteSession session;
    if (outcome && session.ParseFromArray(outcome->body.data(), static_cast<int>(outcome->body.size()))) {
        in.session = session;
        in.numbers = {};
        ++in.generation;
        for (auto& one : waiting) give_number(std::move(one));
        return;
    }
    const auto failure =
        outcome ? wire::make_error(wire::status::internal, "the database server's answer is broken")
                : std::move(outcome).error();
    const bool may_pass =
        failure.code == wire::status::unavailable || failure.code == wire::status::deadline_exceeded;
    for (auto& one : waiting) {
        if (may_pass && one->left() > pause_between)
            in.waiting.push_back(std::move(one));
        else
            one->done(not_answered(failure, false));
    }
    if (in.waiting.empty() || in.is_session_requested) return;
    in.is_session_requested = true;
    in.pause = std::make_unique<asio::steady_timer>(in.link->home().context(), pause_between);
    in.pause->async_wait([this, &in](boost::system::error_code cancelled) {
        if (!cancelled) begin_session(in);
    });
}

void remote_writer::send(write_ptr one) {
    worker_state& in = state_of(*one);
    if (one->generation != 0) {
        if (one->generation != in.generation) return send_in_new_session(one);
        one->request.set_lowest_open(in.numbers.lowest_open());
    }
    // Set on every attempt, because the writer may be another one by now.
    one->request.set_writer_epoch(writer_epoch_);
    net::call_options options;
    options.budget = std::max(one->left(), 1ms);
    in.link->call(
        wire::rpc::database_commit, one->request.SerializeAsString(), options,
        [this, one](wire::result<net::link::reply> outcome) {
            if (!outcome) return on_failure(one, std::move(outcome).error());
            v1::CommitResponse response;
            if (!response.ParseFromArray(outcome->body.data(), static_cast<int>(outcome->body.size())) ||
                response.outcomes_size() != 1)
                return on_failure(
                    one, wire::make_error(wire::status::internal, "the database server's answer is broken"));
            on_answer(one, std::move(*response.mutable_outcomes(0)));
        });
}

void remote_writer::on_answer(const write_ptr& one, v1::Outcome answer) {
    // An earlier attempt of this write is still running; the repeated one will get its answer.
    const bool is_running = answer.code() == static_cast<std::uint32_t>(wire::status::aborted);
    if (is_running && one->was_sent) return retry_later(one, pause_between);
    worker_state& in = state_of(*one);
    if (one->generation != 0 && says_session_is_unknown(answer)) {
        if (one->generation == in.generation) in.session.reset(), ++in.generation;
        return send_in_new_session(one);
    }
    // The refusal names the server that it comes from.
    if (answer.has_error() && answer.error().origin().empty())
        answer.mutable_error()->set_origin(in.link->welcome().node());
    end(one, std::move(answer));
}

void remote_writer::on_failure(const write_ptr& one, wire::error failure) {
    one->was_sent = one->was_sent || failure.outcome_unknown;
    if (failure.code == wire::status::unavailable && one->left() > pause_between)
        return retry_later(one, pause_between);
    auto answer = not_answered(std::move(failure), one->was_sent);
    if (one->was_sent && one->has_key())
        (*answer.mutable_error()->mutable_details())["idempotency_key"] =
            one->request.mutations(0).idempotency_key();
    end(one, std::move(answer));
}

// The database server does not know the session, so nothing of it was applied.
void remote_writer::send_in_new_session(const write_ptr& one) {
    one->was_sent = false;
    one->generation = 0;
    give_number(one);
}

void remote_writer::retry_later(write_ptr one, std::chrono::milliseconds pause) {
    one->pause = std::make_unique<asio::steady_timer>(one->home.context(), pause);
    auto& timer = *one->pause;
    timer.async_wait([this, one](boost::system::error_code) { send(one); });
}

void remote_writer::end(const write_ptr& one, v1::Outcome answer) {
    worker_state& in = state_of(*one);
    if (one->generation != 0 && one->generation == in.generation) in.numbers.end(one->number());
    one->done(std::move(answer));
}

} // namespace stadion::frontend
