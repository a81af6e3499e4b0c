#include "tools/client/client_session.hpp"

#include "wire/method_numbers.hpp"

#include <boost/asio/redirect_error.hpp>

#include <algorithm>

namespace stadion::tools {
namespace {

using namespace std::chrono_literals;
using net::awaitable;

constexpr auto connect_within = 2'000ms;
constexpr auto connect_check_every = 20ms;
constexpr auto answer_within = 5'000ms; // by one server, before another is asked
constexpr auto pause_first = 50ms;
constexpr auto pause_max = 1'000ms;
constexpr auto backup_search_every = 3'000ms;
constexpr auto goodbye_within = 500ms;
constexpr auto retired_after = 2'000ms; // so long an old server may go on answering what it has accepted
constexpr auto stream_budget = 24h;

net::call_options options_within(std::chrono::milliseconds budget, bool wait_for_connection = true) {
    net::call_options options;
    options.budget = budget;
    options.wait_for_connection = wait_for_connection;
    return options;
}

// Whether asking again, under the same key, can change the answer.
bool is_passing(const wire::error& failure) {
    switch (failure.code) {
    case wire::status::unavailable:
    case wire::status::deadline_exceeded:
    case wire::status::aborted:
    case wire::status::cancelled:
        return true;
    case wire::status::resource_exhausted: // what is too large stays so
        return failure.retry_after.count() != 0 || failure.outcome_unknown;
    default:
        return failure.outcome_unknown;
    }
}

net::link_options link_options_for(const client_options& wanted) {
    net::link_options options;
    options.role = "client";
    options.node = wanted.client_id;
    options.token = wanted.token;
    options.connect_within = connect_within;
    return options;
}

} // namespace

client_session::client_session(net::worker& home, client_options wanted, handlers handle)
    : home_(home), wanted_(std::move(wanted)), handle_(std::move(handle)), tasks_(home) {
    char text[17];
    std::snprintf(text, sizeof text, "%08x%08x", static_cast<unsigned>(random_()),
                  static_cast<unsigned>(random_()));
    key_prefix_ = wanted_.client_id + "-" + text + "-";
}

std::string client_session::next_key() { return key_prefix_ + std::to_string(++keys_); }

void client_session::start() {
    dispatcher_ = std::make_shared<net::link>(home_, link_options_for(wanted_));
    dispatcher_->on_failure = [weak = weak_from_this()](const std::string& address, const std::string& why) {
        const auto self = weak.lock();
        if (!self || std::exchange(self->complained_of_, why) == why) return;
        self->notice("the dispatcher at " + address + " cannot be reached: " + why + "; trying on");
    };
    dispatcher_->connect({wanted_.dispatcher});
    tasks_.spawn(run());
}

awaitable<void> client_session::stop() {
    const auto self = shared_from_this();
    stopping_ = true;
    if (serving_) {
        v1::UnregisterClientRequest request;
        request.set_client_id(wanted_.client_id);
        co_await link_->ask<v1::UnregisterClientResponse>(wire::rpc::front_end_unregister_client, request,
                                                          options_within(goodbye_within));
    }
    serving_ = false;
    ++entry_;
    ++following_;
    if (dispatcher_) dispatcher_->close();
    if (link_) link_->close();
    changed();
    while (tasks_.size() != 0) {
        changed();
        co_await pause(5ms);
    }
}

// --- finding a server and staying there ---

awaitable<void> client_session::run() {
    const auto self = shared_from_this();
    auto next_pause = std::chrono::milliseconds(pause_first);
    while (!stopping_) {
        if (candidates_.empty() && !co_await assign())
            // The dispatcher may be gone while the servers are not.
            for (const auto& known : {backup_, server_})
                if (!known.empty()) candidates_.push_back(known);
        bool entered = false;
        while (!entered && !candidates_.empty() && !stopping_) {
            const auto address = candidates_.front();
            candidates_.pop_front();
            entered = co_await enter(address);
        }
        if (!entered) {
            std::uniform_int_distribution<std::int64_t> spread(next_pause.count() / 2, next_pause.count());
            co_await pause(std::chrono::milliseconds(spread(random_)));
            next_pause = std::min(next_pause * 2, std::chrono::milliseconds(pause_max));
            continue;
        }
        next_pause = pause_first;
        co_await stay();
        candidates_.clear();
        if (!backup_.empty() && backup_ != server_) candidates_.push_back(backup_);
    }
}

// Until the server is lost; meanwhile sees to it that there is a backup.
awaitable<void> client_session::stay() {
    while (serving_ && !stopping_) {
        if (backup_.empty() || backup_ == server_) co_await find_backup();
        co_await until([this] { return !serving_ || stopping_; }, clock::now() + backup_search_every);
    }
}

awaitable<bool> client_session::assign() {
    v1::AssignRequest request;
    request.set_client_id(wanted_.client_id);
    auto answer = co_await dispatcher_->ask<v1::AssignResponse>(
        wire::rpc::dispatcher_assign, std::move(request), options_within(connect_within));
    if (!answer) {
        last_failure_ = answer.error().message;
        co_return false;
    }
    ticket_ = answer->ticket();
    backup_ = answer->backup().address();
    candidates_ = {answer->master().address()};
    if (!backup_.empty()) candidates_.push_back(backup_);
    co_return true;
}

awaitable<bool> client_session::enter(std::string address) {
    const auto entry = ++entry_;
    auto fresh = std::make_shared<net::link>(home_, link_options_for(wanted_));
    const auto untried = fresh->last_failure();
    fresh->on_state = [this, entry, address](bool ready) {
        if (!ready && entry == entry_) leave("the connection to " + address + " was lost");
        changed();
    };
    fresh->connect({address});
    const auto deadline = clock::now() + connect_within;
    while (!fresh->is_ready() && fresh->last_failure() == untried && clock::now() < deadline && !stopping_)
        co_await until([&] { return fresh->is_ready() || stopping_; }, clock::now() + connect_check_every);

    if (link_) fresh->continue_from(link_->next_id()); // a request's number is its own, wherever it is sent
    v1::RegisterClientRequest request;
    request.set_client_id(wanted_.client_id);
    request.set_ticket(ticket_);
    auto answer = co_await fresh->ask<v1::RegisterClientResponse>(
        wire::rpc::front_end_register_client, std::move(request), options_within(connect_within, false));
    if (!answer || stopping_) {
        last_failure_ = answer ? "stopped" : answer.error().message;
        if (!stopping_) notice(address + " does not take us: " + last_failure_);
        ++entry_;
        fresh->close();
        co_return false;
    }
    fresh->continue_from(answer->next_request());
    is_on(answer->board(), answer->sequence());
    if (!server_.empty()) ++switches_;
    server_ = address;
    link_ = std::move(fresh);
    if (backup_ == server_) backup_.clear();
    serving_ = true;
    notice("registered at " + address);
    if (subscribed_) follow();
    changed();
    co_return true;
}

// The dispatcher gives a new ticket with the backup. The ticket is shown to the server we are registered at,
// so that the dispatcher does not count us as one more client on its way.
awaitable<void> client_session::find_backup() {
    v1::AssignRequest request;
    request.set_client_id(wanted_.client_id);
    const auto at = link_;
    auto answer = co_await dispatcher_->ask<v1::AssignResponse>(
        wire::rpc::dispatcher_assign, std::move(request), options_within(connect_within));
    if (!answer || !serving_ || link_ != at) co_return;
    ticket_ = answer->ticket();
    for (const auto& one : {answer->master().address(), answer->backup().address()})
        if (!one.empty() && one != server_) backup_ = one;
    v1::RegisterClientRequest again;
    again.set_client_id(wanted_.client_id);
    again.set_ticket(ticket_);
    co_await at->ask<v1::RegisterClientResponse>(wire::rpc::front_end_register_client, std::move(again),
                                                 options_within(connect_within, false));
}

void client_session::leave(const std::string& why) {
    if (!serving_) return;
    serving_ = false;
    last_failure_ = why;
    ++entry_;
    ++following_;
    notice(why + (backup_.empty() ? "" : "; going to " + backup_));
    tasks_.spawn(retire(link_));
}

// What a server has accepted before its GOAWAY it still answers.
awaitable<void> client_session::retire(std::shared_ptr<net::link> old) {
    const auto self = shared_from_this();
    co_await until([this] { return stopping_; }, clock::now() + retired_after);
    old->close();
}

awaitable<wire::result<void>> client_session::registered(std::chrono::milliseconds within) {
    const auto self = shared_from_this();
    if (co_await until([this] { return serving_ || stopping_; }, clock::now() + within) && serving_)
        co_return wire::result<void>();
    co_return wire::make_error(wire::status::unavailable, "no server takes us; the dispatcher is " +
                                                              wanted_.dispatcher + ": " + last_failure_);
}

// --- calls ---

awaitable<wire::result<std::string>> client_session::call(std::uint16_t method, std::string body,
                                                          std::string key) {
    const auto self = shared_from_this();
    const auto deadline = clock::now() + wanted_.try_for;
    auto next_pause = std::chrono::milliseconds(pause_first);
    std::uint64_t id = 0; // kept when it is repeated: it is the same request
    auto failure = wire::make_error(wire::status::unavailable, "no server takes us: " + last_failure_);
    while (co_await until([this] { return serving_ || stopping_; }, deadline)) {
        if (stopping_) co_return wire::make_error(wire::status::cancelled, "the client stops");
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - clock::now());
        const auto at = link_;
        auto options = options_within(std::clamp<std::chrono::milliseconds>(left, 1ms, answer_within), false);
        options.idempotency_key = key;
        options.seen_sequence = seen_;
        options.seen_board = board_;
        options.id = id = id != 0 ? id : at->next_id();
        auto answer = co_await at->ask_encoded(method, body, std::move(options));
        if (answer || !is_passing(answer.error())) co_return answer;
        failure = answer.error();
        if (failure.code == wire::status::deadline_exceeded) id = 0; // the server may still be at it
        if (at == link_ && serving_) {
            co_await pause(std::max(failure.retry_after, next_pause));
            next_pause = std::min(next_pause * 2, std::chrono::milliseconds(pause_max));
        }
    }
    co_return failure;
}

// --- the feed ---

void client_session::subscribe(std::vector<std::string> topics) {
    topics_ = std::move(topics);
    subscribed_ = true;
    position_ = feed_position();
    if (!serving_) return;
    if (stream_ != 0) link_->cancel(std::exchange(stream_, 0));
    follow();
}

void client_session::follow() {
    position_.restart();
    v1::SubscribeRequest request;
    for (const auto& topic : topics_) request.add_topics(topic);
    position_.is_on(board_);
    request.set_since(position_.resume_from().sequence);
    request.set_board(position_.resume_from().board);
    const auto following = ++following_;
    net::call_options options;
    options.budget = stream_budget;
    options.seen_sequence = seen_;
    options.seen_board = board_;
    stream_ = link_->stream(
        wire::rpc::front_end_subscribe, request.SerializeAsString(), options,
        [self = shared_from_this(), following](std::string_view body) {
            if (following == self->following_) self->on_event(body);
        },
        [self = shared_from_this(), following](wire::result<net::link::reply> end) {
            if (following != self->following_ || self->stopping_) return;
            self->stream_ = 0;
            if (!end && !is_passing(end.error()))
                self->notice("the subscription has ended: " + end.error().message);
            self->tasks_.spawn(
                [](std::shared_ptr<client_session> owner, std::uint64_t of) -> awaitable<void> {
                    co_await owner->pause(pause_first);
                    if (of == owner->following_ && owner->serving_) owner->follow();
                }(self, following));
        });
}

void client_session::on_event(std::string_view body) {
    v1::Event event;
    if (!event.ParseFromArray(body.data(), static_cast<int>(body.size()))) return;
    if (event.has_reset()) is_on(event.reset().board(), event.sequence());
    saw(event.sequence());
    if (position_.take(event) && handle_.on_event) handle_.on_event(event);
}

// What was seen on another board counts no more.
void client_session::is_on(std::uint64_t board, std::uint64_t sequence) {
    if (std::exchange(board_, board) != board) seen_ = sequence;
}

// --- waiting ---

awaitable<bool> client_session::until(std::function<bool()> holds, clock::time_point deadline) {
    const auto self = shared_from_this();
    while (!holds()) {
        if (clock::now() >= deadline) co_return false;
        net::asio::steady_timer timer(home_.context(), deadline);
        const auto place = waiting_.insert(waiting_.end(), &timer);
        net::error_code woken;
        co_await timer.async_wait(net::asio::redirect_error(net::use_awaitable, woken));
        waiting_.erase(place);
    }
    co_return true;
}

awaitable<void> client_session::pause(std::chrono::milliseconds length) {
    net::asio::steady_timer timer(home_.context(), length);
    net::error_code ignored;
    co_await timer.async_wait(net::asio::redirect_error(net::use_awaitable, ignored));
}

void client_session::changed() {
    for (auto* timer : waiting_) timer->cancel();
}

void client_session::notice(const std::string& text) {
    if (handle_.on_notice) handle_.on_notice(text);
}

} // namespace stadion::tools
