#include "net/board/wire_stream.hpp"

#include "net/board/topic_limits.hpp"

namespace stadion::net {
namespace {

class wire_stream final : public board_subscriber {
public:
    wire_stream(std::shared_ptr<pending_call> pending, reset_event when, live_board& board,
                const live_board::request& wanted)
        : pending_(std::move(pending)), when_(when), board_(board), wanted_(wanted) {}

    void begin() { subscription_ = board_.subscribe(*this, wanted_); }
    void resume() {
        if (subscription_) subscription_->resume();
    }
    void end() {
        subscription_.reset();
        pending_->on_drained = nullptr;
    }

    void on_start(start_kind kind, std::uint64_t sequence, shared_batch states) override {
        states_ = std::move(states);
        shown_.clear();
        next_ = 0;
        const bool says_so = kind == start_kind::reset ||
                             (kind == start_kind::snapshot && when_ == reset_event::before_states);
        if (!says_so) return;
        v1::Event event;
        event.set_sequence(sequence);
        auto& reset = *event.mutable_reset();
        reset.set_states(static_cast<std::uint32_t>(states_->size()));
        reset.set_board(board_.board_id());
        if (const auto* frozen = frozen_for_replicas()) {
            shown_ = frozen->shown.states_after(0, wanted_.filter);
            *reset.mutable_state() = frozen->state;
            reset.set_public_states(static_cast<std::uint32_t>(shown_.size()));
        }
        pending_->event(event.SerializeAsString());
    }
    bool send_states() override {
        if (!states_) return true;
        for (std::size_t sent = 0; next_ < states_->size() + shown_.size(); ++next_) {
            if (sent >= piece_bytes) return false;
            const bool is_shown = next_ >= states_->size();
            const auto& state = is_shown ? shown_[next_ - states_->size()] : (*states_)[next_];
            pending_->event(state->payload());
            sent += state->payload().size();
        }
        states_.reset();
        shown_ = {};
        return true;
    }
    void on_event(const board_event_ptr& event) override { pending_->event(event->payload()); }
    bool is_congested() const override { return pending_->is_congested(); }

private:
    // A replica answers for both views, so it needs both boards.
    const live_board::frozen_board* frozen_for_replicas() const {
        const bool wants_both = when_ == reset_event::before_states && wanted_.view == board_view::live;
        return wants_both ? board_.frozen() : nullptr;
    }

    std::shared_ptr<pending_call> pending_;
    reset_event when_;
    live_board& board_;
    const live_board::request wanted_;
    shared_batch states_;  // the states to begin with
    event_batch shown_;    // those of the public view, sent after them
    std::size_t next_ = 0; // in both together
    std::unique_ptr<live_board::subscription> subscription_;
};

} // namespace

void start_wire_stream(board_set& boards, std::shared_ptr<pending_call> pending,
                       const live_board::request& wanted, reset_event when) {
    if (!pending->hold(memory_of(wanted.filter)))
        return pending->fail(wire::make_error(wire::status::resource_exhausted,
                                              "the subscriptions of this connection name too many topics"));
    auto stream = std::make_shared<wire_stream>(pending, when, boards.of(pending->home()), wanted);
    // These two make the call own the stream; the stream owns the call. `end` breaks the cycle.
    pending->on_drained = [stream] { stream->resume(); };
    pending->on_abandoned = [stream] { stream->end(); };
    stream->begin();
}

} // namespace stadion::net
