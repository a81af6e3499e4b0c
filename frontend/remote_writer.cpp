#include "frontend/remote_writer.hpp"

#include "wire/error_message.hpp"

#include <random>

namespace stadion::frontend {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t commit_method = 0x0305;
constexpr auto wait_for_database = 3s;
constexpr auto retry_after = 1s;

std::string make_key() {
    thread_local std::mt19937_64 random{std::random_device{}()};
    char text[40];
    std::snprintf(text, sizeof text, "fe-%016llx%016llx", static_cast<unsigned long long>(random()),
                  static_cast<unsigned long long>(random()));
    return text;
}

v1::Outcome failed(wire::error failure, v1::Outcome::Result result) {
    v1::Outcome outcome;
    outcome.set_result(result);
    outcome.set_code(static_cast<std::uint32_t>(failure.code));
    *outcome.mutable_error() = wire::to_message(failure);
    return outcome;
}

} // namespace

struct remote_writer::attempt {
    net::worker& home;
    std::string body;
    std::string key;
    handler done;
    net::deadline_wheel::clock::time_point give_up_at;
    bool was_sent = false; // some attempt may have had its effect
    std::unique_ptr<asio::steady_timer> pause;
};

remote_writer::remote_writer(net::runtime& threads, const std::string& token) : threads_(threads) {
    net::link_options options;
    options.role = "server";
    options.node = "frontend writer";
    options.token = token;
    options.reconnect_max = 250ms;
    for (std::size_t i = 0; i < threads.size(); ++i)
        links_.push_back(std::make_shared<net::link>(threads.at(i), options));
}

void remote_writer::follow(const std::string& address) {
    for (auto& one : links_) one->home().post([one, address] { one->connect({address}); });
}

void remote_writer::close() {
    for (auto& one : links_) one->home().post([one] { one->close(); });
}

void remote_writer::write(net::worker& home, v1::Mutation mutation, std::chrono::milliseconds budget,
                          handler done) {
    if (mutation.idempotency_key().empty()) mutation.set_idempotency_key(make_key());
    v1::CommitRequest request;
    auto key = mutation.idempotency_key();
    *request.add_mutations() = std::move(mutation);
    const auto within = std::min<std::chrono::milliseconds>(budget, wait_for_database);
    // A little before the caller's own budget ends, so that he gets a reason instead of silence.
    const auto give_up_at = net::deadline_wheel::clock::now() + within - std::min(within / 10, 50ms);
    send(std::make_shared<attempt>(attempt{home, request.SerializeAsString(), std::move(key), std::move(done),
                                           give_up_at, false, nullptr}));
}

void remote_writer::send(std::shared_ptr<attempt> one) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        one->give_up_at - net::deadline_wheel::clock::now());
    net::call_options options;
    options.budget = std::max(left, 1ms);
    auto& link = *links_[one->home.index()];
    link.call(commit_method, one->body, options, [this, one, &link](wire::result<net::link::reply> outcome) {
        v1::CommitResponse response;
        if (outcome &&
            response.ParseFromArray(outcome->body.data(), static_cast<int>(outcome->body.size())) &&
            response.outcomes_size() == 1) {
            // Our own earlier attempt may still be on its way to the disk: its answer is ours.
            const bool is_running =
                response.outcomes(0).code() == static_cast<std::uint32_t>(wire::status::aborted);
            if (is_running && one->was_sent) return retry_later(one, 10ms);
            auto& answer = *response.mutable_outcomes(0);
            // Passed on, a refusal must not look like our own.
            if (answer.has_error() && answer.error().origin().empty())
                answer.mutable_error()->set_origin(link.welcome().node());
            return one->done(std::move(answer));
        }
        auto failure =
            outcome ? wire::make_error(wire::status::internal, "the database server's answer is broken")
                    : std::move(outcome).error();
        one->was_sent = one->was_sent || failure.outcome_unknown;
        const bool may_pass = failure.code == wire::status::unavailable;
        if (may_pass && net::deadline_wheel::clock::now() + 10ms < one->give_up_at)
            return retry_later(one, 10ms);
        if (may_pass || failure.code == wire::status::deadline_exceeded) {
            failure.message = "the database server does not answer (" + failure.message + "); reads go on";
            failure.code = wire::status::unavailable;
            failure.retry_after = retry_after;
        }
        failure.outcome_unknown = one->was_sent;
        if (one->was_sent) failure.details["idempotency_key"] = one->key;
        one->done(
            failed(std::move(failure), one->was_sent ? v1::Outcome::UNKNOWN : v1::Outcome::UNAVAILABLE));
    });
}

void remote_writer::retry_later(std::shared_ptr<attempt> one, std::chrono::milliseconds pause) {
    one->pause = std::make_unique<asio::steady_timer>(one->home.context(), pause);
    auto& timer = *one->pause;
    timer.async_wait([this, one](boost::system::error_code) { send(one); });
}

} // namespace stadion::frontend
