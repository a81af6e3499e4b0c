#include "dbserver/server/store_feed.hpp"

#include <map>
#include <mutex>

namespace stadion::dbserver {
namespace {

constexpr std::size_t events_kept = 65'536;

double seconds_of(std::int64_t at_us) { return static_cast<double>(at_us) / 1e6; }

// The earliest sequence, not below `since`, after which the store still retains every event.
std::uint64_t earliest_held(const store& from, std::uint64_t since, std::uint64_t newest) {
    const auto is_held = [&](std::uint64_t one) { return from.events_since(one, 1).has_value(); };
    if (is_held(since)) return since;
    while (since < newest) {
        const auto middle = since + (newest - since) / 2;
        if (is_held(middle))
            newest = middle;
        else
            since = middle + 1;
    }
    return newest;
}

} // namespace

net::board_event_ptr state_event(const state_ptr& what) {
    v1::Event message;
    message.set_sequence(what->sequence());
    message.set_topic(what->table());
    if (const auto* score = what->score()) *message.mutable_score() = *score;
    if (const auto* tally = what->tally()) *message.mutable_tally() = *tally;
    return std::make_shared<const wire::board_event>(std::move(message));
}

net::board_event_ptr to_board_event(const event& what) {
    if (what.state) return state_event(what.state);
    v1::Event message;
    message.set_sequence(what.sequence);
    message.set_topic("state");
    auto& made = *message.mutable_state();
    made.set_frozen(what.kind == event_kind::frozen);
    made.set_sequence(what.sequence);
    if (made.frozen()) made.set_since(seconds_of(what.at_us));
    return std::make_shared<const wire::board_event>(std::move(message));
}

// Holds back the outcomes of a batch until every board shows it.
class store_feed::barrier {
public:
    explicit barrier(bool is_open) : open_(is_open) {}

    void when_open(net::worker& home, std::function<void()> task) {
        std::unique_lock lock(mutex_);
        if (!open_) {
            waiting_[&home].push_back(std::move(task));
            return;
        }
        lock.unlock();
        home.post(std::move(task));
    }

    void open() {
        std::map<net::worker*, std::vector<std::function<void()>>> ready;
        {
            const std::lock_guard lock(mutex_);
            open_ = true;
            ready.swap(waiting_);
        }
        for (auto& [home, tasks] : ready)
            home->post([tasks = std::move(tasks)] {
                for (const auto& task : tasks) task();
            });
    }

private:
    std::mutex mutex_;
    bool open_;
    std::map<net::worker*, std::vector<std::function<void()>>> waiting_;
};

store_feed::store_feed(store& from, net::board_set& to, std::uint64_t board)
    : store_(from), boards_(to), last_barrier_(std::make_shared<barrier>(true)) {
    boards_.use_own_head();
    load(board);
    subscription_ = store_.watch([this](std::span<const event> events) { on_events(events); });
}

store_feed::~store_feed() = default;

void store_feed::load(std::uint64_t board) {
    auto now = std::make_shared<net::board_snapshot>();
    now->board = board;
    now->sequence = store_.sequence();
    const auto wanted = now->sequence > events_kept ? now->sequence - events_kept : 0;
    if (auto events = store_.events_since(earliest_held(store_, wanted, now->sequence)))
        for (const auto& one : *events) now->before.push_back(to_board_event(one));
    if (const auto since = store_.frozen_since()) {
        auto& shown = now->shown.emplace();
        shown.state.set_frozen(true);
        shown.state.set_since(seconds_of(since->at_us));
        shown.state.set_sequence(since->sequence);
        shown.states = states_of(audience::everyone);
    }
    now->states = states_of(audience::scorer);
    boards_.replace(std::move(now));
}

net::event_batch store_feed::states_of(audience who) const {
    net::event_batch states;
    for (const auto prefix : {games_prefix, teams_prefix})
        for (const auto& one : store_.scan(prefix, page{{}, SIZE_MAX}, who))
            states.push_back(state_event(one));
    return states;
}

void store_feed::on_events(std::span<const event> events) {
    auto batch = std::make_shared<net::event_batch>();
    batch->reserve(events.size());
    for (const auto& one : events) batch->push_back(to_board_event(one));
    last_barrier_ = std::make_shared<barrier>(false);
    boards_.publish(std::move(batch), [barrier = last_barrier_] { barrier->open(); });
}

void store_feed::commit(net::worker& home, std::vector<v1::Mutation> mutations,
                        std::function<void(std::vector<v1::Outcome>)> done, const numbering& numbered_in) {
    auto answered = [this, &home, done = std::move(done)](std::vector<outcome> outcomes) mutable {
        auto answer = [outcomes = std::move(outcomes), done = std::move(done)] {
            std::vector<v1::Outcome> messages;
            messages.reserve(outcomes.size());
            for (const auto& one : outcomes) messages.push_back(to_message(one));
            done(std::move(messages));
        };
        if (home.is_current()) return answer(); // refused, or answered before: nothing new was published
        last_barrier_->when_open(home, std::move(answer));
    };
    store_.commit(std::move(mutations), std::move(answered), numbered_in);
}

void store_feed::write(net::worker& home, v1::Mutation mutation, std::chrono::milliseconds, handler done) {
    std::vector<v1::Mutation> one;
    one.push_back(std::move(mutation));
    commit(home, std::move(one), [done = std::move(done)](std::vector<v1::Outcome> outcomes) {
        done(std::move(outcomes.front()));
    });
}

} // namespace stadion::dbserver
